"""Commands that send files: `upload`, `labels`, `annotate`."""

from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.common import (
    LOOP,
    PoolOption,
    ServerOption,
    app,
    file_progress,
    find_pool,
    report_upload,
)
from fewpairs.client import Client
from fewpairs.photos import image_files

Folder = Annotated[Path, typer.Argument(help="A folder (with all below it) or one file.", show_default=False)]


@app.command(rich_help_panel=LOOP)
def upload(
    directory: Folder,
    pool: PoolOption = None,
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    server: ServerOption = None,
) -> None:
    """Send photos. Run it again to resume: what the server has is not sent twice."""
    target = find_pool(Client(server), pool)
    files = image_files(directory)
    with file_progress() as bar:
        task = bar.add_task("Uploading", total=len(files))
        done = target.upload(files, split, lambda done, total: bar.update(task, completed=done, total=total))
    report_upload(done, f"{split} photos of {target.name}")


@app.command(rich_help_panel=LOOP)
def labels(
    directory: Folder,
    pool: PoolOption = None,
    source: Annotated[
        str, typer.Option(help="The data set they are from, for `train --label-source`.")
    ] = "upload",
    server: ServerOption = None,
) -> None:
    """Send unpaired label maps: drawn for no photo of the pool, from a simulator for example."""
    target = find_pool(Client(server), pool)
    files = image_files(directory)
    with file_progress() as bar:
        task = bar.add_task("Uploading", total=len(files))
        done = target.upload_labels(
            files, lambda done, total: bar.update(task, completed=done, total=total), source
        )
    report_upload(done, f"unpaired label maps of {target.name}, source {source}")


@app.command(rich_help_panel=LOOP)
def annotate(
    directory: Folder,
    pool: PoolOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace label maps that differ.")] = False,
    server: ServerOption = None,
) -> None:
    """Send label maps, each for the photo of the same stem: 0001.png belongs to 0001.jpg."""
    target = find_pool(Client(server), pool)
    files = image_files(directory)
    with file_progress() as bar:
        task = bar.add_task("Annotating", total=len(files))
        done = target.annotate(
            files, replace, lambda done, total: bar.update(task, completed=done, total=total)
        )
    report_upload(done, f"annotations of {target.name}")
