"""Encoders as pyramids of feature maps, for methods that label every pixel."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.encoders.networks import ARCHITECTURES
from models.encoders.supplied import default_cache_dir, supplied_weights
from models.encoders.timm_networks import timm_classifier, timm_normalisation
from models.encoders.weights import read_weights, state_dict, weights_file

STRIDES = (4, 8, 16, 32)
"""Pixels of the photo between two neighbours of a feature map, for each of the four maps."""

Channels = tuple[int, int, int, int]


class FeatureMaps(nn.Module):
    """A photo in, four feature maps out: float (B, 3, H, W) in [−1, 1] → (B, C, H / s, W / s) for each
    stride s.

    H and W are multiples of 32. The module normalises photos for its encoder. No layer of it depends on the
    mode: `train()` and `eval()` compute the same.
    """

    scale: Tensor
    offset: Tensor
    channels: Channels
    early: list[nn.Module]
    """The layers up to the map of stride 4, which know edges and colours and need no fine-tuning; empty
    where they are not known.
    """

    def __init__(self, name: str, mean: Sequence[float], std: Sequence[float]) -> None:
        """`mean` and `std` per channel, in grey levels 0 to 255, of the photos that the encoder takes."""
        super().__init__()
        self.name = name
        grey, deviation = 255 / 2, torch.tensor(std).view(1, 3, 1, 1)
        self.register_buffer("scale", grey / deviation)
        self.register_buffer("offset", (grey - torch.tensor(mean).view(1, 3, 1, 1)) / deviation)

    def forward(self, photos_B3HW: Tensor) -> list[Tensor]:
        return self._maps(photos_B3HW * self.scale + self.offset)

    def _maps(self, normalised_B3HW: Tensor) -> list[Tensor]:
        raise NotImplementedError


def feature_maps(name: str) -> FeatureMaps:
    """The untrained network of encoder `name`, to load saved weights into; works under
    `torch.device("meta")`.

    Raises ValueError for an encoder that gives no feature maps, and WeightsUnavailable if a package is
    missing.
    """
    _check(name)
    return _made(name, None)


def pretrained_feature_maps(
    name: str, weights: Path | None = None, cache_dir: Path | None = None
) -> tuple[FeatureMaps, str]:
    """The network of encoder `name` with its pretrained weights, and the SHA-256 of the weights file.

    `weights` and `cache_dir` are those of `load_encoder`; without `weights` the file that `supplied_weights`
    names counts. Raises ValueError for an encoder that gives no feature maps, and WeightsUnavailable.
    """
    _check(name)
    explicit = weights or supplied_weights(name)
    path, digest = weights_file(name, explicit, cache_dir or default_cache_dir())
    # The first weights, which are replaced at once, would draw from PyTorch's generator.
    with torch.random.fork_rng(devices=[]):
        return read_weights(name, path, lambda: _made(name, path)), digest


def _made(name: str, weights: Path | None) -> FeatureMaps:
    """The network of encoder `name`, untrained without `weights`."""
    if name.startswith("timm:"):
        return IntermediateMaps(name, timm_classifier(name.removeprefix("timm:"), weights))
    architecture = ARCHITECTURES[name]
    classifier = architecture.classifier()
    if weights is not None:
        classifier.load_state_dict(state_dict(weights))
    fold_batch_norms(classifier.eval())
    stages = [nn.Sequential(*layers) for layers in STAGES[name](classifier)]
    return StagedMaps(name, stages, architecture.mean, architecture.std)


def _check(name: str) -> None:
    """Raise ValueError unless encoder `name` gives maps of all strides for photos of any size."""
    if name in STAGES:
        return
    if not name.startswith("timm:"):
        raise ValueError(
            f"The encoder {name} gives no feature maps: choose one of {', '.join(STAGES)} and timm:NAME."
        )
    with torch.device("meta"):
        network = _made(name, None)
        try:
            network(torch.zeros(1, 3, 64, 96))
        except Exception as error:  # whatever the network raises; most check sizes with assert
            raise ValueError(
                f"The encoder {name} does not take photos of any size ({error}): choose another one, such "
                f"as {next(iter(STAGES))}."
            ) from error


class StagedMaps(FeatureMaps):
    """A network of four stages, each of which makes the next map of the last one."""

    def __init__(
        self, name: str, stages: Sequence[nn.Sequential], mean: Sequence[float], std: Sequence[float]
    ) -> None:
        """`stages` hold no batch norms."""
        super().__init__(name, mean, std)
        self.stages = nn.ModuleList(stages)
        self.early = [stages[0]]
        four, eight, sixteen, thirty_two = map(_outputs, stages)
        self.channels = (four, eight, sixteen, thirty_two)
        self._channels_last = any(getattr(layer, "groups", 1) > 1 for layer in self.modules())

    def _maps(self, normalised_B3HW: Tensor) -> list[Tensor]:
        if self._channels_last and normalised_B3HW.device.type == "cpu":
            # Depthwise convolutions gain: forward takes 0.76 of the time, a step of `finetune` 0.89. ResNet50
            # loses, and 1×1 convolutions as matrix products change nothing.
            normalised_B3HW = normalised_B3HW.contiguous(memory_format=torch.channels_last)
        maps = [normalised_B3HW]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class IntermediateMaps(FeatureMaps):
    """A network of timm, which gives its intermediate maps itself. Its norms keep their statistics."""

    def __init__(self, name: str, network: Any) -> None:
        """Raises ValueError unless `network` has maps of all strides."""
        super().__init__(name, *timm_normalisation(network))
        layers = getattr(network, "feature_info", [])
        last = {layer["reduction"]: index for index, layer in enumerate(layers)}
        if not set(STRIDES) <= set(last) or not hasattr(network, "forward_intermediates"):
            raise ValueError(
                f"The encoder {name} gives no maps at strides 4, 8, 16 and 32, only at "
                f"{', '.join(map(str, last)) or 'none'}: choose another one, such as {next(iter(STAGES))}."
            )
        self.indices = [last[stride] for stride in STRIDES]
        network.prune_intermediate_layers(self.indices, prune_norm=True, prune_head=True)
        self.network = network
        self.early = []
        four, eight, sixteen, thirty_two = (layers[index]["num_chs"] for index in self.indices)
        self.channels = (four, eight, sixteen, thirty_two)
        self.train(False)

    def train(self, mode: bool = True) -> Self:
        """Norms and dropout of `network` stay as they are for prediction."""
        super().train(mode)
        self.network.train(False)
        return self

    def _maps(self, normalised_B3HW: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.network.forward_intermediates(
            normalised_B3HW, indices=self.indices, output_fmt="NCHW", intermediates_only=True
        )
        return maps


def fold_batch_norms(network: nn.Module) -> None:
    """Replace each convolution and the batch norm after it by one convolution that computes the same.

    `network` is in evaluation mode, and registers its layers in the order in which it applies them.
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


def _resnet_stages(network: Any) -> list[list[nn.Module]]:
    stem = [network.conv1, network.relu, network.maxpool]
    return [[*stem, network.layer1], [network.layer2], [network.layer3], [network.layer4]]


def _lite_stages(network: Any) -> list[list[nn.Module]]:
    """Stages begin with the blocks that halve the map."""
    stages: list[list[nn.Module]] = [[network._conv_stem, nn.ReLU6()]]
    for block in network._blocks:
        if block._depthwise_conv.stride[0] == 2:
            stages.append([])
        stages[-1].append(block)
    to_stride_2, to_stride_4, *others = stages
    return [[*to_stride_2, *to_stride_4], *others]


STAGES: Mapping[str, Callable[[Any], list[list[nn.Module]]]] = {
    "resnet50": _resnet_stages,
    **{f"efficientnet_lite{number}": _lite_stages for number in (0, 1, 2)},
}
