"""The paper's supervised baseline (Table 6): FCN-8s on pairs only (Long et al. 2015)."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from models.catalog import TrainingSpec
from models.images.palette import ClassTable
from models.pretrained import WeightsUnavailable, hub_file
from models.training.class_losses import labelled_cross_entropy
from models.training.data import Batch, TrainingData, TrainingFiles
from models.training.image_pool import ImagePool
from models.training.methods.method import Method
from models.training.methods.two_way import descend, detached
from models.training.networks.fcn8s import Dropout, FCN8s

VGG16_URL = "https://download.pytorch.org/models/vgg16-397923af.pth"
"""torchvision's `VGG16_Weights.IMAGENET1K_V1`."""

VGG16_CHANNELS = 64

WEIGHT_DECAY = 5e-4
"""Of the weights, with `sgd`; biases have none, and twice the learning rate."""


class SupervisedFCN8s(Method):
    """Pixelwise cross-entropy on pairs. Unpaired samples are not used; labels → photos is not trained.

    With 64 channels it starts from VGG16's ImageNet weights if they are available, else from random ones;
    `notes` says which. A resumed training keeps the answer of its checkpoint.

    With the option `sgd` the loss is summed over the pixels of a photo, and gradient descent with momentum
    minimises it at a constant rate, as in the implementation that the paper used:
    github.com/zijundeng/pytorch-semantic-segmentation, train/cityscapes-fcn.
    """

    def __init__(self, spec: TrainingSpec, device: torch.device, class_table: ClassTable | None) -> None:
        self.spec = spec
        self.FCN = self.generator(spec, class_table)
        self.FCN.initialise(torch.Generator().manual_seed(spec.seed))
        if spec.channels == VGG16_CHANNELS:
            _start_from_imagenet(self.FCN)
        self.FCN.to(device)
        self.dropout = Dropout(spec.seed, device)
        self.ignore = _needed(class_table).ignore
        self.optimizer = _sgd(self.FCN, spec) if spec.sgd else _adam(self.FCN, spec)
        self.networks: dict[str, nn.Module] = {"FCN": self.FCN, "dropout": self.dropout}
        self.optimizers: dict[str, Optimizer] = {"FCN": self.optimizer}
        self.pools: dict[str, ImagePool] = {}
        self.notes: dict[str, Any] = {}
        self._note()
        self.FCN.register_load_state_dict_post_hook(lambda *_: self._note())  # type: ignore[no-untyped-call]

    @classmethod
    def data(cls, spec: TrainingSpec, files: TrainingFiles, device: torch.device) -> TrainingData:
        epoch_size = partial(cls.epoch_size, spec, len(files.pairs), len(files.unpaired_photos))
        return TrainingData(files, spec, epoch_size, device, with_classes=True)

    @staticmethod
    def generator(spec: TrainingSpec, class_table: ClassTable | None) -> FCN8s:
        """An untrained translator, (B, 3, S, S) in [−1, 1] → class logits (B, K, S, S)."""
        return FCN8s(len(_needed(class_table).names), spec.channels)

    @property
    def translators(self) -> dict[str, nn.Module]:
        return {"photo_to_label": self.FCN}

    def step(self, batch: Batch) -> dict[str, Tensor]:
        classes = batch.classes
        assert classes is not None, "learns_classes asks for them"
        loss = labelled_cross_entropy(self.FCN(batch.x, self.dropout), classes, self.ignore)
        labelled = (classes != self.ignore).sum()
        descend(self.optimizer, loss * labelled / len(classes) if self.spec.sgd else loss)
        return detached({"cross_entropy": loss})

    def learning_rate_factor(self, step: int, total: int) -> float:
        return 1.0 if self.spec.sgd else super().learning_rate_factor(step, total)

    def _note(self) -> None:
        self.notes["imagenet_weights"] = bool(self.FCN.imagenet_weights)


def _adam(network: FCN8s, spec: TrainingSpec) -> Adam:
    betas = (spec.beta1, spec.beta2)
    return Adam(network.parameters(), lr=spec.learning_rate, betas=betas, fused=True)


def _sgd(network: FCN8s, spec: TrainingSpec) -> SGD:
    named = list(network.named_parameters())
    weights = [parameter for name, parameter in named if name.endswith("weight")]
    biases = [parameter for name, parameter in named if name.endswith("bias")]
    groups = [
        {"params": weights, "weight_decay": WEIGHT_DECAY},
        {"params": biases, "lr": 2 * spec.learning_rate},
    ]
    return SGD(groups, lr=spec.learning_rate, momentum=spec.beta1)


def _needed(class_table: ClassTable | None) -> ClassTable:
    if class_table is None:
        raise ValueError(
            "fcn8s learns classes, and the label maps here are images without classes: choose another method"
        )
    return class_table


def _start_from_imagenet(network: FCN8s) -> None:
    try:
        path, _ = hub_file(VGG16_URL, "VGG16")
    except WeightsUnavailable:
        return
    network.load_vgg16(torch.load(path, map_location="cpu", weights_only=True))
