"""`fewpairs select`"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.common import (
    LOOP,
    JsonOption,
    PoolOption,
    ServerOption,
    app,
    console,
    find_pool,
    print_json,
)
from fewpairs.client import Client
from fewpairs.pool import Pool, Selection


@app.command("select", rich_help_panel=LOOP)
def select(
    budget: Annotated[int, typer.Option("--budget", "-b", help="How many photos you can label.")],
    pool: PoolOption = None,
    strategy: Annotated[str, typer.Option(help="kmedoids or random.")] = "kmedoids",
    seed: int = 0,
    copy_to: Annotated[Path | None, typer.Option(help="Copy the picked photos into this folder.")] = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Say which photos to label next. Waits until every photo is embedded."""
    target = find_pool(Client(server), pool)
    selection = wait_and_select(target, budget, strategy, seed, quiet=as_json)
    copied = selection.copy_to(copy_to) if copy_to else []
    if as_json:
        return print_json(selection.document)
    console.print(_table(selection, f"{strategy}: {budget} of {target.name}"))
    coverage = selection.coverage
    console.print(
        "Distance of the pool's photos to the nearest pick: "
        f"[bold]{coverage['mean']:.3f}[/] on average, {coverage['maximum']:.3f} at most"
    )
    if copied:
        console.print(f"[green]✓[/] {len(copied)} photos copied to {copy_to}")


def wait_and_select(pool: Pool, budget: int, strategy: str, seed: int, quiet: bool = False) -> Selection:
    """The selection, with a line that tells how far embedding is while it is waited for."""
    if quiet or not console.is_terminal:
        return pool.select(budget, strategy, seed)

    def tell(pool: Pool) -> None:
        counts = pool.counts["train"]
        status.update(f"Embedding photos: {counts['embedded']} of {counts['images']}")

    with console.status("Selecting") as status:
        return pool.select(budget, strategy, seed, on_wait=tell)


def _table(selection: Selection, title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("Photo", overflow="fold")
    for name in ("Stands for", "Mean distance", "Coverage so far"):
        table.add_column(name, justify="right")
    for pick in selection:
        size = "–" if pick.cluster_size is None else f"{pick.cluster_size} photos"
        distances = ["–" if d is None else f"{d:.3f}" for d in (pick.mean_distance, pick.coverage)]
        table.add_row(str(pick.rank), Text(pick.name), size, *distances)
    return table
