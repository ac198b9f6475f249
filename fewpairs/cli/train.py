"""`fewpairs train`"""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from fewpairs.cli.advice import command
from fewpairs.cli.application import LOOP, app
from fewpairs.cli.follow import follow_training
from fewpairs.cli.labelled import without_pixels
from fewpairs.cli.options import RECIPE_SIZES, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from models.catalog import DEFAULT_RECIPE, METHODS


@app.command(rich_help_panel=LOOP)
def train(
    pool: PoolOption = None,
    method: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(METHODS)}; default: the one of `fewpairs advice`.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help=f"{RECIPE_SIZES} Default: {DEFAULT_RECIPE} for a method of the paper, otherwise that of "
            "`fewpairs advice`.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Number of training steps; default: as in the recipe.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training; default: as in the recipe.")] = None,
    label_source: Annotated[
        list[str] | None,
        typer.Option(
            help="Learn only from unpaired label maps of this source (annotations: those of the pairs); "
            "may be repeated; default: all sources.",
            show_default=False,
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(help="Id of a model to start from, with the same networks.", show_default=False),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Any other training option as NAME=VALUE; may be repeated.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for the end, and show progress and losses.")
    ] = False,
    server: ServerOption = None,
) -> None:
    """Train a model on the annotated photos and on everything that has no pair."""
    target = find_pool(Client(server), pool)
    options = _options(option or [])
    options |= {name: v for name, v in (("total_steps", steps), ("seed", seed)) if v is not None}
    if method is None and recipe is None and (advised := target.advice()["training"]):
        method, recipe = advised["method"], advised["recipe"]
        options = advised["options"] | options
        console.print(f"Advised: {command(advised)}", soft_wrap=True)
    job = target.train(method, recipe, label_sources=label_source or None, start_from=start_from, **options)
    console.print(f"[green]✓[/] Training job {job.id}")
    if job.missing_classes:
        console.print(f"[yellow]![/] {without_pixels(job.missing_classes)} in the pairs: not learned")
    if not follow:
        console.print(f"See it with `fewpairs jobs`, stop it with `fewpairs cancel {job.id}`.")
        return
    follow_training(console, job, method or "Training")
    console.print(f"[green]✓[/] Model {job.model.id}")


def _options(words: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise FewpairsError(f"--option takes NAME=VALUE, batch_size=4 for example, not {word}.")
        options[name] = _value(value)
    return options


def _value(text: str) -> bool | int | float | str:
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
