"""The vocabulary of training and selection: options, recipes, methods, strategies and directions.

Every other room takes names, ranges, defaults and descriptions from here. Only the standard library is
imported, so that the service and the command line can read it without PyTorch. A new training method or
selection strategy is one file and one entry here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any

PHOTOS_TO_LABELS, LABELS_TO_PHOTOS = DIRECTIONS = ("photos_to_labels", "labels_to_photos")

LARGEST_SIDE = 4096
"""The largest side in pixels of the images that a training works on."""
PAPER_LOAD, PAPER_CROP = 286, 256
"""An `image_size` without a `load_size` keeps the paper's proportion of the two."""


def _number(default: float | None, low: float, high: float, description: str, **limits: float) -> Any:
    metadata = {"low": low, "high": high, "description": description, **limits}
    return field(default=default, metadata=metadata)


def _choice(choices: tuple[str, ...], description: str) -> Any:
    """The first choice is the default."""
    return field(default=choices[0], metadata={"choices": choices, "description": description})


def _text(default: str, pattern: str, description: str) -> Any:
    """A text that matches the regular expression as a whole."""
    return field(default=default, metadata={"pattern": pattern, "description": description})


def _switch(default: bool, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """The frozen configuration of one training; the defaults are the paper's hybrid training (§3.5).

    Raises ValueError, naming the field, when a value has the wrong type, is out of range or contradicts
    another one.
    """

    recipe: str
    method: str
    seed: int = _number(0, 0, 2**32 - 1, "The same seed on the same files gives the same training.")

    total_steps: int | None = _number(None, 1, 10**9, "Optimiser steps. Left out: `epochs` decides.")
    epochs: int = _number(200, 1, 10**6, "Passes over the data.")
    batch_size: int = _number(1, 1, 256, "Images in one step.")
    balance: bool = _switch(
        True, "Repeat the pairs until their number equals that of the unpaired photos (§4.1.5)."
    )
    joint: bool = _switch(
        False, "hybrid: every step sees `batch_size` pairs and `batch_size` unpaired samples, not one kind."
    )

    image_size: int = _number(
        256, 32, LARGEST_SIDE, "Side in pixels of the crops to train on, at most `load_size`.", multiple_of=4
    )
    load_size: int = _number(
        286, 32, LARGEST_SIDE, "Side in pixels of the images before cropping. Left out: follows `image_size`."
    )
    label_resize: str = _choice(
        ("bicubic", "nearest"), "How coloured label maps are resized. CycleGAN's code uses bicubic."
    )

    encoder: str = _text(
        "efficientnet_lite0",
        r"[a-z0-9_]{1,50}|timm:[A-Za-z0-9_.-]{1,100}",
        "The encoder whose pretrained network the training starts from: a name, or timm:NAME. `onnx:FILE` "
        "gives no feature maps.",
    )
    generator: str = _choice(
        ("resnet", "pretrained"),
        "The network that makes label maps of photos: the paper's, or the pretrained one of `encoder` with"
        " a decoder, which predicts classes if the pool has them.",
    )
    channels: int = _number(64, 1, 256, "Channels of the first layer of every network.")
    blocks: int = _number(9, 0, 32, "Residual blocks of a generator.")
    conditional: bool = _switch(False, "pix2pix: the discriminator sees the input together with the output.")
    sgd: bool = _switch(
        False,
        "fcn8s: gradient descent with momentum `beta1`, as in the implementation that the paper used.",
    )
    adversarial: str = _choice(("relativistic", "cross_entropy", "least_squares"), "The adversarial loss.")
    pool_size: int = _number(50, 0, 1000, "Generated images kept to show the discriminator again.")

    lambda_gan: float = _number(1.0, 0, 1e9, "Weight of the adversarial loss.")
    lambda_cycle: float = _number(10.0, 0, 1e9, "Weight of the cycle loss.")
    lambda_identity: float = _number(10.0, 0, 1e9, "Weight of the identity loss.")
    lambda_l1: float = _number(
        150.0, 0, 1e9, "Weight of the L1 loss on pairs, or of the cross-entropy in its place."
    )
    lambda_consistency: float = _number(0.0, 0, 1e9, "Weight of the consistency loss on unpaired photos.")

    learning_rate: float = _number(
        2e-4, 0, 1, "Adam's learning rate: constant for half of the steps, then falling linearly to 0."
    )
    beta1: float = _number(0.5, 0, 0.9999, "Adam's β1.")
    beta2: float = _number(0.999, 0, 0.9999, "Adam's β2.")
    ema: float = _number(
        0.0, 0, 0.99999, "Decay of the moving average of weights that becomes the model. 0: the last weights."
    )

    precision: str = _choice(("float32", "bfloat16"), "The convolutions' type; the rest is float32.")
    compile: bool = _switch(False, "Compile the networks, and on a GPU replay the step as one CUDA graph.")

    log_every: int = _number(50, 1, 10**6, "Steps between two lines of metrics.")
    checkpoint_every: int = _number(1000, 1, 10**9, "Steps between checkpoints, a multiple of `log_every`.")
    sample_every: int = _number(5000, 1, 10**9, "Steps between two sample sheets.")

    def __post_init__(self) -> None:
        facts = method_facts(self.method)
        for spec_field in fields(self):
            _check(spec_field, getattr(self, spec_field.name))
        for owner, other in METHODS.items():
            for switch in other.switches - facts.switches:
                if getattr(self, switch):
                    raise ValueError(f"{switch} is an option of {owner}, not of {self.method}: leave it out")
        if self.load_size < self.image_size:
            raise ValueError(
                f"load_size ({self.load_size}) has to be at least image_size ({self.image_size}), because "
                "crops are taken from the resized image: give both, or image_size alone"
            )
        if self.generator == "pretrained" and self.image_size % 32:
            raise ValueError(
                f"image_size ({self.image_size}) has to be a multiple of 32 with the pretrained generator"
            )
        if self.checkpoint_every % self.log_every:
            raise ValueError(
                f"checkpoint_every ({self.checkpoint_every}) has to be a multiple of log_every "
                f"({self.log_every}): give both"
            )

    def learns_classes(self, has_classes: bool) -> bool:
        """Whether the translator gives class logits (B, K, S, S) and not an image.

        `has_classes`: the pool has a class table.
        """
        return METHODS[self.method].learns_classes or (has_classes and self.generator == "pretrained")

    def to_json(self) -> dict[str, Any]:
        """All fields by name; `from_json` reads it back to an equal spec."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TrainingSpec:
        """Inverse of `to_json`. Raises ValueError for unknown or missing fields."""
        _check_names(value, [spec_field.name for spec_field in fields(cls)])
        missing = [name for name in ("recipe", "method") if name not in value]
        if missing:
            raise ValueError(f"a training spec needs {' and '.join(missing)}")
        return cls(**value)


OPTIONS: Mapping[str, Field[Any]] = {
    option.name: option for option in fields(TrainingSpec) if option.metadata
}
"""The fields of TrainingSpec that an order may set. Their metadata holds `description` and, for numbers,
`low`, `high` and perhaps `multiple_of`, for words, `choices`, or, for other texts, `pattern`."""


def _check(spec_field: Field[Any], value: object) -> None:
    name, kind, limits = spec_field.name, str(spec_field.type), spec_field.metadata
    if kind == "int | None" and value is None:
        return
    accepted = {"str": str, "bool": bool, "float": int | float}.get(kind, int)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"{name} must be of type {kind}, got {value!r}")
    if "pattern" in limits and isinstance(value, str) and not re.fullmatch(limits["pattern"], value):
        raise ValueError(f"{name} must match {limits['pattern']}, got {value!r}")
    if "choices" in limits and value not in limits["choices"]:
        raise ValueError(f"{name} must be one of {', '.join(limits['choices'])}, got {value!r}")
    if "low" in limits and isinstance(value, int | float):
        if not limits["low"] <= value <= limits["high"]:
            raise ValueError(f"{name} must be from {limits['low']} to {limits['high']:.10g}, got {value!r}")
        if value % limits.get("multiple_of", 1) and "multiple_of" in limits:
            raise ValueError(f"{name} must be a multiple of {limits['multiple_of']}, got {value!r}")


def _check_names(given: Mapping[str, Any], known: list[str]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"unknown training option {', '.join(unknown)}; there are {', '.join(known)}")


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
        version=2,
    ),
    "cyclegan": MethodFacts(
        implementation="models.training.methods.cyclegan:CycleGAN",
        summary="unpaired samples only",
        needs_pairs=False,
        needs_unpaired=True,
        unused=frozenset({"balance", "lambda_consistency", "lambda_l1"}),
    ),
    "tripathy": MethodFacts(
        implementation="models.training.methods.tripathy:Tripathy",
        summary="pairs first, then unpaired samples",
        needs_unpaired=True,
        defaults={"adversarial": "least_squares", "balance": False, "lambda_identity": 5.0, "lambda_l1": 0.0},
        unused=frozenset({"lambda_consistency", "lambda_l1"}),
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
            **{"load_size": 320, "image_size": 320, "total_steps": 10},
            **{"log_every": 1, "checkpoint_every": 1},
        },
        unused=_NETWORKS_OF_THE_PAPER
        | {"batch_size", "epochs", "ema", "generator", "lambda_consistency", "learning_rate", "beta1"}
        | {"beta2", "precision", "compile"},
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
    ),
}


def method_facts(name: str) -> MethodFacts:
    """The facts of a method. ValueError lists the known ones."""
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}; there are {', '.join(METHODS)}")
    return METHODS[name]


@dataclass(frozen=True, kw_only=True)
class RecipeFacts:
    """A named size of training: the `values` in which it differs from TrainingSpec's defaults."""

    summary: str
    values: Mapping[str, Any] = field(default_factory=dict)


RECIPES: dict[str, RecipeFacts] = {
    "paper": RecipeFacts(summary="256², on a GPU"),
    "small": RecipeFacts(
        summary="128², on a GPU",
        values={
            **{"load_size": 144, "image_size": 128, "channels": 32, "blocks": 6},
            "total_steps": 20_000,
        },
    ),
    "tiny": RecipeFacts(
        summary="64², on a CPU",
        values={
            **{"load_size": 72, "image_size": 64, "batch_size": 2, "channels": 16, "blocks": 4},
            **{"total_steps": 750, "log_every": 10, "checkpoint_every": 50, "sample_every": 250},
        },
    ),
}
DEFAULT_RECIPE = "paper"


def build(recipe: str, method: str, **overrides: Any) -> TrainingSpec:
    """The spec of a recipe for a method, with single options overridden.

    Raises ValueError for an unknown recipe, method or option, for a value out of range, for an option that
    the method does not use, and for values that contradict each other.
    """
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; there are {', '.join(RECIPES)}")
    _check_names(overrides, list(OPTIONS))
    facts = method_facts(method)
    if idle := sorted(facts.unused & overrides.keys()):
        raise ValueError(f"{idle[0]} has no effect on {method}: leave it out")
    image_size = overrides.get("image_size")
    if isinstance(image_size, int) and "load_size" not in overrides:
        load_size = image_size if facts.keeps_aspect else round(image_size * PAPER_LOAD / PAPER_CROP)
        if image_size <= LARGEST_SIDE < load_size:
            raise ValueError(
                f"an image_size of {image_size} would be cropped from {load_size} pixels, and {LARGEST_SIDE} "
                "is the maximum: give load_size too"
            )
        overrides = overrides | {"load_size": load_size}
    values = {**RECIPES[recipe].values, **facts.defaults, **facts.recipes.get(recipe, {})}
    for switch, preset in facts.presets.items():
        if overrides.get(switch):
            values |= preset
    spec = TrainingSpec(recipe=recipe, method=method, **(values | overrides))
    if "encoder" in overrides and "generator" not in facts.unused and spec.generator != "pretrained":
        raise ValueError("encoder has no effect without generator=pretrained: leave it out, or give both")
    return spec


@dataclass(frozen=True)
class StrategyFacts:
    """What is known of a selection strategy without loading it.

    `implementation` is a `models.selection.problem.Strategy`, as "module:function". `pairwise` says that it
    compares all pairs of images, and of more than `PAIRWISE` images a sample; `patches` that it needs the
    features of the images' patches. The picks of a `nested` strategy for a small budget are the first ones
    for a larger budget.
    """

    implementation: str
    summary: str
    pairwise: bool = False
    patches: bool = False
    nested: bool = False


STRATEGIES: dict[str, StrategyFacts] = {
    "kmedoids": StrategyFacts(
        "models.selection.strategies.kmedoids:kmedoids",
        "one image for each cluster of photos, as in the paper",
    ),
    "fasterpam": StrategyFacts(
        "models.selection.strategies.fasterpam:fasterpam",
        "the same objective as kmedoids, searched longer",
        pairwise=True,
    ),
    "kcenter": StrategyFacts("models.selection.strategies.kcenter:kcenter", "no image is far from a pick"),
    "typiclust": StrategyFacts(
        "models.selection.strategies.typiclust:typiclust", "the most typical image of each cluster"
    ),
    "probcover": StrategyFacts(
        "models.selection.strategies.probcover:probcover", "images in dense neighbourhoods", pairwise=True
    ),
    "facility": StrategyFacts(
        "models.selection.strategies.facility:facility",
        "one pick after the other, each the best for coverage",
        pairwise=True,
    ),
    "words": StrategyFacts(
        "models.selection.strategies.words:words",
        "images that show as many different things as possible, judged by their patches",
        patches=True,
        nested=True,
    ),
    "random": StrategyFacts(
        "models.selection.strategies.random_draw:random_draw", "a uniform draw, the control"
    ),
}
DEFAULT_STRATEGY = "kmedoids"
ADVISED = "advised"
"""In place of a strategy's name: the one that `models.advice.advised_strategy` gives."""
PAIRWISE = 16_384
"""Images up to which all pairs are compared: a table of 1 GiB. Of more images, this many are drawn."""

TEST_TIME: Mapping[str, str] = {
    "none": "the photo as it is",
    "flip": "the mean of the photo and its mirror image",
    "scales": "the mean of the photo and its mirror image at three sizes",
}
"""What a model that learns classes predicts a photo from: more views take more time."""
DEFAULT_TEST_TIME = "none"
