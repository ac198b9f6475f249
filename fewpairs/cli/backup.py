"""`fewpairs backup`"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.options import DataOption

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the backups, on another disk.")]
MadeAtOption = Annotated[
    str | None,
    typer.Option("--made-at", help="Which backup, by its time; default: the newest.", show_default=False),
]


@app.command(rich_help_panel=HERE)
def backup(
    folder: FolderArgument,
    data: DataOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Make none: read the newest one, and compare its digests.")
    ] = False,
) -> None:
    """Back up everything while the service runs; what the folder has already is not copied again."""
    back_up_or_restore("check" if check else "save", folder, data)


def back_up_or_restore(action: str, folder: Path, data: Path | None, *options: str) -> None:
    environment = os.environ | ({"FEWPAIRS_DATA_DIR": str(data)} if data else {})
    command = [sys.executable, "-m", "backups", action, str(folder), *options]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)
