"""`fewpairs assignments`"""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, folded, moment, print_json, whole
from fewpairs.client import Client
from fewpairs.errors import FewpairsError


@app.command(rich_help_panel=CONTROL)
def assignments(
    annotator: Annotated[
        str | None, typer.Option("--annotator", "-a", help="Only photos of this annotator.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show ended assignments too.")] = False,
    give_back: Annotated[
        list[str] | None,
        typer.Option(help="Give back a photo, by its name or its assignment's id; may be repeated."),
    ] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List who has which photos in hand; --give-back lets others have one at once."""
    target = find_pool(Client(server), pool)
    for wanted in give_back or []:
        held = [
            item for item in target.assignments(annotator, is_open=True) if wanted in (item.id, item.name)
        ]
        if not held:
            raise FewpairsError(
                f"Nobody has {wanted} in hand: `fewpairs assignments` lists the photos that somebody has."
            )
        held[0].give_back()
    found = list(target.assignments(annotator, is_open=None if every else True))
    if as_json:
        return print_json([item.document for item in found])
    # In a narrow terminal the ids are folded first: --give-back takes the names as well.
    table = Table(
        *map(folded, ("Annotator", "Photo")),
        *map(whole, ("State", "Since (UTC)", "Until (UTC)")),
        folded("Assignment"),
    )
    for item in found:
        until = item.document["ended_at"] or item.lease_expires_at
        moments = (moment(item.document["created_at"]), moment(until))
        table.add_row(Text(item.annotator), Text(item.name), item.state, *moments, item.id)
    console.print(table if found else "Nobody has a photo in hand.")
