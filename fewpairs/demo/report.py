"""Prints the demo's steps, and at the end the scores of all models."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from fewpairs.cli.output import duration, right

if TYPE_CHECKING:
    from fewpairs.demo.trainings import Outcome

CLASS_SCORES = {
    "pixel_accuracy": "Pixel\naccuracy",
    "mean_accuracy": "Mean\naccuracy",
    "mean_iou": "Mean IoU",
}


def step(console: Console, title: str) -> None:
    console.rule(f"[bold]{title}", align="left")


def done(console: Console, sentence: str) -> None:
    console.print(f"[green]✓[/] {sentence}", soft_wrap=True)


def conclude(
    outcomes: "Sequence[Outcome]", picture: Path, folder: Path, seconds: float, console: Console
) -> None:
    """Print the scores of all models, and where everything is."""
    console.print(_table(outcomes))
    console.print(
        "[dim]One seed, and fewer steps than advised: this shows that the loop works and what it measures. "
        "One random draw does not show which selection is better.[/]"
    )
    done(console, f"Photos, what both models make of them, and the truth: {picture}")
    done(console, f"Look around: fewpairs up --data {folder / 'service'}")
    done(console, f"Done in {seconds // 60:.0f} min {seconds % 60:.0f} s")


def _table(outcomes: "Sequence[Outcome]") -> Table:
    pairs = len(outcomes[0].order.picks)
    scores = [_scores(outcome.evaluation.metrics) for outcome in outcomes]
    table = Table(
        "Model",
        "Picks",
        right("Training"),
        *map(right, scores[0]),
        title=f"Models from {pairs} pairs, scored on the test photos",
        title_justify="left",
    )
    for outcome, values in zip(outcomes, scores, strict=True):
        order = outcome.order
        numbers = (f"{value:.3f}" for value in values.values())
        model = f"{order.method} ({order.role})"
        table.add_row(model, order.picks.strategy, duration(outcome.seconds), *numbers)
    return table


def _scores(metrics: dict[str, Any]) -> dict[str, float]:
    """The scores to show, by the heading of their column."""
    if "within" in metrics:
        return {f"Pixels\nwithin {tolerance}": share for tolerance, share in metrics["within"].items()}
    return {heading: metrics[name] for name, heading in CLASS_SCORES.items()}
