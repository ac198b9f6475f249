"""The encoder networks. Each takes uint8 photos and normalises them itself, so torch and ONNX do the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.torchvision_shim import torchvision

PHOTO_SIZE = 256
"""Height and width, in pixels, of the photos that every encoder takes."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
"""For red, green and blue, in grey levels 0 to 255."""

Photos = npt.NDArray[np.uint8]
Embeddings = npt.NDArray[np.float32]


class Embedder(nn.Module):
    """Normalises photos and returns the backbone's pooled penultimate features.

    `mean` and `std` are per channel, in grey levels 0 to 255; `size` is the height and width that the
    backbone takes.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        size: tuple[int, int] = (PHOTO_SIZE, PHOTO_SIZE),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.size = tuple(size)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, photos_NHWC: Tensor) -> Tensor:
        photos_NCHW = photos_NHWC.permute(0, 3, 1, 2).float()
        if self.size != (PHOTO_SIZE, PHOTO_SIZE):
            photos_NCHW = interpolate(photos_NCHW, self.size, mode="bilinear", antialias=True)
        features_ND: Tensor = self.backbone((photos_NCHW - self.mean) / self.std)
        return features_ND


@dataclass(frozen=True)
class Architecture:
    """An encoder network: the classifier that was trained, the name of its classification layer, and the mean
    and standard deviation per channel that the training used.
    """

    classifier: Callable[[], nn.Module]
    head: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def embedder(self, state_dict: Mapping[str, Tensor]) -> Embedder:
        """The network with `state_dict` loaded (strictly) and the classification layer removed."""
        network = self.classifier()
        network.load_state_dict(state_dict)
        setattr(network, self.head, nn.Identity())
        return Embedder(network, self.mean, self.std).eval()


def _efficientnet_lite(number: int) -> Architecture:
    def classifier() -> nn.Module:
        from efficientnet_lite_pytorch import EfficientNet  # here, because other encoders do not need it

        network: nn.Module = EfficientNet.from_name(f"efficientnet-lite{number}", image_size=PHOTO_SIZE)
        return network

    return Architecture(classifier, head="_fc", mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))


ARCHITECTURES = {
    "resnet50": Architecture(
        classifier=torchvision.models.resnet50,
        head="fc",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    ),
    **{f"efficientnet_lite{number}": _efficientnet_lite(number) for number in (0, 1, 2)},
}
