"""`fewpairs assign` and `fewpairs assignments`"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.common import (
    CONTROL,
    LOOP,
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
from fewpairs.client import Client
from fewpairs.errors import FewpairsError

AnnotatorOption = Annotated[
    str,
    typer.Option("--annotator", "-a", envvar="FEWPAIRS_ANNOTATOR", help="Who draws: always the same name."),
]


@app.command(rich_help_panel=LOOP)
def assign(
    annotator: AnnotatorOption,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many photos to have in hand.")] = 1,
    hours: Annotated[float, typer.Option(min=0.001, help="Until others can have them again.")] = 4.0,
    selection: Annotated[
        str | None,
        typer.Option(help="Id of the selection whose picks to take; left out: the newest of train photos."),
    ] = None,
    copy_to: Annotated[Path | None, typer.Option(help="Copy the photos into this folder.")] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Take photos to label that nobody else is given; again: renew them, and take as many as are missing."""
    target = find_pool(Client(server), pool)
    held = target.assign(annotator, count, lease_s=3600 * hours, selection=selection)
    copied = held.copy_to(copy_to) if copy_to else []
    if as_json:
        return print_json(held.document)
    table = Table(title=f"In {annotator}'s hands", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("Photo", overflow="fold")
    table.add_column("Until (UTC)", no_wrap=True)
    for item in held:
        table.add_row(str(item.rank), Text(item.name), _moment(item.lease_expires_at))
    console.print(table)
    console.print(f"{held.free} more to take" if held.free else "No other pick is free")
    if copied:
        console.print(f"[green]✓[/] {counted(len(copied), 'photo')} copied to {copy_to}")


@app.command(rich_help_panel=CONTROL)
def assignments(
    annotator: Annotated[str | None, typer.Option("--annotator", "-a", help="Only this annotator's.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    give_back: Annotated[
        list[str] | None,
        typer.Option(help="Give a photo back, by its name or its assignment's id; repeatable."),
    ] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Who has which photos; --give-back lets others have one at once."""
    target = find_pool(Client(server), pool)
    for wanted in give_back or []:
        held = [
            item for item in target.assignments(annotator, is_open=True) if wanted in (item.id, item.name)
        ]
        if not held:
            raise FewpairsError(f"{wanted} is in nobody's hands: `fewpairs assignments` lists what is.")
        held[0].give_back()
    found = list(target.assignments(annotator, is_open=None if every else True))
    if as_json:
        return print_json([item.document for item in found])
    # Where there is little room, the ids are folded before the names, which --give-back takes as well.
    table = Table(
        *map(folded, ("Annotator", "Photo")),
        *map(whole, ("State", "Since (UTC)", "Until (UTC)")),
        folded("Assignment"),
    )
    for item in found:
        until = item.document["ended_at"] or item.lease_expires_at
        moments = (_moment(item.document["created_at"]), _moment(until))
        table.add_row(Text(item.annotator), Text(item.name), item.state, *moments, item.id)
    console.print(table if found else "Nobody has a photo in hand.")


def _moment(text: str) -> str:
    """Month, day and minute."""
    return text[5:16].replace("T", " ")
