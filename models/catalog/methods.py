"""The training methods. A new one is an entry here and its file in `models.training.methods`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.catalog.predictions import DIRECTIONS, PHOTOS_TO_LABELS


@dataclass(frozen=True, kw_only=True)
class MethodFacts:
    """What is known of a training method without loading it.

    `implementation` is a `models.training.methods.Method`, as "module:class".
    """

    implementation: str
    summary: str
    needs_pairs: bool = True
    needs_unpaired: bool = False
    learns_classes: bool = False
    """Whether the translator gives class logits (B, K, S, S) and not an image: it needs a class table."""
    beyond: bool = False
    """Whether the method goes beyond the paper: it is not one of the paper's."""
    keeps_aspect: bool = False
    """Whether photos keep their aspect: they are resized to about `load_size`² pixels by
    `models.images.aspect`, crops have about `image_size`², and the sizes are equal unless both are given."""
    directions: tuple[str, ...] = DIRECTIONS
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """The options whose defaults differ from TrainingSpec's."""
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By the name of a recipe, the values that it has for this method in place of the recipe's own."""
    unused: frozenset[str] = frozenset()
    """The options that change nothing: overriding one is a mistake."""
    switches: frozenset[str] = frozenset()
    """The options that only this method has."""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By the name of a switch, the defaults that hold when it is on."""
    rehearsed: bool = True
    """Whether two steps before the first one tell what the training needs; else there is no estimate."""
    version: int = 1
    """Raised whenever the same spec and files would train another model: the golden losses then change."""


_BEYOND_THE_PAPER = frozenset({"encoder", "generator", "lambda_consistency"})
_NETWORKS_OF_THE_PAPER = frozenset(
    {"balance", "label_resize", "channels", "blocks", "adversarial", "pool_size"}
    | {"lambda_gan", "lambda_cycle", "lambda_identity", "lambda_l1"}
)

METHODS: dict[str, MethodFacts] = {
    "hybrid": MethodFacts(
        implementation="models.training.methods.hybrid:Hybrid",
        summary="the paper's method, pairs and unpaired samples",
        needs_unpaired=True,
        unused=frozenset({"lambda_consistency"}),
        switches=frozenset({"joint"}),
        version=2,
    ),
    "pix2pix": MethodFacts(
        implementation="models.training.methods.pix2pix:Pix2Pix",
        summary="pairs only",
        defaults={
            **{"conditional": True, "adversarial": "cross_entropy", "pool_size": 0},
            **{"lambda_cycle": 0.0, "lambda_identity": 0.0, "lambda_l1": 100.0},
        },
        unused=frozenset({"balance", "lambda_consistency", "lambda_cycle", "lambda_identity"}),
        switches=frozenset({"conditional"}),
        version=3,
    ),
    "cyclegan": MethodFacts(
        implementation="models.training.methods.cyclegan:CycleGAN",
        summary="unpaired samples only",
        needs_pairs=False,
        needs_unpaired=True,
        unused=frozenset({"balance", "lambda_consistency", "lambda_l1"}),
        version=2,
    ),
    "tripathy": MethodFacts(
        implementation="models.training.methods.tripathy:Tripathy",
        summary="pairs first, then unpaired samples",
        needs_unpaired=True,
        defaults={"adversarial": "least_squares", "balance": False, "lambda_identity": 5.0, "lambda_l1": 0.0},
        unused=frozenset({"lambda_consistency", "lambda_l1"}),
        version=2,
    ),
    "fcn8s": MethodFacts(
        implementation="models.training.methods.fcn8s:SupervisedFCN8s",
        summary="supervised segmentation, pairs only",
        learns_classes=True,
        directions=(PHOTOS_TO_LABELS,),
        defaults={"learning_rate": 1e-4, "beta1": 0.9},
        switches=frozenset({"sgd"}),
        presets={"sgd": {"learning_rate": 1e-10, "beta1": 0.95, "batch_size": 16}},
        unused=_BEYOND_THE_PAPER
        | {"adversarial", "balance", "blocks", "label_resize", "pool_size"}
        | {"lambda_gan", "lambda_cycle", "lambda_identity", "lambda_l1"},
    ),
    "probe": MethodFacts(
        implementation="models.training.methods.probe:Probe",
        summary="a linear classifier on a pretrained encoder, solved in seconds, pairs only",
        learns_classes=True,
        beyond=True,
        keeps_aspect=True,
        directions=(PHOTOS_TO_LABELS,),
        defaults={
            **{"load_size": 416, "image_size": 416, "total_steps": 10},
            **{"log_every": 1, "checkpoint_every": 1},
        },
        unused=_NETWORKS_OF_THE_PAPER
        | {"batch_size", "epochs", "ema", "generator", "lambda_consistency", "learning_rate", "beta1"}
        | {"beta2", "precision", "compile"},
        rehearsed=False,  # one step is most of the training
        version=2,
    ),
    "finetune": MethodFacts(
        implementation="models.training.methods.finetune:FineTuning",
        summary="starts as probe, then trains the encoder and a decoder as well, pairs only",
        learns_classes=True,
        beyond=True,
        keeps_aspect=True,
        directions=(PHOTOS_TO_LABELS,),
        defaults={"beta1": 0.9, "ema": 0.99},
        recipes={
            "paper": {"load_size": 768, "image_size": 768, "batch_size": 8, "total_steps": 10_000},
            "small": {"load_size": 512, "image_size": 512, "batch_size": 8, "total_steps": 2_000},
            "tiny": {"load_size": 416, "image_size": 416, "batch_size": 3, "total_steps": 300},
        },
        unused=_NETWORKS_OF_THE_PAPER | {"generator", "compile"},
        version=2,
    ),
}


def method_facts(name: str) -> MethodFacts:
    """The facts of a method. ValueError lists the known ones."""
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}; there are {', '.join(METHODS)}")
    return METHODS[name]
