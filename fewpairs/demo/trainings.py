"""The demo's trainings: the paper's method and the advised one from the same pairs, and quick controls."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from fewpairs.cli.follow import follow_training, wait_with_status
from fewpairs.demo.report import done, step
from fewpairs.evaluation import Evaluation
from fewpairs.model import Model
from fewpairs.pool import Pool
from fewpairs.selection import Selection

SEED = 0
STEPS = {"hybrid": 240, "finetune": 120}
"""Fewer than the recipe's, to keep the demo short."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One training from the pairs of a selection; `role` says what the demo shows with it."""

    role: str
    method: str
    recipe: str
    options: dict[str, Any] = field(default_factory=dict)
    picks: Selection

    @property
    def title(self) -> str:
        return f"{self.method} ({self.role}), picks by {self.picks.strategy}"


@dataclass(frozen=True)
class Outcome:
    """A trained order, the model's scores on the test photos, and the seconds that the training took."""

    order: Order
    evaluation: Evaluation
    seconds: float


def orders(advice: dict[str, Any], picks: Selection, control: Selection) -> Iterator[Order]:
    """The paper's method and the advised one from `picks`; where there is a preview, also it from both."""
    paper = {"method": "hybrid", "recipe": "tiny", "options": {}}
    parts = [("the paper's", paper, picks), ("advised", advice["training"], picks)]
    if preview := advice["preview"]:
        parts += [("preview", preview, picks), ("preview", preview, control)]
    for role, part, selection in parts:
        method, options = part["method"], dict(part["options"])
        if method in STEPS:
            options["total_steps"] = STEPS[method]
        yield Order(role=role, method=method, recipe=part["recipe"], options=options, picks=selection)


def train_and_evaluate(pool: Pool, ordered: list[Order], console: Console) -> list[Outcome]:
    """Train all orders, one after the other, and score their models on the test photos."""
    step(console, f"Training: {len(ordered)} models, one after the other")
    jobs = [
        pool.train(order.method, order.recipe, pairs=order.picks.image_ids, **{"seed": SEED} | order.options)
        for order in ordered
    ]
    trained: list[tuple[Model, float]] = []
    for order, job in zip(ordered, jobs, strict=True):
        began = time.monotonic()
        model = follow_training(console, job, order.title).model
        trained.append((model, time.monotonic() - began))
        done(console, f"{order.title}: trained in {trained[-1][1]:.0f} s")
    step(console, "Evaluation on the test photos")
    evaluations = [model.evaluate("test") for model, _ in trained]
    return [
        Outcome(order, wait_with_status(console, job, f"Evaluating {order.title}").evaluation, seconds)
        for order, job, (_, seconds) in zip(ordered, evaluations, trained, strict=True)
    ]
