"""Fine-tunes a pretrained encoder, a linear head and a light decoder on pairs, from the probe on."""

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, softmax
from torch.optim import AdamW, Optimizer

from models.catalog import TrainingSpec
from models.encoders.feature_maps import feature_maps, pretrained_feature_maps
from models.images.palette import ClassTable
from models.training.augmentation import mixed
from models.training.calibration import Cells, cross_fitted_temperature
from models.training.class_losses import WeightedCrossEntropy, confident_cross_entropy
from models.training.crop_data import CropBatch, CropData, UnpairedCrops
from models.training.data import Batch, Data, TrainingFiles
from models.training.feature_data import FeatureData, class_weights
from models.training.image_pool import ImagePool
from models.training.logistic import fit
from models.training.methods.method import Method
from models.training.methods.two_way import descend, detached
from models.training.networks.decoder import Decoder
from models.training.networks.dense import DenseNetwork

HEAD_RATE, DECODER_RATE = 0.5, 10.0
"""Learning rates as multiples of the encoder's."""
WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 30
POWER = 0.9
"""Of the polynomial by which the learning rates fall."""
CALIBRATION_L2 = 3e-3
"""The penalty of the classifier that gives the temperature: weaker than the probe's, as fine-tuning is freer
to over-fit. How it was chosen: docs/method.md."""
SURE = 0.9
"""The consistency loss counts the pixels to whose guess the teacher gives this probability or more."""


class FineTuning(Method):
    """Linear probing, then fine-tuning (LP-FT, Kumar et al. 2022).

    Before the first step, the linear head is fitted to the frozen encoder, as `probe` does. The decoder's
    last layer is zero, so the first step starts from what the probe predicts. Then encoder, head and decoder
    are trained together; the encoder's layers up to stride 4 stay as they are.

    With `lambda_consistency`, a moving average of the network, the teacher, labels weak views of unpaired
    photos, and the network learns to say the same of strong views (FixMatch, Sohn et al. 2020).
    """

    def __init__(self, spec: TrainingSpec, device: torch.device, class_table: ClassTable | None) -> None:
        assert class_table, "learns_classes asks for it"
        self.spec = spec
        encoder, digest = pretrained_feature_maps(spec.encoder)
        self.decoder = Decoder(encoder.channels, len(class_table.names))
        self.decoder.initialise(torch.Generator().manual_seed(spec.seed))
        self.dense = DenseNetwork(encoder, len(class_table.names), self.decoder)
        for layer in encoder.early:
            layer.requires_grad_(False)
        self.dense.to(device)
        self.cross_entropy = WeightedCrossEntropy(len(class_table.names), class_table.ignore).to(device)
        self.adam = self._optimizer()
        self.networks: dict[str, nn.Module] = {"dense": self.dense, "cross_entropy": self.cross_entropy}
        if spec.lambda_consistency:
            self.teacher = copy.deepcopy(self.dense).requires_grad_(False)
            self.networks["teacher"] = self.teacher
        self.optimizers: dict[str, Optimizer] = {"dense": self.adam}
        self.pools: dict[str, ImagePool] = {}
        self.notes: dict[str, Any] = {"encoder": spec.encoder, "weights_digest": digest}

    @classmethod
    def data(cls, spec: TrainingSpec, files: TrainingFiles, device: torch.device) -> CropData:
        return CropData(files, spec, device)

    @staticmethod
    def generator(spec: TrainingSpec, class_table: ClassTable | None) -> DenseNetwork:
        """An untrained network, (B, 3, H, W) in [−1, 1] → class logits (B, K, H / 4, W / 4)."""
        assert class_table, "learns_classes asks for it"
        encoder, classes = feature_maps(spec.encoder), len(class_table.names)
        return DenseNetwork(encoder, classes, Decoder(encoder.channels, classes))

    @staticmethod
    def learning_rate_factor(step: int, total: int) -> float:
        """A linear warm-up times (1 − step / total)^0.9."""
        return min(1.0, (step + 1) / WARM_UP_STEPS) * math.pow(1 - step / total, POWER)

    @property
    def translators(self) -> dict[str, nn.Module]:
        return {"photo_to_label": self.dense}

    def begin(self, data: Data) -> None:
        """Fit the linear head to the encoder's features, and weigh the classes."""
        assert isinstance(data, CropData)
        features = FeatureData(self.dense.encoder, data.files, self.spec)
        solution, head = fit(features.rows), self.dense.head
        with torch.no_grad():
            head.mean.copy_(features.mean)
            head.std.copy_(features.std)
            head.weight.copy_(solution.weight)
            head.bias.copy_(solution.bias)
        self.notes["probe_converged"] = solution.converged
        self.cross_entropy.weights.copy_(class_weights(data.class_counts()))
        if self.spec.lambda_consistency:
            self.teacher.load_state_dict(self.dense.state_dict())

    def finish(self, translators: Mapping[str, nn.Module], data: Data) -> None:
        """Set the temperature to that of a linear classifier of the frozen encoder, cross-fitted on held-out
        pixels (see `models.training.calibration`): the trained network has seen all pixels.
        """
        assert isinstance(data, CropData)
        frozen = pretrained_feature_maps(self.spec.encoder)[0].to(self.dense.head.mean.device)
        cells = Cells.of(frozen, self.dense.head, data.files, self.spec.load_size, self.spec.seed)
        temperature = cross_fitted_temperature(cells, CALIBRATION_L2)
        for network in (self.dense, *translators.values()):
            network.get_buffer("temperature").fill_(temperature)
        self.notes["temperature"] = temperature

    def step(self, batch: Batch) -> dict[str, Tensor]:
        assert batch.classes is not None, "learns_classes asks for them"
        unpaired = batch.unpaired if isinstance(batch, CropBatch) else None
        losses = {"cross_entropy": self.cross_entropy(_at_full_size(self.dense, batch.x), batch.classes)}
        total = losses["cross_entropy"]
        if unpaired:
            losses["consistency"] = self._consistency(unpaired)
            total = total + self.spec.lambda_consistency * losses["consistency"]
        descend(self.adam, total)
        if unpaired:
            self._teach()
        return detached(losses)

    def _consistency(self, crops: UnpairedCrops) -> Tensor:
        with torch.no_grad():
            sureness, guesses = softmax(_at_full_size(self.teacher, crops.weak), dim=1).max(dim=1)
        sure, guesses = mixed(sureness >= SURE, crops.masks), mixed(guesses, crops.masks)
        return confident_cross_entropy(_at_full_size(self.dense, crops.strong), guesses, sure)

    @torch.no_grad()
    def _teach(self) -> None:
        """Move the teacher's weights a little towards the network's."""
        for average, weight in zip(self.teacher.parameters(), self.dense.parameters(), strict=True):
            average.lerp_(weight, 1 - self.spec.ema)

    def _optimizer(self) -> AdamW:
        encoder = [weight for weight in self.dense.encoder.parameters() if weight.requires_grad]
        rate = self.spec.learning_rate
        groups = [
            {"params": encoder, "lr": rate},
            {"params": self.dense.head.parameters(), "lr": rate * HEAD_RATE},
            {"params": self.decoder.parameters(), "lr": rate * DECODER_RATE},
        ]
        betas = (self.spec.beta1, self.spec.beta2)
        return AdamW(groups, betas=betas, weight_decay=WEIGHT_DECAY, fused=True)


def _at_full_size(network: nn.Module, photos_B3HW: Tensor) -> Tensor:
    """Class logits at the photos' own size, (B, K, H, W)."""
    logits: Tensor = network(photos_B3HW)
    return interpolate(logits, photos_B3HW.shape[2:], mode="bilinear")
