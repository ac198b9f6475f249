"""`fewpairs delete`"""

from typing import Annotated

import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console, escaped, moment
from fewpairs.client import Client
from fewpairs.errors import FewpairsError

KINDS = ("pool", "selection", "model", "job", "label-map")
KindArgument = Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.", show_default=False)]
NameArgument = Annotated[str, typer.Argument(help="Its id; for a pool, its name or id.", show_default=False)]


@app.command(rich_help_panel=CONTROL)
def delete(
    kind: KindArgument,
    name: NameArgument,
    now: Annotated[bool, typer.Option("--now", help="For good: this cannot be taken back.")] = False,
    server: ServerOption = None,
) -> None:
    """Delete a pool, a selection, a model, a job or an unpaired label map; for photos see `photo delete`."""
    client = Client(server)
    id = _pool_id(client, name, now) if kind == "pool" else name
    gone_at = client.delete(word(kind), id, now)
    until = "" if now else f"; `fewpairs undelete {kind} {name}` takes that back until {moment(gone_at)} UTC"
    console.print(f"[green]✓[/] The {kind} {escaped(name)} is deleted{escaped(until)}")


def _pool_id(client: Client, name: str, now: bool) -> str:
    """The id of a pool. With `now` it may be one that was deleted already."""
    deleted = {pool.name: pool.id for pool in client.deleted_pools()} if now else {}
    return deleted.get(name) or client.pool(name).id


def word(kind: str) -> str:
    """The kind as the service writes it. Raises FewpairsError."""
    if kind not in KINDS:
        raise FewpairsError(f"Say what it is: {', '.join(KINDS)}; for photos see `fewpairs photo`.")
    return kind.replace("-", "_")
