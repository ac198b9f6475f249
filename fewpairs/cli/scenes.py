"""`fewpairs scenes`"""

from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import HERE, app
from fewpairs.cli.output import console, file_progress
from fewpairs.errors import FewpairsError


@app.command(rich_help_panel=HERE)
def scenes(
    directory: Annotated[Path, typer.Argument(help="Folder to write to.", show_default=False)],
    count: Annotated[int, typer.Option(min=1, help="Number of scenes.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed draws the same scenes.")] = 0,
    distribution: Annotated[
        str,
        typer.Option(help="own; or, for label maps of another source, near (like own) or far (unlike own)."),
    ] = "own",
) -> None:
    """Draw street scenes with their label maps: train/, val/ and classes.json."""
    try:
        from scenes import write
    except ImportError as error:
        raise FewpairsError("Scenes need the models: run `pip install 'fewpairs[models]'`.") from error
    with file_progress() as bar:
        task = bar.add_task("Drawing", total=count)
        try:
            write(
                directory,
                count,
                seed,
                distribution=distribution,
                on_progress=lambda done, total: bar.update(task, completed=done),
            )
        except ValueError as error:
            raise FewpairsError(str(error)) from error
    console.print(f"[green]✓[/] {count} scenes in {directory}")
