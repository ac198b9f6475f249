"""The one place that imports torchvision: `from models.torchvision_shim import torchvision`.

The registry's torchvision wheel is built for CUDA. Beside a CPU build of PyTorch its C++ library does not
load, so the operators `torchvision::nms` and `torchvision::qnms` do not exist, and the import fails when it
attaches shape functions to them. Declaring their schemas first lets the models and transforms, which use
neither, import. `torchvision.ops` and torchvision's decoders stay unavailable there.
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
