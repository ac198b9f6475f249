"""The common part of hybrid, CycleGAN, pix2pix and Tripathy: two generators, two discriminators, Adam."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.catalog import TrainingSpec
from models.encoders.feature_maps import feature_maps, pretrained_feature_maps
from models.images.palette import ClassTable
from models.images.tensors import scaled
from models.training.class_losses import labelled_cross_entropy
from models.training.data import Batch, TrainingData, TrainingFiles
from models.training.image_pool import ImagePool
from models.training.losses import ADVERSARIAL_LOSSES, l1_loss
from models.training.methods.method import Method
from models.training.networks import Discriminator, Generator, initialise
from models.training.networks.pretrained_generator import PretrainedGenerator


class TwoWayTranslation(Method):
    """G_XY: photos X → label maps Y, G_YX back; D_Y judges label maps, D_X photos (paper, Fig. 1).

    With the spec's pretrained generator, G_XY is a PretrainedGenerator: in a pool with classes it gives class
    logits, and `drawn` makes images of them for D_Y and G_YX. G_YX is always the paper's.
    """

    def __init__(self, spec: TrainingSpec, device: torch.device, class_table: ClassTable | None) -> None:
        self.spec = spec
        self.notes: dict[str, Any] = {}
        self.gan = ADVERSARIAL_LOSSES[spec.adversarial]
        inputs = 6 if spec.conditional else 3
        self.G_XY, self.G_YX = self._photo_generator(class_table), Generator(spec.channels, spec.blocks)
        self.D_X, self.D_Y = Discriminator(inputs, spec.channels), Discriminator(inputs, spec.channels)
        self.networks: dict[str, nn.Module] = {
            "G_XY": self.G_XY,
            "G_YX": self.G_YX,
            "D_X": self.D_X,
            "D_Y": self.D_Y,
        }
        random = torch.Generator().manual_seed(spec.seed)
        for network in self.networks.values():
            fresh = network.decoder if isinstance(network, PretrainedGenerator) else network
            initialise(fresh, random)  # drawn on the CPU, so that every device starts from the same weights
            network.to(device)
        self.adam_G, self.adam_D = self._adam(self.G_XY, self.G_YX), self._adam(self.D_X, self.D_Y)
        self.optimizers: dict[str, Optimizer] = {"G": self.adam_G, "D": self.adam_D}
        self.pool_X, self.pool_Y = (ImagePool(spec.pool_size, seed=spec.seed + domain) for domain in (0, 1))
        self.pools = {"X": self.pool_X, "Y": self.pool_Y}
        self.classes = class_table if spec.learns_classes(class_table is not None) else None
        if self.classes:
            self._colors_K3 = scaled(torch.tensor(self.classes.colors)).to(device)

    @classmethod
    def data(cls, spec: TrainingSpec, files: TrainingFiles, device: torch.device) -> TrainingData:
        epoch_size = partial(cls.epoch_size, spec, len(files.pairs), len(files.unpaired_photos))
        with_classes = spec.learns_classes(files.class_table is not None)
        return TrainingData(files, spec, epoch_size, device, with_classes)

    @staticmethod
    def generator(spec: TrainingSpec, class_table: ClassTable | None) -> nn.Module:
        if spec.generator == "resnet":
            return Generator(spec.channels, spec.blocks)
        return PretrainedGenerator(feature_maps(spec.encoder), spec.channels, _number_of(class_table))

    def _photo_generator(self, class_table: ClassTable | None) -> nn.Module:
        """G_XY at the start of a training; a pretrained encoder has its weights already."""
        if self.spec.generator == "resnet":
            return self.generator(self.spec, class_table)
        encoder, digest = pretrained_feature_maps(self.spec.encoder)
        self.notes |= {"encoder": self.spec.encoder, "weights_digest": digest}
        return PretrainedGenerator(encoder, self.spec.channels, _number_of(class_table))

    def drawn(self, predicted: Tensor) -> Tensor:
        """What D_Y and G_YX see of G_XY's output, (B, 3, S, S): an image as it is; of class logits the mean
        class colour Σ_k p_k c_k, through which gradients reach all classes."""
        if not self.classes:
            return predicted
        return torch.einsum("bkhw,kc->bchw", predicted.softmax(dim=1), self._colors_K3)

    def judged(self, drawn: Tensor, batch: Batch) -> Tensor:
        """What D_Y sees of a translated label map (B, 3, S, S): it is blank where the batch's own label map
        is unlabelled, so that the real one and the translated one do not differ there.
        """
        return drawn if batch.labelled is None else drawn * batch.labelled

    def pair_losses(self, predicted: Tensor, fake_x: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Eq. 5 on the batch's pairs, given G_XY's and G_YX's outputs, over the labelled pixels. For class
        logits, the cross-entropy of the true classes stands in place of ‖G_XY(x) − y‖₁."""
        pairs = slice(batch.pairs)
        labelled = None if batch.labelled is None else batch.labelled[pairs]
        to_photo = l1_loss(fake_x[pairs], batch.x[pairs], labelled)
        if not self.classes:
            return {"G_l1": l1_loss(predicted[pairs], batch.y[pairs], labelled) + to_photo}
        assert batch.classes is not None, "learns_classes asks for them"
        to_classes = labelled_cross_entropy(predicted[pairs], batch.classes, self.classes.ignore)
        return {"G_l1": to_photo, "G_cross_entropy": to_classes}

    @property
    def translators(self) -> dict[str, nn.Module]:
        return {"photo_to_label": self.G_XY, "label_to_photo": self.G_YX}

    def _adam(self, *networks: nn.Module) -> Adam:
        parameters = [parameter for network in networks for parameter in network.parameters()]
        betas = (self.spec.beta1, self.spec.beta2)
        return Adam(parameters, lr=self.spec.learning_rate, betas=betas, fused=True)


def descend(optimizer: Optimizer, loss: Tensor) -> None:
    """One optimiser step on `loss`; gradients flow through other networks but do not reach their weights."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    optimizer.zero_grad()
    torch.autograd.backward(loss, inputs=parameters)
    optimizer.step()


def detached(losses: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: loss.detach() for name, loss in losses.items()}


def _number_of(class_table: ClassTable | None) -> int | None:
    return len(class_table.names) if class_table else None
