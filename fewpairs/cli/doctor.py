"""`fewpairs doctor`"""

import os
import subprocess
import sys
from typing import Annotated

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.options import DataOption


@app.command(rich_help_panel=HERE)
def doctor(
    data: DataOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Heal what can be healed.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read the blobs' bytes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Look for damage in the data folder, and say what takes space. Exits with 1 if there are faults."""
    environment = os.environ | ({"FEWPAIRS_DATA_DIR": str(data)} if data else {})
    chosen = {"--repair": repair, "--quick": quick, "--json": as_json}
    command = [sys.executable, "-m", "worker.doctor", *(name for name, is_on in chosen.items() if is_on)]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)
