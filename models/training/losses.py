"""The losses of the paper's §3.3, each a mean over all elements that count."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus


def l1_loss(images_BCHW: Tensor, truth_BCHW: Tensor, labelled_B1HW: Tensor | None = None) -> Tensor:
    """The mean absolute difference over all pixels, or over the labelled ones (bool); 0 when none is."""
    difference = (images_BCHW - truth_BCHW).abs()
    if labelled_B1HW is None:
        return difference.mean()
    count = images_BCHW.shape[1] * labelled_B1HW.sum()
    return (difference * labelled_B1HW).sum() / count.clamp(min=1)


@dataclass(frozen=True)
class AdversarialLoss:
    """The losses of discriminator and generator, given the logits C(real) and C(fake), both (B, 1, H, W)."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]


def _relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    # Eq. 1 is maximised: −log sigmoid(C(y) − C(ŷ)) = softplus(C(ŷ) − C(y)), which never overflows.
    return softplus(fake - real).mean()


def _relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    return softplus(real - fake).mean()  # Eq. 2, likewise


def _cross_entropy_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return (softplus(-real).mean() + softplus(fake).mean()) / 2


def _cross_entropy_generator(real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-fake).mean()


def _least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def _least_squares_generator(real: Tensor, fake: Tensor) -> Tensor:
    return (fake - 1).square().mean()


ADVERSARIAL_LOSSES = {
    "relativistic": AdversarialLoss(_relativistic_discriminator, _relativistic_generator),
    "cross_entropy": AdversarialLoss(_cross_entropy_discriminator, _cross_entropy_generator),
    "least_squares": AdversarialLoss(_least_squares_discriminator, _least_squares_generator),
}
"""By name: RSGAN (Jolicoeur-Martineau 2018), the original GAN as in pix2pix, LSGAN as in CycleGAN.

The last two halve the discriminator's loss, as pix2pix and CycleGAN do."""
