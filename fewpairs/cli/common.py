"""What every command shares: the application, its options, and how it speaks."""

import json
import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column
from typer.core import TyperGroup

from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.pool import Pool
from fewpairs.uploads import Upload
from models.catalog import RECIPES

SHOWN_REFUSALS = 20
RECIPE_SIZES = ", ".join(f"{name} ({recipe.summary})" for name, recipe in RECIPES.items()) + "."
LOOP, CONTROL, HERE = "The loop", "Look and control", "On this machine"
"""Panels of the help page."""
ORDER = (
    *("up", "demo", "scenes", "experiment", "migrate"),
    *("pool", "upload", "labels", "select", "explain", "assign", "annotate"),
    *("train", "evaluate", "translate"),
    *("assignments", "replay", "similar", "duplicates", "jobs", "cancel", "model"),
)


def _console(stderr: bool) -> Console:
    """Logs are not folded at 80 columns, so that ids stay whole."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if is_terminal else 120)


console = _console(stderr=False)
errors = _console(stderr=True)


class Sentences(TyperGroup):
    """Shows a FewpairsError as its sentence, without a traceback, and exits with 1."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(ORDER)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except FewpairsError as error:
            complain(_by_option(error, self.commands[ctx.invoked_subcommand].params))
            raise typer.Exit(1) from error


def _by_option(error: FewpairsError, params: Sequence[Any]) -> str:
    """The error's sentence, where what the service says of a parameter is said of the command's option."""
    options = {param.name: param.opts[0] for param in params if param.opts[0].startswith("--")}
    sentence = error.detail
    for place in (entry["where"] for entry in error.extras.get("errors", [])):
        if named := [options[part] for part in place.split(".") if part in options]:
            sentence = sentence.replace(f"{place}:", f"{named[0]}:")
    return sentence


app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="Label ten images, translate thousands: says which photos to label, and learns from those few.",
)

ServerOption = Annotated[
    str | None,
    typer.Option("--server", envvar="FEWPAIRS_SERVER", help="Address of the service.", show_default=False),
]
PoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool", "-p", envvar="FEWPAIRS_POOL", help="Name or id; not needed while there is only one pool."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON and nothing else.")]


def find_pool(client: Client, name: str | None) -> Pool:
    """The named pool, or the only one. Raises FewpairsError with the choices."""
    if name:
        return client.pool(name)
    pools = list(client.pools())
    if len(pools) == 1:
        return pools[0]
    if not pools:
        raise FewpairsError("There is no pool yet: make one with `fewpairs pool create NAME --classes FILE`.")
    raise FewpairsError(f"Say which pool with --pool: {', '.join(pool.name for pool in pools)}.")


def whole(name: str) -> Column:
    """A column whose values stay in one line: ids that will be copied."""
    return Column(name, no_wrap=True)


def folded(name: str) -> Column:
    """A column whose values go on in the next line where there is too little room."""
    return Column(name, overflow="fold")


def counted(count: int, noun: str) -> str:
    """`1 photo`, `2 photos`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def distance(option: str, text: str, *words: str) -> float | str:
    """The distance that was given to an option, or one of the words it takes. Raises FewpairsError."""
    if text in words:
        return text
    with suppress(ValueError):
        if 0 <= (number := float(text)) < math.inf:
            return number
    choices = ", ".join(["a distance", *words[:-1]])
    raise FewpairsError(f"{option} takes {choices} or {words[-1]}, not {text}.")


def complain(sentence: str) -> None:
    errors.print(f"[bold red]✗[/] {_escaped(sentence)}", soft_wrap=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def file_progress() -> Progress:
    """A bar that counts files; silent where there is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def report_upload(upload: Upload, what: str) -> None:
    """Say what became of the files; exit with 1 if any was refused."""
    parts = [(upload.new, "new"), (upload.replaced, "replaced"), (upload.unchanged, "there already")]
    said = ", ".join(f"{count} {how}" for count, how in parts if count) or "none taken"
    console.print(f"[green]✓[/] {what}: {said}")
    if not upload.rejected:
        return
    complain(f"{len(upload.rejected)} refused:")
    for refusal in upload.rejected[:SHOWN_REFUSALS]:
        line = f"  {_escaped(str(refusal.path))}: {_escaped(refusal.reason)} [dim]({refusal.type})[/]"
        errors.print(line, soft_wrap=True)
    if len(upload.rejected) > SHOWN_REFUSALS:
        errors.print(f"  … and {len(upload.rejected) - SHOWN_REFUSALS} more")
    raise typer.Exit(1)


def _escaped(text: str) -> str:
    """File names may hold what Rich takes for markup."""
    return text.replace("[", "\\[")
