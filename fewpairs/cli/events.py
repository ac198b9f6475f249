"""`fewpairs events`"""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, folded, moment, print_json, whole
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def events(
    pool: PoolOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of events to show.")] = 20,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List what was done to a pool and can be taken back, newest first."""
    found = find_pool(Client(server), pool).events()
    newest = [event for event, _ in zip(found, range(limit), strict=False)]
    if as_json:
        return print_json(newest)
    table = Table("When", "What", whole("Id"), folded("Details"))
    for event in newest:
        what = f"{event['kind'].replace('_', ' ')} {event['action']}"
        table.add_row(moment(event["created_at"]), what, event["subject_id"], Text(_words(event["details"])))
    console.print(table if newest else "Nothing was withdrawn, deleted or changed in this pool.")


def _words(details: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in details.items())
