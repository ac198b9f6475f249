"""`fewpairs undelete`"""

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.delete import KindArgument, NameArgument, word
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console, escaped
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def undelete(kind: KindArgument, name: NameArgument, server: ServerOption = None) -> None:
    """Take the deletion of something back."""
    client = Client(server)
    ids = {pool.name: pool.id for pool in client.deleted_pools()} if kind == "pool" else {}
    client.undelete(word(kind), ids.get(name, name))
    console.print(f"[green]✓[/] The {kind} {escaped(name)} is back")
