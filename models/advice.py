"""What to do next with a pool: how to train on what is labelled, and what to label.

The advice follows from what was measured elsewhere (`models.measured`): the same pool gets the same advice.
Only the standard library is imported, so that the service can ask without PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.catalog import DEFAULT_RECIPE, DEFAULT_STRATEGY, METHODS, STRATEGIES, build
from models.measured import CURVES, DATA_SET, expected

CPU, GPU = DEVICES = ("cpu", "cuda")
PREVIEW, PAPER = "probe", "hybrid"
MILESTONES = (10, 20, 40)
"""Numbers of pairs at which it is worth training again."""
SMALL_GAIN = 0.01
"""A difference in mean IoU that two seeds of one training may have too."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the advice depends on. `pairs` and `unpaired_photos` are numbers of train images, annotated and
    not; `device` is one of DEVICES."""

    pairs: int
    unpaired_photos: int
    has_classes: bool
    encoder: str
    device: str


@dataclass(frozen=True, kw_only=True)
class TrainingAdvice:
    """An order of a training (`method`, `recipe`, `options`), and what is known of it before it runs.

    `total_steps` is None if the number of epochs decides. `mean_iou` and `minutes`, of two CPU cores, are
    those of CamVid with as many pairs; None: not measured.
    """

    method: str
    recipe: str
    options: Mapping[str, Any] = field(default_factory=dict)
    image_size: int
    total_steps: int | None
    mean_iou: float | None
    minutes: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LabelAdvice:
    """Which images to label next. `gain` is what so many more pairs added to the mean IoU on CamVid; None:
    not measured."""

    strategy: str
    budget: int
    gain: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Advice:
    """`training` makes the model to keep, `preview` one in seconds, `paper` the paper's, to compare with; all
    are None until something is labelled. `labels` is None if every image is labelled."""

    training: TrainingAdvice | None
    preview: TrainingAdvice | None
    paper: TrainingAdvice | None
    labels: LabelAdvice | None


def advised(situation: Situation) -> Advice:
    """The advice for a pool."""
    if not situation.pairs:
        return Advice(training=None, preview=None, paper=None, labels=_labels(situation))
    method = advised_method(situation)
    has_preview = situation.has_classes and method != PREVIEW
    return Advice(
        training=_training(situation, method),
        preview=_training(situation, PREVIEW) if has_preview else None,
        paper=_training(situation, PAPER) if method != PAPER else None,
        labels=_labels(situation),
    )


def advised_method(situation: Situation, recipe: str | None = None) -> str:
    """The method for a pool with pairs, with this recipe or with the one for the device.

    With classes it is the method with the highest mean IoU at as many pairs. Without classes no difference
    was measured: pairs alone at the smallest size, where they take the least time, and otherwise the paper's
    method.
    """
    if situation.has_classes:
        return max(CURVES, key=lambda name: expected(name, situation.pairs).mean_iou)
    return "pix2pix" if (recipe or advised_recipe(situation, PAPER)) == "tiny" else PAPER


def advised_recipe(situation: Situation, method: str) -> str:
    """The size of a training of this method on the pool's device."""
    if situation.device == CPU:
        return "tiny"
    return "small" if METHODS[method].beyond else DEFAULT_RECIPE


def advised_strategy(encoder: str) -> str:
    """`words`, if the encoder is sure to give the patches that it needs; of other networks only some do."""
    return DEFAULT_STRATEGY if encoder.startswith(("timm:", "onnx:")) else "words"


def _training(situation: Situation, method: str) -> TrainingAdvice:
    recipe = advised_recipe(situation, method)
    spec = build(recipe, method)
    is_measured = situation.has_classes and situation.device == CPU
    point = expected(method, situation.pairs) if is_measured else None
    return TrainingAdvice(
        method=method,
        recipe=recipe,
        image_size=spec.image_size,
        total_steps=spec.total_steps,
        mean_iou=round(point.mean_iou, 3) if point else None,
        minutes=round(point.minutes, 1) if point else None,
        reasons=tuple(_reasons(situation, method, is_measured)),
    )


def _reasons(situation: Situation, method: str, is_measured: bool) -> Iterator[str]:
    pairs = _counted(situation.pairs, "pair")
    if is_measured:
        score = expected(method, situation.pairs).mean_iou
        yield f"With {pairs} it reached a mean IoU of {score:.2f} on {DATA_SET}."
        best = max(_papers(), key=lambda name: expected(name, situation.pairs).mean_iou)
        reached = expected(best, situation.pairs).mean_iou
        if METHODS[method].beyond and reached < score:
            yield f"The best of the paper's methods there, {best}, reached {reached:.2f}."
    if not situation.has_classes:
        yield "The label maps are images without classes, so methods that learn classes cannot be used."
    if situation.device == GPU:
        told = "; the job's `estimate` says how long the training takes" if METHODS[method].rehearsed else ""
        yield f"Sizes for a GPU are not measured{told}."
    if METHODS[method].needs_unpaired:
        yield f"It also learns from {_counted(situation.unpaired_photos, 'photo')} without a label map."
    else:
        yield f"It learns from the {pairs} alone."


def _papers() -> Iterator[str]:
    return (name for name in CURVES if not METHODS[name].beyond)


def _labels(situation: Situation) -> LabelAdvice | None:
    """Labels up to the next milestone, as far as there are images."""
    pairs = situation.pairs
    milestone = next((number for number in MILESTONES if number > pairs), 2 * pairs)
    budget = min(milestone - pairs, situation.unpaired_photos)
    if not budget:
        return None
    gain = _gain(pairs, pairs + budget) if situation.has_classes else None
    strategy = advised_strategy(situation.encoder)
    return LabelAdvice(
        strategy=strategy,
        budget=budget,
        gain=gain,
        reasons=(f"{strategy}: {STRATEGIES[strategy].summary}.", _worth(pairs, budget, gain)),
    )


def _gain(pairs: int, more: int) -> float:
    """How much the best mean IoU on CamVid grew from `pairs` (0: from the best without pairs) to `more`."""
    able = [name for name in CURVES if pairs or not METHODS[name].needs_pairs]
    before = max(expected(name, pairs).mean_iou for name in able)
    return round(max(expected(name, more).mean_iou for name in CURVES) - before, 3)


def _worth(pairs: int, budget: int, gain: float | None) -> str:
    if gain is None:
        return "More pairs help more than more steps."
    step = f"from {pairs} to {_counted(pairs + budget, 'pair')}"
    if gain < SMALL_GAIN:
        return (
            f"Going {step} gained little or was not measured: look at the evaluation before you label more."
        )
    return f"Going {step} raised the mean IoU on {DATA_SET}, a public set of street photos, by {gain:.2f}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
