"""`fewpairs replay`"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, ServerOption
from fewpairs.cli.output import console, print_json
from fewpairs.cli.select import picks_table
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.selection import Replay


@app.command(rich_help_panel=CONTROL)
def replay(
    file: Annotated[Path, typer.Argument(help="The output of `select --json`, or its receipt alone.")],
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Make a selection again from its receipt.

    If the picks differ, it says what has changed and exits with 1.
    """
    try:
        made = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FewpairsError(f"{file} cannot be read as JSON: {error}.") from error
    made_again = Client(server).replay(made)
    if as_json:
        print_json(made_again.document)
    else:
        _tell_replay(made_again)
    if not made_again.same:
        raise typer.Exit(1)


def _tell_replay(replay: Replay) -> None:
    if replay.selection:
        console.print(picks_table(replay.selection, "The replay"))
    for sentence in replay.changed:
        console.print(Text(f"• {sentence}"), soft_wrap=True)
    console.print("[green]✓[/] The same picks" if replay.same else "[bold red]✗[/] Not the same picks")
