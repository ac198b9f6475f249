"""The encoder networks. Each takes uint8 photos and normalises them itself, so torch and ONNX do the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.encoders.patches import PatchFeatures
from models.torchvision_shim import torchvision

PHOTO_SIZE = 256
"""Height and width, in pixels, of the photos that every encoder takes."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
"""For red, green and blue, in grey levels 0 to 255."""

Photos = npt.NDArray[np.uint8]
Embeddings = npt.NDArray[np.float32]
Patches = npt.NDArray[np.float16]

Run = Callable[[Any, Tensor], tuple[Tensor, Sequence[Tensor]]]
"""Runs a network on normalised photos (N, 3, H, W). Returns its pooled penultimate features (N, D), and its
feature maps (N, C, h, w) from the finest to the coarsest.
"""


class Embedder(nn.Module):
    """Normalises photos; returns the backbone's pooled penultimate features (N, D) and its patch features.

    `mean` and `std` are per channel, in grey levels 0 to 255; `size` is the height and width that the
    backbone takes. `run` runs the backbone, whose feature maps have these `channels`. Without it there are no
    patch features: the result then has one tensor.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        size: tuple[int, int] = (PHOTO_SIZE, PHOTO_SIZE),
        run: Run | None = None,
        channels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.size = tuple(size)
        self.run = run
        self.patches = PatchFeatures(channels)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, photos_NHWC: Tensor) -> tuple[Tensor, ...]:
        photos_NCHW = photos_NHWC.permute(0, 3, 1, 2).float()
        if self.size != (PHOTO_SIZE, PHOTO_SIZE):
            photos_NCHW = interpolate(photos_NCHW, self.size, mode="bilinear", antialias=True)
        normalised = (photos_NCHW - self.mean) / self.std
        if self.run is None:
            return (self.backbone(normalised),)
        features_ND, maps = self.run(self.backbone, normalised)
        return features_ND, self.patches(maps)


@dataclass(frozen=True)
class Architecture:
    """An encoder network: the classifier that was trained, the name of its classification layer, the mean and
    standard deviation per channel that the training used, and how to run it, with the channels of its maps.
    """

    classifier: Callable[[], nn.Module]
    head: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    run: Run
    channels: tuple[int, ...]

    def embedder(self, state_dict: Mapping[str, Tensor]) -> Embedder:
        """The network with `state_dict` loaded (strictly) and the classification layer removed."""
        network = self.classifier()
        network.load_state_dict(state_dict)
        setattr(network, self.head, nn.Identity())
        return Embedder(network, self.mean, self.std, run=self.run, channels=self.channels).eval()


def _efficientnet_lite(number: int) -> Architecture:
    def classifier() -> nn.Module:
        from efficientnet_lite_pytorch import EfficientNet  # here, because other encoders do not need it

        network: nn.Module = EfficientNet.from_name(f"efficientnet-lite{number}", image_size=PHOTO_SIZE)
        return network

    return Architecture(
        classifier=classifier,
        head="_fc",
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        run=_run_efficientnet,
        channels=(24, 48, 120, 352) if number == 2 else (24, 40, 112, 320),
    )


def _run_efficientnet(network: Any, photos: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
    """The maps are those before each block that halves them, without the one of stride 2, and the last."""
    x = network._swish(network._bn0(network._conv_stem(photos)))
    maps = []
    for block in network._blocks:
        if block._depthwise_conv.stride[0] == 2:
            maps.append(x)
        x = block(x)
    top = network._swish(network._bn1(network._conv_head(x)))
    return network._avg_pooling(top).flatten(1), [*maps[1:], x]


def _run_resnet(network: Any, photos: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
    x = network.maxpool(network.relu(network.bn1(network.conv1(photos))))
    maps = []
    for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
        x = layer(x)
        maps.append(x)
    return network.avgpool(x).flatten(1), maps


ARCHITECTURES = {
    "resnet50": Architecture(
        classifier=torchvision.models.resnet50,
        head="fc",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        run=_run_resnet,
        channels=(256, 512, 1024, 2048),
    ),
    **{f"efficientnet_lite{number}": _efficientnet_lite(number) for number in (0, 1, 2)},
}
