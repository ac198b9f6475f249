"""`fewpairs cancel`"""

from typing import Annotated

import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def cancel(
    job: Annotated[str, typer.Argument(help="Id of a job.", show_default=False)], server: ServerOption = None
) -> None:
    """Stop a job."""
    cancelled = Client(server).job(job).cancel()
    state = cancelled.state if cancelled.ended else f"{cancelled.state} and was asked to stop"
    console.print(f"[green]✓[/] The {cancelled.kind} job is {state}.")
