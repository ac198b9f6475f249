"""`fewpairs duplicates`"""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, distance, find_pool
from fewpairs.cli.output import console, counted, folded, print_json, right
from fewpairs.client import Client
from fewpairs.similar import Duplicates, NearImage

SHOWN_GROUPS, SHOWN_IMAGES = 20, 4


@app.command(rich_help_panel=CONTROL)
def duplicates(
    within: Annotated[
        str,
        typer.Option(help="Distance up to which photos count as duplicates; auto: computed from the pool."),
    ] = "auto",
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List photos of a pool that are nearly the same, in both splits."""
    found = find_pool(Client(server), pool).duplicates(distance("--within", within, "auto"))
    if as_json:
        return print_json(found.document)
    photos = counted(found.document["images"], "photo")
    if not found.groups:
        return console.print(f"None of {photos} is within {found.within:.3f} of another.")
    console.print(_groups(found))
    if found.group_count > SHOWN_GROUPS:
        console.print(
            f"… and {counted(found.group_count - SHOWN_GROUPS, 'group')} more: --json shows more of them."
        )
    console.print(
        f"Duplicates within {found.within:.3f}: [bold]{found.duplicates}[/] of {photos}"
        f" (the typical distance of two photos is {found.document['typical_distance']:.3f})."
    )
    if found.across:
        console.print(
            f"[yellow]![/] {counted(found.across, 'group')} with both train and test photos: scores on such "
            "test photos say little."
        )


def _groups(found: Duplicates) -> Table:
    columns = right("Photos"), folded("First"), folded("Like it (distance)")
    table = Table(*columns, title="Duplicates", title_justify="left")
    for size, (first, *others) in zip(found.sizes[:SHOWN_GROUPS], found.groups, strict=False):
        like = [f"{_named(image)} ({image.distance:.3f})" for image in others[:SHOWN_IMAGES]]
        if size > 1 + SHOWN_IMAGES:
            like.append(f"… {size - 1 - SHOWN_IMAGES} more")
        table.add_row(str(size), Text(_named(first)), Text(", ".join(like)))
    return table


def _named(image: NearImage) -> str:
    return image.name if image.split == "train" else f"{image.name} [{image.split}]"
