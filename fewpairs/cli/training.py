"""Commands about jobs: `train`, `jobs`, `cancel`."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fewpairs.cli.common import (
    CONTROL,
    LOOP,
    RECIPE_SIZES,
    JsonOption,
    PoolOption,
    ServerOption,
    app,
    console,
    counted,
    find_pool,
    folded,
    print_json,
    whole,
)
from fewpairs.cli.follow import follow_training
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.jobs import Job
from models.catalog import DEFAULT_RECIPE, METHODS, RECIPES

BEST = ", ".join(f"{recipe.method} with {name}" for name, recipe in RECIPES.items())
LOOK_EVERY_S = 1.0
STATE_STYLES = {
    "queued": "yellow",
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "dim",
}


@app.command(rich_help_panel=LOOP)
def train(
    pool: PoolOption = None,
    method: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(METHODS)}; default: the best one measured with the recipe, {BEST}.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[str, typer.Option(help=RECIPE_SIZES)] = DEFAULT_RECIPE,
    steps: Annotated[int | None, typer.Option(help="Training steps; default: the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Default: the recipe's.")] = None,
    label_source: Annotated[
        list[str] | None,
        typer.Option(
            help="Learn from unpaired label maps of this source only (`annotations`: those of the pairs); "
            "may be repeated; default: all there are.",
            show_default=False,
        ),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Any other option of the recipe, NAME=VALUE; may be repeated.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Show progress and losses to the end.")] = False,
    server: ServerOption = None,
) -> None:
    """Train a model on the annotated photos and everything that has no pair."""
    target = find_pool(Client(server), pool)
    options = _options(option or [])
    options |= {name: v for name, v in (("total_steps", steps), ("seed", seed)) if v is not None}
    job = target.train(method, recipe, label_sources=label_source or None, **options)
    console.print(f"[green]✓[/] Training job {job.id}")
    if not follow:
        console.print(f"See it with `fewpairs jobs`, stop it with `fewpairs cancel {job.id}`.")
        return
    follow_training(console, job, f"{method or 'Training'} ({recipe})")
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


@app.command(rich_help_panel=CONTROL)
def jobs(
    pool: PoolOption = None,
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(help="Newest so many.")] = 20,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing them until ctrl-C.")] = False,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List jobs, newest first."""
    client = Client(server)

    def newest() -> list[Job]:
        found = find_pool(client, pool).jobs(state) if pool else client.jobs(state)
        return [job for job, _ in zip(found, range(limit), strict=False)]

    if as_json:
        return print_json([job.document for job in newest()])
    if not watch:
        found = newest()
        return console.print(_jobs_table(found) if found else "There is no such job.")
    try:
        with Live(_jobs_table(newest()), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(LOOK_EVERY_S)
                live.update(_jobs_table(newest()), refresh=True)
    except KeyboardInterrupt:
        return None


def _jobs_table(found: Sequence[Job]) -> Table:
    table = Table(whole("Job"), "Kind", "State", "Started", folded("What came of it"))
    for job in found:
        started = (job.document["started_at"] or "")[5:16].replace("T", " ")
        table.add_row(job.id, job.kind, _state(job), started, Text(_outcome(job)))
    return table


def _outcome(job: Job) -> str:
    """The id of the model or selection that it made or looked at, or what it found; or why it went wrong."""
    if job.state != "succeeded":
        return str((job.document["error"] or {}).get("detail", ""))
    match job.result:
        case {"model_id": found} | {"selection_id": found}:
            return str(found)
        case {"embedded": count, "failed": failed}:
            return f"{counted(count, 'photo')} embedded" + (f", {len(failed)} not" if failed else "")
        case {"same": same}:
            return "the same picks" if same else "not the same picks"
        case {"items": found}:
            return f"{counted(len(found), 'photo')} found"
        case {"duplicates": _}:
            return "the pool's duplicates"
        case {"label_map": label_map}:
            return "a label map" if label_map else "an image"
    return ""


def _state(job: Job) -> str:
    share = f" {job.progress:.0%}" if job.state == "running" else ""
    attempt = f", attempt {job.document['attempt']}" if job.document["attempt"] > 1 else ""
    return f"[{STATE_STYLES[job.state]}]{job.state}[/]{share}{attempt}"


@app.command(rich_help_panel=CONTROL)
def cancel(job: str, server: ServerOption = None) -> None:
    """Stop a job."""
    cancelled = Client(server).job(job).cancel()
    console.print(f"[green]✓[/] The {cancelled.kind} job is {_how(cancelled)}.")


def _how(job: Job) -> str:
    return job.state if job.ended else f"{job.state} and was asked to stop"
