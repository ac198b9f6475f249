"""`fewpairs revert`"""

from typing import Annotated

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted, escaped
from fewpairs.client import Client
from fewpairs.errors import FewpairsError


@app.command(rich_help_panel=LOOP)
def revert(
    photos: Annotated[
        list[str] | None, typer.Argument(help="Names or ids of photos.", show_default=False)
    ] = None,
    revision: Annotated[
        int | None, typer.Option(help="The revision; default: the one before.", show_default=False)
    ] = None,
    job: Annotated[
        str | None, typer.Option("--import", help="Take this import back.", metavar="JOB", show_default=False)
    ] = None,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Bring earlier label maps of photos back, or take a whole import back."""
    if bool(photos) == bool(job):
        raise FewpairsError("Name photos, or an import: --import JOB.")
    target = find_pool(Client(server), pool)
    for photo in photos or []:
        made = target.revert(photo, revision)
        console.print(f"[green]✓[/] {escaped(photo)} has its earlier label map (revision {made})")
    if job:
        done, since = target.revert_import(job)
        console.print(f"[green]✓[/] {counted(done, 'label map')} of the import taken back")
        for name in since:
            console.print(f"  {escaped(name)}: annotated or changed since, and left as it is")
