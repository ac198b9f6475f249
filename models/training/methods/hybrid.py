"""The paper's hybrid training: every step is paired or unpaired (§3.3, §4.1.5).

Beyond the paper, unlabelled pixels count in no loss.
"""

import torch
from torch import Tensor

from models.catalog import TrainingSpec
from models.training.data import Batch
from models.training.losses import l1_loss
from models.training.methods.two_way import TwoWayTranslation, descend, detached


class Hybrid(TwoWayTranslation):
    """Adversarial, cycle and identity losses on all samples, and L1 to the truth on pairs."""

    @staticmethod
    def epoch_size(spec: TrainingSpec, pairs: int, unpaired: int, epoch: int) -> tuple[int, int]:
        balanced = max(pairs, unpaired)
        return (balanced if spec.balance or spec.joint else pairs), (balanced if spec.joint else unpaired)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        spec, gan, x, y, labelled = self.spec, self.gan, batch.x, batch.y, batch.labelled

        # The norms couple no two samples, so one call on a larger batch gives G_XY(x), G_XY(y) and so on.
        predicted = self.G_XY(torch.cat([x, y]))
        fake_y, same_y = self.drawn(predicted).chunk(2)
        fake_x, same_x, cycled_x = self.G_YX(torch.cat([y, x, fake_y])).chunk(3)
        cycled_y = self.drawn(self.G_XY(fake_x))
        judged_y = self.judged(fake_y, batch)
        C_x, C_y = self.D_X(x), self.D_Y(y)

        # L_total = λ1 L_GAN + λ2 L_cycle + λ3 L_idt + λ4 L_L1 (Eq. 6)
        adversarial_XY = gan.generator(C_y.detach(), self.D_Y(judged_y))
        adversarial_YX = gan.generator(C_x.detach(), self.D_X(fake_x))
        losses = {
            "G_gan": adversarial_XY + adversarial_YX,
            "G_cycle": l1_loss(cycled_x, x) + l1_loss(cycled_y, y, labelled),
            "G_identity": l1_loss(same_x, x) + l1_loss(same_y, y, labelled),
        }
        total = (
            spec.lambda_gan * losses["G_gan"]
            + spec.lambda_cycle * losses["G_cycle"]
            + spec.lambda_identity * losses["G_identity"]
        )
        if batch.pairs:
            on_pairs = self.pair_losses(predicted, fake_x, batch)
            losses |= on_pairs
            total = total + spec.lambda_l1 * sum(on_pairs.values())
        descend(self.adam_G, total)

        losses["D_X"] = gan.discriminator(C_x, self.D_X(self.pool_X.query(fake_x)))
        losses["D_Y"] = gan.discriminator(C_y, self.D_Y(self.pool_Y.query(judged_y)))
        descend(self.adam_D, losses["D_X"] + losses["D_Y"])
        return detached(losses | {"G": total})
