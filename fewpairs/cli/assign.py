"""`fewpairs assign`"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted, folded, moment, print_json, right, whole
from fewpairs.client import Client


@app.command(rich_help_panel=LOOP)
def assign(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Number of photos to have in hand.")] = 1,
    hours: Annotated[float, typer.Option(min=0.001, help="Hours until others can get the photos.")] = 4.0,
    selection: Annotated[
        str | None,
        typer.Option(help="Id of the selection to take picks from; default: the newest of train photos."),
    ] = None,
    copy_to: Annotated[Path | None, typer.Option(help="Copy the photos into this folder.")] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Take photos to label, which nobody else gets.

    Run it again to renew the lease of photos in hand and to take new ones for those that are labelled.
    """
    target = find_pool(Client(server), pool)
    held = target.assign(count, lease_s=3600 * hours, selection=selection)
    copied = held.copy_to(copy_to) if copy_to else []
    if as_json:
        return print_json(held.document)
    title = "Photos that you have in hand"
    table = Table(right("#"), folded("Photo"), whole("Until (UTC)"), title=title, title_justify="left")
    for item in held:
        table.add_row(str(item.rank), Text(item.name), moment(item.lease_expires_at))
    console.print(table)
    console.print(f"{held.free} more picks are free" if held.free else "No other pick is free")
    if copied:
        console.print(f"[green]✓[/] {counted(len(copied), 'photo')} copied to {copy_to}")
