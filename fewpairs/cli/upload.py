"""`fewpairs upload`"""

from typing import Annotated

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.sending import FolderArgument, send_files
from fewpairs.client import Client


@app.command(rich_help_panel=LOOP)
def upload(
    directory: FolderArgument,
    pool: PoolOption = None,
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    server: ServerOption = None,
) -> None:
    """Send photos. Run it again to resume: photos that the server has are not sent twice."""
    target = find_pool(Client(server), pool)
    send_files(
        directory,
        "Uploading",
        lambda files, tell: target.upload(files, split, tell),
        f"{split} photos of {target.name}",
    )
