"""`fewpairs gc`"""

import os
import subprocess
import sys
from typing import Annotated

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.options import DataOption


@app.command(rich_help_panel=HERE)
def gc(
    data: DataOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it.")] = False,
) -> None:
    """Show what nobody needs in the data folder: second copies, old caches, blobs that nothing names."""
    environment = os.environ | ({"FEWPAIRS_DATA_DIR": str(data)} if data else {})
    command = [sys.executable, "-m", "worker.garbage", *(["--remove"] if remove else [])]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)
