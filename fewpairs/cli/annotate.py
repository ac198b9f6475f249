"""`fewpairs annotate`"""

import csv
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.labelled import contents
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted
from fewpairs.cli.sending import FolderArgument, UnderOption, report_others, send_files
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.sources import File, find

COLUMNS = ("label_map", "photo")


@app.command(rich_help_panel=LOOP)
def annotate(
    directory: FolderArgument,
    pool: PoolOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace label maps that the photos have already.")
    ] = False,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="A CSV file with the columns label_map, a path below the folder, and photo, its name in the "
            "pool: for label maps whose names do not say their photos.",
            show_default=False,
        ),
    ] = None,
    under: UnderOption = "",
    server: ServerOption = None,
) -> None:
    """Send label maps, each for the photo that its name says: day1/0001_mask.png for day1/0001.jpg."""
    target = find_pool(Client(server), pool)
    with find(directory, under=under) as found:
        label_maps = found.label_maps()
        known = _read_pairs(pairs, under, label_maps) if pairs else None
        taken = send_files(
            label_maps,
            "Annotating",
            lambda files, tell: target.annotate(files, replace, tell, pairs=known),
            f"annotations of {target.name}",
            lambda: contents(target.refresh()),
        )
        if found.label_map_folders and (photos := len(found.photos())):
            console.print(f"[dim]No label maps, by the names of their folders: {counted(photos, 'file')}[/]")
        if not all([taken, report_others(found)]):
            raise typer.Exit(1)


def _read_pairs(path: Path, under: str, label_maps: Sequence[File]) -> dict[str, str]:
    """Names of photos by names of label maps. Raises FewpairsError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FewpairsError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    if not rows or any(not row.get(column) for row in rows for column in COLUMNS):
        columns = " and ".join(COLUMNS)
        raise FewpairsError(f"{path} needs the columns {columns} in every row, named in the first.")
    prefix = f"{under.strip('/')}/" if under else ""
    named = {_normal(prefix + row["label_map"]): _normal(row["photo"]) for row in rows}
    if missing := sorted(named.keys() - {file.name for file in label_maps}):
        raise FewpairsError(f"{path} names {missing[0]}, which is not among the label maps.")
    return named


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
