"""`fewpairs migrate`"""

import os
import subprocess
import sys

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.options import DataOption


@app.command(rich_help_panel=HERE)
def migrate(data: DataOption = None) -> None:
    """Bring the database to the newest schema; `fewpairs up` does it by itself."""
    environment = os.environ | ({"FEWPAIRS_DATA_DIR": str(data)} if data else {})
    done = subprocess.run([sys.executable, "-m", "migrations"], env=environment, check=False)
    raise typer.Exit(done.returncode)
