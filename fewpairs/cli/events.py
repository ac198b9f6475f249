"""`fewpairs events`"""

import json
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, folded, moment, print_json, whole
from fewpairs.client import Client
from fewpairs.pool import Pool
from fewpairs.streams import Event

KindOption = Annotated[str | None, typer.Option(help="Only events of such things: image, annotation, job, …")]
ActionOption = Annotated[str | None, typer.Option(help="Only such acts: added, annotated, deleted, …")]
LimitOption = Annotated[int, typer.Option(min=1, help="Largest number of events to show.")]


@app.command(rich_help_panel=CONTROL)
def events(
    pool: PoolOption = None,
    kind: KindOption = None,
    action: ActionOption = None,
    limit: LimitOption = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print what happens from now on, until Ctrl+C.")
    ] = False,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List what was done to a pool, newest first, or follow what happens in it."""
    target = find_pool(Client(server), pool)
    if follow:
        return _follow(target, kind, action, as_json)
    found = target.events(kind, action)
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


def _follow(pool: Pool, kind: str | None, action: str | None, as_json: bool) -> None:
    """Print a line for each act and each change of a job; with a filter, for the acts it names."""
    with suppress(KeyboardInterrupt):
        for event in pool.follow():
            if not _is_wanted(event, kind, action):
                continue
            if as_json:
                typer.echo(json.dumps({"event": event.kind, "data": event.data}, ensure_ascii=False))
            else:
                console.print(_line(event), soft_wrap=True)


def _is_wanted(event: Event, kind: str | None, action: str | None) -> bool:
    if event.kind == "job":
        return not (kind or action)
    return event.kind != "event" or (
        kind in (None, event.data["kind"]) and action in (None, event.data["action"])
    )


def _line(event: Event) -> Text:
    if event.kind == "following":
        return Text("Following the pool; Ctrl+C stops.", "dim")
    if event.kind == "job":
        job = event.data
        return Text(f"job {job['id']}  {job['kind']} {job['state']}, {job['progress']['share']:.0%}")
    when, who, what, subject, details = described(event.data)
    return Text(f"{when}  {who}: {what}  {subject}  {details}".rstrip())
