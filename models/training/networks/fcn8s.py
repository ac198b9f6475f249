"""FCN-8s on VGG16 (Long et al. 2015; Simonyan and Zisserman 2015, configuration D)."""

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.networks.precision import at_least_float32

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's RGB values in [0, 1]."""


class FCN8s(nn.Module):
    """Image → class logits: (B, 3, H, W) in [−1, 1] → (B, `classes`, H, W); H and W are 32 or more.

    VGG16 with its two dense layers as convolutions (7×7 padded by 3, and 1×1), and three 1×1 scoring layers
    at strides 32, 16 and 8, added from coarse to fine. Scores are enlarged by bilinear interpolation to the
    size of the next finer scores, so no crop is needed; in the original these layers start as bilinear
    interpolation and are learned. With 64 `channels` the widths are VGG16's own, 64 to 512 and twice 4,096:
    134,260,544 parameters, and 4,867 more for every class.
    """

    mean: Tensor
    std: Tensor
    imagenet_weights: Tensor
    """bool (): whether the training started from ImageNet weights. A buffer, so that checkpoints hold it."""

    def __init__(self, classes: int, channels: int = 64) -> None:
        super().__init__()
        c = channels
        self.to_pool3 = nn.Sequential(*_stage(3, c, 2), *_stage(c, 2 * c, 2), *_stage(2 * c, 4 * c, 3))
        self.to_pool4 = nn.Sequential(*_stage(4 * c, 8 * c, 3))
        self.to_pool5 = nn.Sequential(*_stage(8 * c, 8 * c, 3))
        self.fc6 = nn.Conv2d(8 * c, 64 * c, 7, padding=3)
        self.fc7 = nn.Conv2d(64 * c, 64 * c, 1)
        self.score_pool3 = nn.Conv2d(4 * c, classes, 1)
        self.score_pool4 = nn.Conv2d(8 * c, classes, 1)
        self.score_fc7 = nn.Conv2d(64 * c, classes, 1)
        self.register_buffer("mean", 2 * torch.tensor(MEAN).view(1, 3, 1, 1) - 1)
        self.register_buffer("std", 2 * torch.tensor(STD).view(1, 3, 1, 1))
        self.register_buffer("imagenet_weights", torch.tensor(False))

    def forward(self, x_BCHW: Tensor, dropout: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """`dropout` is applied to the outputs of fc6 and fc7. Leave it out when translating."""
        drop = dropout or nn.Identity()
        pool3 = self.to_pool3((x_BCHW - self.mean) / self.std)
        pool4 = self.to_pool4(pool3)
        fc6 = drop(functional.relu(self.fc6(self.to_pool5(pool4))))
        fc7 = drop(functional.relu(self.fc7(fc6)))
        scores = _enlarged(self.score_fc7(fc7), pool4) + self.score_pool4(pool4)
        scores = _enlarged(scores, pool3) + self.score_pool3(pool3)
        return _enlarged(at_least_float32(scores), x_BCHW)

    def initialise(self, generator: torch.Generator) -> None:
        """He et al.'s normal weights (2015), in module order; scoring layers and biases are 0 (§4.3)."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                if name.startswith("score"):
                    nn.init.zeros_(module.weight)
                else:
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(cast(Tensor, module.bias))

    def load_vgg16(self, classifier: Mapping[str, Tensor]) -> None:
        """Copy all but the last dense layer of torchvision's `vgg16`, a state dict; needs 64 channels."""
        layers = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)][:15]
        with torch.no_grad():
            for kind in ("weight", "bias"):
                theirs = [tensor for name, tensor in classifier.items() if name.endswith(kind)][:15]
                for layer, tensor in zip(layers, theirs, strict=True):
                    ours = cast(Tensor, getattr(layer, kind))
                    ours.copy_(tensor.view_as(ours))
            self.imagenet_weights.fill_(True)


class Dropout(nn.Module):
    """Sets half of all values to 0 and doubles the others, with its own random generator.

    The generator's state is in the state dict, so a resumed training draws the same numbers as an
    uninterrupted one.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        super().__init__()
        self.random = torch.Generator(device).manual_seed(seed)

    def forward(self, x: Tensor) -> Tensor:
        draw = torch.rand(x.shape, generator=self.random, device=x.device, dtype=torch.float32)
        return x * (2 * (draw < 0.5)).to(x.dtype)

    def get_extra_state(self) -> Tensor:
        return self.random.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        self.random.set_state(state)


def _stage(inputs: int, outputs: int, convolutions: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for index in range(convolutions):
        layers += [nn.Conv2d(outputs if index else inputs, outputs, 3, padding=1), nn.ReLU()]
    return [*layers, nn.MaxPool2d(2, ceil_mode=True)]


def _enlarged(scores_BKHW: Tensor, like_BCHW: Tensor) -> Tensor:
    size = (like_BCHW.shape[2], like_BCHW.shape[3])
    return functional.interpolate(scores_BKHW, size, mode="bilinear", align_corners=False)
