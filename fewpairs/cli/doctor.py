"""`fewpairs doctor`"""

import os
import subprocess
import sys
from typing import Annotated, Any

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.options import DataOption, ServerOption
from fewpairs.cli.output import complain, console, counted, escaped, print_json
from fewpairs.client import Client


@app.command(rich_help_panel=HERE)
def doctor(
    data: DataOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Heal what can be healed.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read the blobs' bytes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="Have a worker of the service look, instead of looking here.")
    ] = False,
    server: ServerOption = None,
) -> None:
    """Look for damage in the data folder, and say what takes space. Exits with 1 if there are faults."""
    if remote:
        report = Client(server).examine(repair, quick).wait().result
        print_json(report) if as_json else _tell(report)
        raise typer.Exit(0 if report["is_well"] else 1)
    environment = os.environ | ({"FEWPAIRS_DATA_DIR": str(data)} if data else {})
    chosen = {"--repair": repair, "--quick": quick, "--json": as_json}
    command = [sys.executable, "-m", "worker.doctor", *(name for name, is_on in chosen.items() if is_on)]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


def _tell(report: dict[str, Any]) -> None:
    for fault in report["faults"]:
        complain(f"{fault['kind']}: {fault['what']}")
        console.print(f"  {'Healed.' if fault['healed'] else escaped(fault['advice'])}", soft_wrap=True)
    console.print(f"{counted(report['fault_count'], 'fault')}; {report['blobs']} blobs are named by rows.")
