"""`fewpairs similar`"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, folded, print_json, right
from fewpairs.client import Client
from fewpairs.similar import Similar


@app.command(rich_help_panel=CONTROL)
def similar(
    photo: Annotated[str, typer.Argument(help="A file, or the name of a photo of the pool.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Largest number of photos to show.")] = 12,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List the photos of a pool that look most like a photo."""
    found = find_pool(Client(server), pool).similar(photo, limit)
    if as_json:
        return print_json(found.document)
    if len(found) == 0:
        return console.print("There is no other photo in the pool.")
    console.print(_neighbours(found, f"Most like {Path(photo).name}"))
    if found.typical_distance:
        console.print(
            f"The typical distance of two photos of the pool is [bold]{found.typical_distance:.3f}[/]."
        )


def _neighbours(found: Similar, title: str) -> Table:
    columns = right("#"), folded("Photo"), "Split", right("Distance")
    table = Table(*columns, title=title, title_justify="left")
    for rank, image in enumerate(found, start=1):
        table.add_row(str(rank), Text(image.name), image.split, f"{image.distance:.3f}")
    return table
