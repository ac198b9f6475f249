"""`fewpairs jobs`"""

import time
from itertools import islice
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted, folded, moment, print_json, whole
from fewpairs.client import Client
from fewpairs.jobs import Job
from fewpairs.resource import Items

LOOK_EVERY_S = 1.0
STATE_STYLES = {
    "queued": "yellow",
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "dim",
}


@app.command(rich_help_panel=CONTROL)
def jobs(
    pool: PoolOption = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only jobs in this state: queued, running, succeeded, failed or cancelled."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only jobs of this kind: train or embed, say.", show_default=False)
    ] = None,
    contains: Annotated[
        str | None,
        typer.Option(
            help="A part of a training's method, of the pool's name or of the error.",
            show_default=False,
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="added, kind or state; with a minus, the largest first.")
    ] = "-added",
    limit: Annotated[int, typer.Option(min=1, help="Largest number of jobs to show.")] = 20,
    watch: Annotated[bool, typer.Option("--watch", help="Update the list until ctrl-C.")] = False,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List jobs, newest first."""
    client = Client(server)

    def listed() -> Items[Job]:
        return (find_pool(client, pool) if pool else client).jobs(state, kind, contains, sort)

    if as_json:
        return print_json([job.document for job in islice(listed(), limit)])
    if not watch:
        table = _jobs_table(listed(), limit)
        return console.print(table if table.row_count else "There is no such job.")
    try:
        with Live(_jobs_table(listed(), limit), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(LOOK_EVERY_S)
                live.update(_jobs_table(listed(), limit), refresh=True)
    except KeyboardInterrupt:
        return None


def _jobs_table(found: Items[Job], limit: int) -> Table:
    table = Table(whole("Job"), "Kind", "State", "Started", folded("Result"))
    for job in islice(found, limit):
        started = moment(job.document["started_at"] or "")
        table.add_row(job.id, job.kind, _state(job), started, Text(_outcome(job)))
    if next(found, None):
        table.caption = f"{limit} of {found.total}"
    return table


def _outcome(job: Job) -> str:
    """The id of the job's model or selection, or another result in words; or the error."""
    if job.state != "succeeded":
        return str((job.document["error"] or {}).get("detail", ""))
    match job.result:
        case {"model_id": found} | {"selection_id": found}:
            return str(found)
        case {"embedded": count, "failed": failed}:
            return f"{counted(count, 'photo')} embedded" + (f", {len(failed)} not" if failed else "")
        case {"removed": count}:
            return f"{count} removed for good"
        case {"same": same}:
            return "the same picks" if same else "not the same picks"
        case {"items": found}:
            return f"{counted(len(found), 'photo')} found"
        case {"duplicates": _}:
            return "the pool's duplicates"
        case {"label_map": label_map}:
            return "a label map" if label_map else "an image"
    return ""


def _state(job: Job) -> str:
    share = f" {job.progress:.0%}" if job.state == "running" else ""
    attempt = f", attempt {job.document['attempt']}" if job.document["attempt"] > 1 else ""
    return f"[{STATE_STYLES[job.state]}]{job.state}[/]{share}{attempt}"
