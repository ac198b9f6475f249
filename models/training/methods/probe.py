"""Linear classification of a frozen encoder's features: convex, solved in seconds."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.catalog import TrainingSpec
from models.encoders.feature_maps import feature_maps, pretrained_feature_maps
from models.images.palette import ClassTable
from models.training.calibration import Cells, cross_fitted_temperature
from models.training.data import Batch, Data, TrainingFiles
from models.training.feature_data import FeatureData
from models.training.image_pool import ImagePool
from models.training.logistic import Regression, Rows
from models.training.methods.method import Method
from models.training.networks.dense import DenseNetwork


class Probe(Method):
    """Multinomial logistic regression on the standardised features of all strides (see `Regression`).

    The encoder stays as it is. Each step starts L-BFGS anew, so the weights are the whole state. When the
    problem is solved, further steps change nothing.
    """

    def __init__(self, spec: TrainingSpec, device: torch.device, class_table: ClassTable | None) -> None:
        assert class_table, "learns_classes asks for it"
        encoder, digest = pretrained_feature_maps(spec.encoder)
        self.dense = DenseNetwork(encoder, len(class_table.names)).to(device).requires_grad_(False)
        self.spec = spec
        self.networks: dict[str, nn.Module] = {"dense": self.dense}
        self.optimizers: dict[str, Optimizer] = {}
        self.pools: dict[str, ImagePool] = {}
        self.notes: dict[str, Any] = {"encoder": spec.encoder, "weights_digest": digest}
        self._regression: Regression | None = None

    @classmethod
    def data(cls, spec: TrainingSpec, files: TrainingFiles, device: torch.device) -> FeatureData:
        encoder, _ = pretrained_feature_maps(spec.encoder)
        return FeatureData(encoder.to(device), files, spec)

    @staticmethod
    def generator(spec: TrainingSpec, class_table: ClassTable | None) -> DenseNetwork:
        assert class_table, "learns_classes asks for it"
        return DenseNetwork(feature_maps(spec.encoder), len(class_table.names))

    def learning_rate_factor(self, step: int, total: int) -> float:
        return 0.0  # there is no learning rate

    @property
    def translators(self) -> dict[str, nn.Module]:
        return {"photo_to_label": self.dense}

    def begin(self, data: Data) -> None:
        assert isinstance(data, FeatureData)
        self.dense.head.mean.copy_(data.mean)
        self.dense.head.std.copy_(data.std)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        if self._regression is None:  # every batch is the same
            self._regression = Regression(Rows(batch.x, batch.y))
        head = self.dense.head
        solution = self._regression.improve(head.weight, head.bias)
        head.weight.copy_(solution.weight)
        head.bias.copy_(solution.bias)
        self.notes |= {"converged": solution.converged, "largest_gradient": solution.gradient}
        return {"loss": torch.tensor(solution.loss), "gradient": torch.tensor(solution.gradient)}

    def finish(self, translators: Mapping[str, nn.Module], data: Data) -> None:
        assert isinstance(data, FeatureData)
        cells = Cells.of(self.dense.encoder, self.dense.head, data.files, self.spec.load_size, self.spec.seed)
        temperature = cross_fitted_temperature(cells)
        for network in (self.dense, *translators.values()):
            network.get_buffer("temperature").fill_(temperature)
        self.notes["temperature"] = temperature
