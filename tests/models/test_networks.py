from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from models.training.networks import Discriminator, Generator, initialise
from models.training.networks.instance_norm import InstanceNorm
from tests.models import plain


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_parameter_counts_are_the_papers() -> None:
    """Generator, discriminator and conditional discriminator have the parameter counts of the originals."""
    assert parameters(Generator()) == 11_378_179
    assert parameters(Discriminator()) == 2_764_737
    assert parameters(Discriminator(inputs=6)) == 2_767_809


def test_discriminator_sees_patches_of_70_pixels() -> None:
    """The gradient of one logit reaches exactly 70×70 input pixels.

    The norms are removed, because their statistics depend on the whole image.
    """
    network = Discriminator(channels=2)
    initialise(network, torch.Generator().manual_seed(0))
    for name, module in network.layers.named_children():
        if isinstance(module, InstanceNorm):
            setattr(network.layers, name, nn.Identity())
    image = torch.randn(1, 3, 256, 256, requires_grad=True)
    network(image)[0, 0, 15, 15].backward()
    assert image.grad is not None
    rows, columns = image.grad.abs().sum(dim=(0, 1)).nonzero(as_tuple=True)
    assert rows.max() - rows.min() + 1 == 70
    assert columns.max() - columns.min() + 1 == 70


@pytest.mark.parametrize("size", [32, 64, 256])
def test_output_sizes(size: int) -> None:
    """The generator keeps the size; the discriminator gives 30×30 logits at 256², and H/8 − 2 in general."""
    image = torch.zeros(2, 3, size, size)
    with torch.no_grad():
        assert Generator(2, 1)(image).shape == image.shape
        assert Discriminator(channels=2)(image).shape == (2, 1, size // 8 - 2, size // 8 - 2)


def test_networks_equal_a_plain_computation() -> None:
    """Both networks give the same as plainly written float64 formulas with the same weights."""
    image = torch.rand(2, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    generator, discriminator = Generator(3, 2), Discriminator(channels=3)
    for network in (generator, discriminator):
        initialise(network, torch.Generator().manual_seed(1))
    expected = plain.generator(plain.layers_of(generator), image)
    torch.testing.assert_close(generator.double()(image), expected, rtol=1e-9, atol=1e-12)
    expected = plain.discriminator(plain.layers_of(discriminator), image)
    torch.testing.assert_close(discriminator.double()(image), expected, rtol=1e-9, atol=1e-12)


def test_initial_weights_are_normal_with_deviation_002() -> None:
    """Weights have mean 0 and deviation 0.02, biases are 0, and the same seed gives the same weights."""
    networks = [Discriminator(channels=32) for _ in range(2)]
    for network in networks:
        initialise(network, torch.Generator().manual_seed(3))
    weight, twin = (network.layers[8].weight for network in networks)
    assert torch.equal(weight, twin)
    assert weight.mean().abs() < 3 * 0.02 / weight.numel() ** 0.5
    assert weight.std().item() == pytest.approx(0.02, rel=0.01)
    assert not networks[0].layers[8].bias.any()


def test_instance_norm_equals_pytorchs() -> None:
    """Values and gradients are those of torch.nn.functional.instance_norm on ordinary images."""
    x = torch.randn(3, 5, 6, 7, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.randn(3, 5, 6, 7, generator=torch.Generator().manual_seed(1))
    ours, theirs = InstanceNorm()(x), functional.instance_norm(x)
    torch.testing.assert_close(ours, theirs)
    (gradient,) = torch.autograd.grad((ours * weight).sum(), x)
    (expected,) = torch.autograd.grad((theirs * weight).sum(), x)
    torch.testing.assert_close(gradient, expected)


def test_instance_norm_computes_half_precision_in_single() -> None:
    """bfloat16 input gives the float32 norm of the same values."""
    x = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    torch.testing.assert_close(InstanceNorm()(x), functional.instance_norm(x.float()))


@pytest.mark.parametrize("contrast", [0.0, 1e-7, 1e-5, 1e-3, 1e-1])
def test_flat_images_do_not_blow_up_the_gradient(contrast: float) -> None:
    """At any contrast of an image, the gradient that reaches it stays below 100 (plain norm: 10^7)."""
    image = 0.3 + contrast * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network = Generator(8, 9)
    initialise(network, torch.Generator().manual_seed(1))
    (network(image.requires_grad_()) - 1).abs().mean().backward()
    assert image.grad is not None
    assert image.grad.norm() < 100
    assert all(p.grad.norm() < 100 for p in network.parameters() if p.grad is not None)
    assert (image.grad.norm() > 0) == (contrast >= 1e-3)


def test_only_flat_channels_pass_no_gradient() -> None:
    """The gradient of a channel is 0 exactly when its variance is below 1e-8."""
    base = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    base = (base - base.mean()) / base.std(unbiased=False)
    x = torch.cat([base * 0.9e-4, base * 1.1e-4], dim=1).requires_grad_()
    (InstanceNorm()(x) ** 3).sum().backward()
    assert x.grad is not None
    assert not x.grad[:, 0].any()
    assert x.grad[:, 1].any()
