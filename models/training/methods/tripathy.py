"""The paper's semi-supervised baseline [28]: pairs first, then the rest (Tripathy et al., ACCV 2018)."""

import torch
from torch import Tensor

from models.catalog import TrainingSpec
from models.images.palette import ClassTable
from models.training.data import Batch
from models.training.losses import l1_loss
from models.training.methods.two_way import TwoWayTranslation, descend, detached
from models.training.networks import Discriminator, initialise


class Tripathy(TwoWayTranslation):
    """CycleGAN with two more discriminators, which judge an image together with its counterpart.

    D_C judges a photo together with a label map, D_D a label map together with a photo. In the first quarter
    of the epochs, which see only pairs, they tell true pairs from translated ones. In the other epochs, which
    see only unpaired samples, they tell an image with its translation from the image's reconstruction with
    that translation. There is no L1 to the truth.
    """

    def __init__(self, spec: TrainingSpec, device: torch.device, class_table: ClassTable | None) -> None:
        super().__init__(spec, device, class_table)
        self.D_C, self.D_D = Discriminator(6, spec.channels), Discriminator(6, spec.channels)
        random = torch.Generator().manual_seed(spec.seed + 2)
        for name, network in (("D_C", self.D_C), ("D_D", self.D_D)):
            initialise(network, random)
            self.networks[name] = network.to(device)
        self.adam_CD = self._adam(self.D_C, self.D_D)
        for group in self.adam_CD.param_groups:
            group["lr"] = group["lr"] / 2
        self.optimizers["CD"] = self.adam_CD

    @staticmethod
    def epoch_size(spec: TrainingSpec, pairs: int, unpaired: int, epoch: int) -> tuple[int, int]:
        """Pairs for a quarter of the epochs, at least for one, then unpaired samples.

        With `total_steps` the number of epochs follows from the number of steps.
        """
        paired = max(pairs, unpaired) if spec.balance else pairs
        quarters = spec.epochs / 4
        if spec.total_steps is not None:
            batches = -(-paired // spec.batch_size) + 3 * -(-unpaired // spec.batch_size)
            quarters = spec.total_steps / batches
        return (paired, 0) if epoch < max(1, round(quarters)) else (0, unpaired)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        spec, gan, x, y, labelled = self.spec, self.gan, batch.x, batch.y, batch.labelled

        # The norms couple no two samples, so one call on a larger batch gives G_XY(x), G_XY(y) and so on.
        fake_y, same_y = self.drawn(self.G_XY(torch.cat([x, y]))).chunk(2)
        fake_x, same_x, cycled_x = self.G_YX(torch.cat([y, x, fake_y])).chunk(3)
        cycled_y = self.drawn(self.G_XY(fake_x))
        judged_y = self.judged(fake_y, batch)

        if batch.pairs:
            real_xy, fake_xy = _joined(x, y), _joined(fake_x, y)
            real_yx, fake_yx = _joined(y, x), _joined(judged_y, x)
        else:
            real_xy, fake_xy = _joined(x, fake_y), _joined(cycled_x, fake_y)
            real_yx, fake_yx = _joined(y, fake_x), _joined(self.judged(cycled_y, batch), fake_x)
        C_x, C_y = self.D_X(x), self.D_Y(y)
        C_xy, C_yx = self.D_C(real_xy.detach()), self.D_D(real_yx.detach())

        adversarial_X = gan.generator(C_x.detach(), self.D_X(fake_x))
        adversarial_Y = gan.generator(C_y.detach(), self.D_Y(judged_y))
        conditional_X = gan.generator(C_xy.detach(), self.D_C(fake_xy))
        conditional_Y = gan.generator(C_yx.detach(), self.D_D(fake_yx))
        losses = {
            "G_gan": adversarial_X + adversarial_Y,
            "G_conditional": conditional_X + conditional_Y,
            "G_cycle": l1_loss(cycled_x, x) + l1_loss(cycled_y, y, labelled),
            "G_identity": l1_loss(same_x, x) + l1_loss(same_y, y, labelled),
        }
        total = (
            spec.lambda_gan * (losses["G_gan"] + losses["G_conditional"])
            + spec.lambda_cycle * losses["G_cycle"]
            + spec.lambda_identity * losses["G_identity"]
        )
        descend(self.adam_G, total)

        losses["D_X"] = gan.discriminator(C_x, self.D_X(self.pool_X.query(fake_x)))
        losses["D_Y"] = gan.discriminator(C_y, self.D_Y(self.pool_Y.query(judged_y)))
        descend(self.adam_D, losses["D_X"] + losses["D_Y"])

        losses["D_C"] = gan.discriminator(C_xy, self.D_C(fake_xy.detach()))
        losses["D_D"] = gan.discriminator(C_yx, self.D_D(fake_yx.detach()))
        descend(self.adam_CD, losses["D_C"] + losses["D_D"])
        return detached(losses | {"G": total})


def _joined(image: Tensor, condition: Tensor) -> Tensor:
    return torch.cat([image, condition], dim=1)
