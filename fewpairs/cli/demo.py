"""`fewpairs demo`"""

from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.output import console


@app.command(rich_help_panel=HERE)
def demo(
    data: Annotated[
        Path | None,
        typer.Argument(help="Your images/ and labels/ (or train/ and val/ of them); default: drawn streets."),
    ] = None,
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo keeps its files.")] = Path("demo"),
) -> None:
    """See the whole loop in a few minutes: select, annotate, train, evaluate; compared with chance."""
    from fewpairs.demo.loop import run_demo

    run_demo(data, folder, console)
