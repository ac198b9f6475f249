"""`fewpairs draft`"""

from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, duration, escaped
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.pool import Pool


@app.command(rich_help_panel=CONTROL)
def draft(
    photo: Annotated[str, typer.Argument(help="The name or the id of a photo.", show_default=False)],
    send: Annotated[
        Path | None, typer.Option(help="Keep this label map as your draft.", show_default=False)
    ] = None,
    revision: Annotated[
        int | None,
        typer.Option(help="With --send: the revision that it goes on from.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write your draft, a PNG.", show_default=False)] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Drop your draft.")] = False,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Keep an unfinished label map, get it back, or drop it. Without an option: say what there is.

    Only you see your drafts, and nothing learns from them.
    """
    if sum(map(bool, (send, out, drop))) > 1:
        raise FewpairsError("Give one of --send, --out and --drop.")
    if revision is not None and not send:
        raise FewpairsError("--revision says what a draft goes on from: give --send too.")
    target = find_pool(Client(server), pool)
    if send:
        target.keep_draft(photo, send, revision)
        console.print(f"[green]✓[/] {escaped(str(send))} is your draft of {escaped(photo)}")
    elif drop:
        target.drop_draft(photo)
        console.print(f"[green]✓[/] No draft of {escaped(photo)}")
    else:
        _tell(target, photo, out)


def _tell(pool: Pool, photo: str, out: Path | None) -> None:
    """Describe the draft, and write it if that is wanted. Raises FewpairsError if there is none to write."""
    if (found := pool.draft(photo)) is None:
        if out:
            raise FewpairsError(f"You have no draft of {photo}.")
        return console.print(f"You have no draft of {escaped(photo)}.")
    since = f"goes on from revision {found.revision}" if found.revision else "goes on from no revision"
    worked = f", {duration(found.active_seconds)} of work" if found.active_seconds else ""
    where = f"[green]✓[/] {escaped(str(found.save(out)))}: your" if out else "Your"
    console.print(
        f"{where} draft of {escaped(photo)}, of {found.updated_at:%m-%d %H:%M} UTC; {since}{worked}"
    )
