"""Encoders as pyramids of feature maps, for methods that label every pixel."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.encoders.encoder import default_cache_dir
from models.encoders.networks import ARCHITECTURES
from models.encoders.weights import WeightsUnavailable, weights_file

STRIDES = (4, 8, 16, 32)
"""Pixels of the photo between two neighbours of a feature map, for each of the four maps."""


class FeatureMaps(nn.Module):
    """A photo in, four feature maps out: float (B, 3, H, W) in [−1, 1] → (B, C, H / s, W / s) for each
    stride s.

    H and W are multiples of 32. The module normalises photos for its encoder. It holds no batch norms, so
    `train()` and `eval()` compute the same.
    """

    scale: Tensor
    offset: Tensor

    def __init__(
        self, name: str, stages: list[nn.Module], mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        """`stages` lead from photo to stride 4, from there to stride 8, 16 and 32. `mean` and `std` are per
        channel, in grey levels 0 to 255, what the encoder was trained with.
        """
        super().__init__()
        self.name = name
        self.stages = nn.ModuleList(stages)
        grey, deviation = 255 / 2, torch.tensor(std).view(1, 3, 1, 1)
        self.register_buffer("scale", grey / deviation)
        self.register_buffer("offset", (grey - torch.tensor(mean).view(1, 3, 1, 1)) / deviation)
        one, two, three, four = (_outputs(stage) for stage in stages)
        self.channels = (one, two, three, four)

    @property
    def early(self) -> list[nn.Module]:
        """The layers up to the map of stride 4, which know edges and colours and need no fine-tuning."""
        return [self.stages[0]]

    def forward(self, photos_B3HW: Tensor) -> list[Tensor]:
        maps = [photos_B3HW * self.scale + self.offset]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


def feature_maps(name: str) -> FeatureMaps:
    """The untrained network of encoder `name`, to load saved weights into; works under
    `torch.device("meta")`. Raises ValueError for an encoder that gives no feature maps.
    """
    return _feature_maps(name, _architecture(name).classifier())


def pretrained_feature_maps(
    name: str, weights: Path | None = None, cache_dir: Path | None = None
) -> tuple[FeatureMaps, str]:
    """The network of encoder `name` with its pretrained weights, and the SHA-256 of the weights file.

    `weights` and `cache_dir` are those of `load_encoder`. Raises ValueError for an encoder that gives no
    feature maps, and WeightsUnavailable.
    """
    architecture = _architecture(name)
    path, digest = weights_file(name, weights, cache_dir or default_cache_dir())
    network = architecture.classifier()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch's unpickler raises anything for a file that is no state dict.
        raise WeightsUnavailable(
            f"{path} does not hold the weights of {name}: give the state dict that torch.save "
            f"wrote for it. ({error})"
        ) from error
    return _feature_maps(name, network), digest


def _architecture(name: str) -> Any:
    if name not in STAGES:
        raise ValueError(f"The encoder {name} gives no feature maps: choose one of {', '.join(STAGES)}.")
    return ARCHITECTURES[name]


def _feature_maps(name: str, classifier: nn.Module) -> FeatureMaps:
    _fold_batch_norms(classifier.eval())
    architecture = ARCHITECTURES[name]
    return FeatureMaps(name, STAGES[name](classifier), architecture.mean, architecture.std)


def _fold_batch_norms(network: nn.Module) -> None:
    """Replace each convolution and the batch norm after it by one convolution that computes the same.

    The network has to register its layers in the order in which it applies them.
    """
    for parent in list(network.modules()):
        for (name, layer), (next_name, following) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(layer, following).requires_grad_())
                setattr(parent, next_name, nn.Identity())


def _outputs(stage: nn.Module) -> int:
    """The number of channels that a stage gives."""
    convolutions = [layer for layer in stage.modules() if isinstance(layer, nn.Conv2d)]
    return convolutions[-1].out_channels


def _resnet_stages(network: Any) -> list[nn.Module]:
    stem = nn.Sequential(network.conv1, network.relu, network.maxpool, network.layer1)
    return [stem, network.layer2, network.layer3, network.layer4]


def _lite_stages(network: Any) -> list[nn.Module]:
    """A stage ends before a block that halves the map again."""
    groups: list[list[nn.Module]] = [[network._conv_stem, nn.ReLU6()]]
    for block in network._blocks:
        if block._depthwise_conv.stride[0] == 2:
            groups.append([])
        groups[-1].append(block)
    half, *rest = groups
    rest[0] = [*half, *rest[0]]
    return [nn.Sequential(*group) for group in rest]


STAGES: Mapping[str, Callable[[Any], list[nn.Module]]] = {
    "efficientnet_lite0": _lite_stages,
    "resnet50": _resnet_stages,
}
