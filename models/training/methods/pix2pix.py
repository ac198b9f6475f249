"""pix2pix as the paper compares against it: pairs only, with CycleGAN's networks (§3.4)."""

import torch
from torch import Tensor

from models.training.data import Batch
from models.training.methods.two_way import TwoWayTranslation, descend, detached


class Pix2Pix(TwoWayTranslation):
    """L1 to the truth and a conditional GAN, in both directions; the two directions share nothing.

    `conditional=False, adversarial="relativistic", lambda_l1=150` is the paper's own loss on pairs only.
    """

    def step(self, batch: Batch) -> dict[str, Tensor]:
        spec, gan, x, y = self.spec, self.gan, batch.x, batch.y

        predicted, fake_x = self.G_XY(x), self.G_YX(y)
        fake_y = self.judged(self.drawn(predicted), batch)
        real_XY, real_YX = self._beside(x, y), self._beside(y, x)
        fake_XY, fake_YX = self._beside(x, fake_y), self._beside(y, fake_x)

        # As in the original code, the discriminators step first, and then judge the generators.
        losses = {
            "D_X": gan.discriminator(self.D_X(real_YX), self.D_X(self.pool_X.query(fake_YX))),
            "D_Y": gan.discriminator(self.D_Y(real_XY), self.D_Y(self.pool_Y.query(fake_XY))),
        }
        descend(self.adam_D, losses["D_X"] + losses["D_Y"])

        adversarial_XY = gan.generator(self.D_Y(real_XY).detach(), self.D_Y(fake_XY))
        adversarial_YX = gan.generator(self.D_X(real_YX).detach(), self.D_X(fake_YX))
        losses["G_gan"] = adversarial_XY + adversarial_YX
        on_pairs = self.pair_losses(predicted, fake_x, batch)
        total = spec.lambda_gan * losses["G_gan"] + spec.lambda_l1 * sum(on_pairs.values())
        descend(self.adam_G, total)
        return detached(losses | on_pairs | {"G": total})

    def _beside(self, condition: Tensor, image: Tensor) -> Tensor:
        """What a discriminator sees: the image, after its condition (6 channels) if it is conditional."""
        return torch.cat([condition, image], dim=1) if self.spec.conditional else image
