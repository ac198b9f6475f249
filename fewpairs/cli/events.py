"""`fewpairs events`"""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, folded, moment, print_json, whole
from fewpairs.client import Client

KindOption = Annotated[str | None, typer.Option(help="Only events of such things: image, annotation, job, …")]
ActionOption = Annotated[str | None, typer.Option(help="Only such acts: added, annotated, deleted, …")]
LimitOption = Annotated[int, typer.Option(min=1, help="Largest number of events to show.")]


@app.command(rich_help_panel=CONTROL)
def events(
    pool: PoolOption = None,
    kind: KindOption = None,
    action: ActionOption = None,
    limit: LimitOption = 20,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List what was done to a pool, newest first."""
    found = find_pool(Client(server), pool).events(kind, action)
    newest = [event for event, _ in zip(found, range(limit), strict=False)]
    if as_json:
        return print_json(newest)
    table = Table("When", "Who", "What", whole("Id"), folded("Details"))
    for event in newest:
        table.add_row(*described(event))
    console.print(table if newest else "Nothing of this kind was done to this pool.")


def described(event: dict[str, Any]) -> tuple[str, str, str, str, Text]:
    """When, who, what, the id of the thing, and details."""
    what = f"{event['kind'].replace('_', ' ')} {event['action']}"
    words = ", ".join(
        f"{name.replace('_', ' ')} {len(value) if isinstance(value, list) else value}"
        for name, value in event["details"].items()
    )
    who = event["principal"] or event["principal_id"] or ""
    return moment(event["created_at"]), who, what, event["subject_id"], Text(words)
