"""The one place that imports torchvision: `from models.torchvision_shim import torchvision`.

The registry's torchvision wheel is built for CUDA. With a CPU build of PyTorch its C++ library does not load,
so the operators `torchvision::nms` and `torchvision::qnms` do not exist, and the import fails when it
attaches shape functions to them. If their schemas are declared first, the models and transforms can be
imported, which use neither operator. `torchvision.ops` and torchvision's decoders stay unavailable there.
"""

import torch

try:
    import torchvision
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    # The declarations live as long as this object does.
    _operators = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for _name in ("nms", "qnms"):
        _schema = f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        _operators.define(_schema)  # type: ignore[no-untyped-call]
    import torchvision

__all__ = ["torchvision"]
