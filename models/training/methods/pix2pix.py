"""pix2pix as the paper compares against it: pairs only, with CycleGAN's networks (§3.4)."""

from __future__ import annotations

import torch
from torch import Tensor

from models.catalog import TrainingSpec
from models.training.data import Batch
from models.training.losses import l1_loss
from models.training.methods.two_way import TwoWayTranslation, descend, detached


class Pix2Pix(TwoWayTranslation):
    """L1 to the truth and a conditional GAN, in both directions, which share nothing.

    `conditional=False, adversarial="relativistic", lambda_l1=150` is the paper's own loss on pairs alone.
    """

    @staticmethod
    def epoch_size(spec: TrainingSpec, pairs: int, unpaired: int, epoch: int) -> tuple[int, int]:
        return pairs, 0

    def step(self, batch: Batch) -> dict[str, Tensor]:
        spec, gan, x, y = self.spec, self.gan, batch.x, batch.y

        fake_y, fake_x = self.G_XY(x), self.G_YX(y)
        C_x, C_y = self.D_X(self._judged(y, x)), self.D_Y(self._judged(x, y))

        adversarial_XY = gan.generator(C_y.detach(), self.D_Y(self._judged(x, fake_y)))
        adversarial_YX = gan.generator(C_x.detach(), self.D_X(self._judged(y, fake_x)))
        losses = {
            "G_gan": adversarial_XY + adversarial_YX,
            "G_l1": l1_loss(fake_y, y) + l1_loss(fake_x, x),
        }
        total = spec.lambda_gan * losses["G_gan"] + spec.lambda_l1 * losses["G_l1"]
        descend(self.adam_G, total)

        losses["D_X"] = gan.discriminator(C_x, self.D_X(self.pool_X.query(self._judged(y, fake_x))))
        losses["D_Y"] = gan.discriminator(C_y, self.D_Y(self.pool_Y.query(self._judged(x, fake_y))))
        descend(self.adam_D, losses["D_X"] + losses["D_Y"])
        return detached(losses | {"G": total})

    def _judged(self, condition: Tensor, image: Tensor) -> Tensor:
        """What a discriminator sees: the image, beside its condition (6 channels) if it is conditional."""
        return torch.cat([condition, image], dim=1) if self.spec.conditional else image
