"""`fewpairs withdraw`"""

from typing import Annotated

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, escaped
from fewpairs.client import Client


@app.command(rich_help_panel=LOOP)
def withdraw(
    photos: Annotated[list[str], typer.Argument(help="Names or ids of photos.", show_default=False)],
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Take the label maps of photos back: the photos are unlabelled again. Earlier revisions are kept."""
    target = find_pool(Client(server), pool)
    for photo in photos:
        revision = target.withdraw(photo)
        console.print(f"[green]✓[/] {escaped(photo)} is unlabelled again (revision {revision})")
