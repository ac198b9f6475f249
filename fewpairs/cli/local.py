"""Commands that run on this machine: `up`, `demo`, `scenes`, `migrate`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.common import HERE, app, console, file_progress
from fewpairs.errors import FewpairsError

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder for everything that is kept; default: FEWPAIRS_DATA_DIR, else data.",
        show_default=False,
    ),
]


@app.command(rich_help_panel=HERE)
def up(
    data: DataOption = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen at; default: FEWPAIRS_HOST, else 127.0.0.1. There is no login: whoever "
            "reaches the address can use the service.",
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
) -> None:
    """Run the whole service here: database, broker, API, two workers. Ctrl-C stops it."""
    from fewpairs.embedded.up import up

    up(data, host, port, console)


@app.command(rich_help_panel=HERE)
def demo(
    data: Annotated[
        Path | None,
        typer.Argument(help="Your images/ and labels/ (or train/ and val/ of them); default: drawn streets."),
    ] = None,
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo keeps its files.")] = Path("demo"),
) -> None:
    """See the whole loop in a few minutes: select, annotate, train, evaluate, against a random selection."""
    from fewpairs.demo import demo

    demo(data, folder, console)


@app.command(rich_help_panel=HERE)
def scenes(
    directory: Path,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 100,
    seed: Annotated[int, typer.Option(help="Same seed, same scenes.")] = 0,
    distribution: Annotated[
        str, typer.Option(help="own; as another source of label maps near (like own) or far (unlike it).")
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


@app.command(rich_help_panel=HERE)
def migrate(data: DataOption = None) -> None:
    """Bring the database to the newest schema; `fewpairs up` does it by itself."""
    environment = os.environ | ({"FEWPAIRS_DATA_DIR": str(data)} if data else {})
    done = subprocess.run([sys.executable, "-m", "migrations"], env=environment, check=False)
    raise typer.Exit(done.returncode)
