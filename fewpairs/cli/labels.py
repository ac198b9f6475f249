"""`fewpairs labels`"""

from typing import Annotated

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.sending import FolderArgument, UnderOption, report_others, send_files
from fewpairs.client import Client
from fewpairs.sources import find


@app.command(rich_help_panel=LOOP)
def labels(
    directory: FolderArgument,
    pool: PoolOption = None,
    source: Annotated[
        str, typer.Option(help="The data set they are from, for `train --label-source`.")
    ] = "upload",
    under: UnderOption = "",
    server: ServerOption = None,
) -> None:
    """Send unpaired label maps: label maps of no photo of the pool, from a simulator for example."""
    target = find_pool(Client(server), pool)
    with find(directory, under=under) as found:
        taken = send_files(
            found.files,
            "Uploading",
            lambda files, tell: target.upload_labels(files, tell, source),
            f"unpaired label maps of {target.name}, source {source}",
        )
        if not all([taken, report_others(found)]):
            raise typer.Exit(1)
