"""`fewpairs audit`"""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.events import ActionOption, KindOption, LimitOption, described
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console, folded, whole
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def audit(
    pool: Annotated[str | None, typer.Option(help="Only this pool: its name or id.")] = None,
    principal: Annotated[str | None, typer.Option(help="Only what this principal did: its id.")] = None,
    kind: KindOption = None,
    action: ActionOption = None,
    since: Annotated[datetime | None, typer.Option(help="Only from this local time on.")] = None,
    limit: LimitOption = 20,
    format: Annotated[
        str, typer.Option(help="table; jsonl or csv: all events, for a file, whatever the limit.")
    ] = "table",
    server: ServerOption = None,
) -> None:
    """Who did what to which thing, when and from where, newest first; for administrators."""
    if format not in ("table", "jsonl", "csv"):
        raise typer.BadParameter("give table, jsonl or csv", param_hint="--format")
    client = Client(server)
    found_pool = client.pool(pool) if pool else None
    wanted = found_pool, principal, kind, action, since.astimezone() if since else None
    if format != "table":
        for line in client.export_audit(format, *wanted):
            typer.echo(line)
        return
    table = Table("When", "Who", "What", whole("Id"), folded("Details"), "From")
    for event, _ in zip(client.audit(*wanted), range(limit), strict=False):
        table.add_row(*described(event), event["address"])
    console.print(table if table.row_count else "Nothing of this kind was done.")
