"""`fewpairs finish`"""

from typing import Annotated

import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def finish(
    job: Annotated[str, typer.Argument(help="Id of a training.", show_default=False)],
    server: ServerOption = None,
) -> None:
    """End a training now and keep its model."""
    training = Client(server).job(job).finish().wait()
    done, total = (training.document["progress"][name] for name in ("done", "total"))
    console.print(f"[green]✓[/] Model {training.model.id}, after {done} of {total} steps")
