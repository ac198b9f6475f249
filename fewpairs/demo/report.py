"""Prints the demo's steps, and at the end the scores of both selections."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fewpairs.cli.output import right
from fewpairs.model import Model
from fewpairs.pool import Pool
from fewpairs.selection import Selection

STRATEGIES = {"kmedoids": "medoids (ours)", "random": "random"}


@dataclass(frozen=True)
class Outcome:
    """One selection, the model trained on its pairs, and the model's scores."""

    selection: Selection
    model: Model
    scores: dict[str, Any]


def step(console: Console, title: str) -> None:
    console.rule(f"[bold]{title}", align="left")


def done(console: Console, sentence: str) -> None:
    console.print(f"[green]✓[/] {sentence}", soft_wrap=True)


def conclude(
    outcomes: dict[str, Outcome], pool: Pool, samples: Path, folder: Path, seconds: float, console: Console
) -> None:
    """Print the scores of both selections, and where everything is."""
    console.print(_rgb_table(outcomes) if pool.is_rgb else _class_table(outcomes))
    console.print(
        "[dim]One seed, few steps, small images: this shows that the loop works and what it measures, not "
        "which selection is better. Coverage is the distance of the train photos to their nearest pick.[/]"
    )
    done(console, f"Samples (photo, translation, truth): {samples}")
    done(console, f"Look around: fewpairs up --data {folder / 'service'}")
    done(console, f"Done in {seconds // 60:.0f} min {seconds % 60:.0f} s")


def _class_table(outcomes: dict[str, Outcome]) -> Table:
    columns = {
        "pixel_accuracy": "Pixel\naccuracy",
        "mean_accuracy": "Mean\naccuracy",
        "mean_iou": "Mean IoU",
        "mean_iou_present": "Mean IoU\npresent",
    }
    table = _table(outcomes, list(columns.values()))
    for strategy, outcome in outcomes.items():
        _row(table, strategy, outcome, [outcome.scores[key] for key in columns])
    return table


def _rgb_table(outcomes: dict[str, Outcome]) -> Table:
    tolerances = list(next(iter(outcomes.values())).scores["within"])
    table = _table(outcomes, [f"Pixels\nwithin {tolerance}" for tolerance in tolerances])
    for strategy, outcome in outcomes.items():
        _row(table, strategy, outcome, [outcome.scores["within"][tolerance] for tolerance in tolerances])
    return table


def _table(outcomes: dict[str, Outcome], metrics: list[str]) -> Table:
    pairs = len(next(iter(outcomes.values())).selection)
    numbers = map(right, ("Coverage\nmean", "Coverage\nmaximum", *metrics))
    title = f"Hybrid from {pairs} pairs, scored on the test photos"
    return Table("Selection", *numbers, title=title, title_justify="left")


def _row(table: Table, strategy: str, outcome: Outcome, values: list[float]) -> None:
    coverage = outcome.selection.coverage
    numbers = [coverage["mean"], coverage["maximum"], *values]
    table.add_row(STRATEGIES[strategy], *(f"{number:.3f}" for number in numbers))
