"""The paper's networks and Adam written out plainly in float64: oracles that share no code with `models`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Layers = list[tuple[Tensor, Tensor]]


def layers_of(network: nn.Module) -> Layers:
    """Weight and bias of every convolution, in order, as fresh float64 leaves."""
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    return [
        (c.weight.detach().double().requires_grad_(), c.bias.detach().double().requires_grad_())
        for c in convolutions
    ]


def norm(x: Tensor) -> Tensor:
    mean = x.mean(dim=(2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=(2, 3), keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()


def generator(layers: Layers, x: Tensor) -> Tensor:
    first, down1, down2, *blocks, up1, up2, last = layers
    h = F.relu(norm(F.conv2d(F.pad(x, (3,) * 4, "reflect"), *first)))
    for layer in (down1, down2):
        h = F.relu(norm(F.conv2d(h, *layer, stride=2, padding=1)))
    for one, two in zip(blocks[::2], blocks[1::2], strict=True):
        inner = F.relu(norm(F.conv2d(F.pad(h, (1,) * 4, "reflect"), *one)))
        h = h + norm(F.conv2d(F.pad(inner, (1,) * 4, "reflect"), *two))
    for layer in (up1, up2):
        h = F.relu(norm(F.conv_transpose2d(h, *layer, stride=2, padding=1, output_padding=1)))
    return torch.tanh(F.conv2d(F.pad(h, (3,) * 4, "reflect"), *last))


def discriminator(layers: Layers, x: Tensor) -> Tensor:
    first, two, three, four, last = layers
    h = F.leaky_relu(F.conv2d(x, *first, stride=2, padding=1), 0.2)
    h = F.leaky_relu(norm(F.conv2d(h, *two, stride=2, padding=1)), 0.2)
    h = F.leaky_relu(norm(F.conv2d(h, *three, stride=2, padding=1)), 0.2)
    h = F.leaky_relu(norm(F.conv2d(h, *four, padding=1)), 0.2)
    return F.conv2d(h, *last, padding=1)


class Adam:
    """Kingma and Ba (2015), algorithm 1, with ε = 1e-8."""

    def __init__(self, tensors: list[Tensor], rate: float, beta1: float, beta2: float) -> None:
        self.tensors, self.rate, self.beta1, self.beta2 = tensors, rate, beta1, beta2
        self.first = [torch.zeros_like(t) for t in tensors]
        self.second = [torch.zeros_like(t) for t in tensors]
        self.time = 0

    def descend(self, loss: Tensor) -> None:
        self.time += 1
        for index, gradient in enumerate(torch.autograd.grad(loss, self.tensors)):
            self.first[index] = self.beta1 * self.first[index] + (1 - self.beta1) * gradient
            self.second[index] = self.beta2 * self.second[index] + (1 - self.beta2) * gradient**2
            first = self.first[index] / (1 - self.beta1**self.time)
            second = self.second[index] / (1 - self.beta2**self.time)
            self.tensors[index].data -= self.rate * first / (second.sqrt() + 1e-8)


def tensors_of(*networks: Layers) -> list[Tensor]:
    return [tensor for layers in networks for layer in layers for tensor in layer]
