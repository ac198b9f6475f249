"""`fewpairs selections`"""

from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, moment, print_json, right, whole
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def selections(
    split: Annotated[
        str | None, typer.Option(help="Only selections of this split: train or test.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of selections to show.")] = 20,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List a pool's selections, newest first: what was asked, and how many of the picks are labelled."""
    found = find_pool(Client(server), pool).selections(split)
    shown = list(islice(found, limit))
    if as_json:
        return print_json(shown)
    table = Table(whole("Selection"), "Strategy", "Split", *map(right, ("Picks", "Labelled")), "Made (UTC)")
    for one in shown:
        counts = str(one["pick_count"]), str(one["labelled_count"])
        table.add_row(one["id"], one["strategy"], one["split"], *counts, moment(one["created_at"]))
    if next(found, None):
        table.caption = f"{limit} of {found.total}"
    console.print(table if shown else "This pool has no such selection: make one with `fewpairs select`.")
