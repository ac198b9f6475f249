"""`fewpairs suggest`"""

from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted, escaped
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def suggest(
    photo: Annotated[str, typer.Argument(help="The name or the id of a photo.", show_default=False)],
    strokes: Annotated[
        Path | None,
        typer.Option(help="A label map of the photo's size in which only strokes are labelled."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The id of a model, or `newest`: its label map.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("suggestion.png"),
    doubt: Annotated[
        Path | None,
        typer.Option(help="Also write how doubtful each pixel is: grey, 255 for a guess."),
    ] = None,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Propose a label map for a photo: from finished photos, from strokes, or by a model."""
    found = find_pool(Client(server), pool).suggest(photo, strokes, model)
    found.label_map.save(out)
    if doubt:
        found.doubt.save(doubt)
    learned = counted(found.document["finished"], "finished photo")
    by = {
        "model": f"the model {found.document['model_id']}",
        "photos": learned,
        "strokes": f"the strokes and {learned}",
    }[found.document["source"]]
    console.print(f"[green]✓[/] {escaped(str(out))}: a label map of {escaped(photo)} by {by}")
