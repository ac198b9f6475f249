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
        typer.Argument(
            help="Folder with images/ and labels/, or with both in train/ and val/; default: drawn streets."
        ),
    ] = None,
    folder: Annotated[Path, typer.Option("--folder", help="Folder for the demo's files.")] = Path("demo"),
) -> None:
    """Run the whole loop in a few minutes: select, annotate, train, evaluate. Compares random picks."""
    from fewpairs.demo.loop import run_demo

    run_demo(data, folder, console)
