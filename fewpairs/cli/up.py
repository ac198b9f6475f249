"""`fewpairs up`"""

from typing import Annotated

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.options import DataOption
from fewpairs.cli.output import console


@app.command(rich_help_panel=HERE)
def up(
    data: DataOption = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen at; default: FEWPAIRS_HOST, else 127.0.0.1. One that others "
            "can reach needs an administrator: `fewpairs user create NAME --admin`.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Port to listen at, 0: any free one; default: FEWPAIRS_PORT, else 8000.",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the pages, on a desktop.")
    ] = True,
) -> None:
    """Run the whole service on this machine: database, broker, API, three workers. Ctrl-C stops it."""
    from fewpairs.embedded.serve import serve

    serve(data, host, port, console, in_browser=browser)
