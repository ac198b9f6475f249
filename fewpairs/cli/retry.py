"""`fewpairs retry`"""

from typing import Annotated

import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def retry(
    job: Annotated[
        str, typer.Argument(help="Id of a training, evaluation or export that failed.", show_default=False)
    ],
    server: ServerOption = None,
) -> None:
    """Order a job that failed or was cancelled again, with what it was ordered with."""
    again = Client(server).job(job).retry()
    console.print(f"[green]✓[/] The {again.kind} job {again.id} is queued.")
