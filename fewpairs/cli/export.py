"""`fewpairs export`"""

import tempfile
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.follow import wait_with_status
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console, counted
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from formats.catalog import FORMATS


@app.command("export", rich_help_panel=LOOP)
def export_annotations(
    pool: Annotated[str, typer.Argument(help="Name or id of the pool.", show_default=False)],
    out: Annotated[
        Path, typer.Argument(help="A new folder, or a file that ends in .zip.", show_default=False)
    ],
    format: Annotated[
        str, typer.Option(help="; ".join(f"{name}: {what}" for name, what in FORMATS.items()) + ".")
    ],
    picks: Annotated[bool, typer.Option("--picks", help="Also the picks of the newest selection.")] = False,
    revisions: Annotated[bool, typer.Option("--revisions", help="Also earlier revisions.")] = False,
    predictions: Annotated[
        str | None,
        typer.Option(help="Also what the model of this evaluation predicted.", metavar="EVALUATION"),
    ] = None,
    server: ServerOption = None,
) -> None:
    """Write the label maps of a pool in the format of another tool."""
    is_zip = out.suffix.lower() == ".zip"
    if out.exists() and (is_zip or not out.is_dir() or any(out.iterdir())):
        raise FewpairsError(f"{out} exists already: give a new folder, or a new file that ends in .zip.")
    job = (
        Client(server)
        .pool(pool)
        .export_annotations(format, picks=picks, revisions=revisions, predictions=predictions)
    )
    result = wait_with_status(console, job, "Exporting").result
    if is_zip:
        job.download(out)
    else:
        with tempfile.TemporaryDirectory(prefix="fewpairs-") as folder:
            packed = job.download(Path(folder) / "export.zip")
            zipfile.ZipFile(packed).extractall(out)
    count = sum(result["label_maps"].values())
    console.print(f"[green]✓[/] {counted(count, 'label map')} in {out}", soft_wrap=True)
