"""`fewpairs annotate`"""

from typing import Annotated

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.labelled import summary
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.sending import FolderArgument, send_files
from fewpairs.client import Client
from fewpairs.pool import Pool


@app.command(rich_help_panel=LOOP)
def annotate(
    directory: FolderArgument,
    pool: PoolOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace label maps that the photos have already.")
    ] = False,
    server: ServerOption = None,
) -> None:
    """Send label maps, each for the photo of the same stem: 0001.png belongs to 0001.jpg."""
    target = find_pool(Client(server), pool)
    send_files(
        directory,
        "Annotating",
        lambda files, tell: target.annotate(files, replace, tell),
        f"annotations of {target.name}",
        lambda: _contents(target.refresh()),
    )


def _contents(pool: Pool) -> str:
    labelled = pool.counts["labelled"]
    return summary(labelled) if labelled and labelled["label_maps"] else ""
