"""`fewpairs select`"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, distance, find_pool
from fewpairs.cli.output import console, counted, folded, print_json, right
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.pool import Pool
from fewpairs.selection import Selection
from models.catalog import ADVISED, STRATEGIES


@app.command(rich_help_panel=LOOP)
def select(
    budget: Annotated[int, typer.Option("--budget", "-b", help="Number of photos that you can label.")],
    or_fewer: Annotated[
        bool, typer.Option("--or-fewer", help="Pick fewer if there are not as many photos to pick.")
    ] = False,
    pool: PoolOption = None,
    strategy: Annotated[
        str | None, typer.Option(help=f"{', '.join(STRATEGIES)} or {ADVISED}; default: the pool's own.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same picks.")] = 0,
    split: Annotated[str, typer.Option(help="Split to pick from: train or test.")] = "train",
    name: Annotated[
        str | None, typer.Option(help="Pick only photos with names like this; a glob, '2024-*' for example.")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Pick this photo first, by name or id; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Do not pick this photo, by name or id; may be repeated.")
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Option(help="Pick only from the photos whose names or ids are the lines of this file."),
    ] = None,
    duplicates_within: Annotated[
        str | None,
        typer.Option(help="Photos nearer than this distance count as one; auto: computed from the pool."),
    ] = None,
    test_distance: Annotated[
        str, typer.Option(help="Leave out photos nearer than this to a test photo: a distance, auto or off.")
    ] = "auto",
    balance: Annotated[
        bool,
        typer.Option(
            "--balance", help="Give more weight to photos that look like labelled photos with rare classes."
        ),
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="Id of a model: give more weight to photos that it is uncertain about.")
    ] = None,
    copy_to: Annotated[Path | None, typer.Option(help="Copy the picked photos into this folder.")] = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Say which photos to label next. Waits until all photos are embedded."""
    target = find_pool(Client(server), pool)
    options = {
        **{"split": split, "name": name, "balance": balance or None, "model": model},
        "or_fewer": or_fewer,
        "duplicates_within": duplicates_within and distance("--duplicates-within", duplicates_within, "auto"),
        "test_distance": distance("--test-distance", test_distance, "auto", "off"),
        "include": [target.image_id(photo) for photo in include or []],
        "exclude": [target.image_id(photo) for photo in exclude or []],
        "candidates": _listed(target, candidates) if candidates else None,
    }
    selection = _wait_and_select(target, budget, strategy, seed, quiet=as_json, **options)
    copied = selection.copy_to(copy_to) if copy_to else []
    if as_json:
        return print_json(selection.document)
    console.print(
        picks_table(
            selection, f"{counted(len(selection), 'photo')} of {target.name}, by {selection.strategy}"
        )
    )
    _tell_coverage(selection)
    uses = "for `fewpairs explain` and `fewpairs assign --selection`"
    console.print(f"Selection [bold]{selection.id}[/], {uses}", soft_wrap=True)
    if copied:
        console.print(f"[green]✓[/] {counted(len(copied), 'photo')} copied to {copy_to}")


def _listed(pool: Pool, file: Path) -> list[str]:
    """The ids of the photos that a file lists, by name or id. Raises FewpairsError."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FewpairsError(f"{file} cannot be read as a list of photos, one a line.") from error
    ids = {image["name"]: image["id"] for image in pool.images()}
    known = set(ids.values())
    wanted = [ids.get(line, line) for line in lines if line]
    if strange := [photo for photo in wanted if photo not in known]:
        raise FewpairsError(f"{file} names {counted(len(strange), 'photo')} not in the pool: {strange[0]}.")
    return wanted


def _wait_and_select(
    pool: Pool, budget: int, strategy: str | None, seed: int, quiet: bool = False, **options: Any
) -> Selection:
    """The selection; while it waits, a terminal shows how far embedding is."""
    if quiet or not console.is_terminal:
        return pool.select(budget, strategy, seed, **options)

    def tell(pool: Pool) -> None:
        status.update(embedding_so_far(pool, options["split"], options["test_distance"]))

    with console.status("Selecting") as status:
        return pool.select(budget, strategy, seed, on_wait=tell, **options)


def embedding_so_far(pool: Pool, split: str, test_distance: float | str) -> str:
    """How many photos are embedded, of those that the selection depends on.

    A selection of train photos depends on the test photos too, unless it keeps no distance to them.
    """
    both = split == "train" and test_distance != "off"
    counts = pool.counts if both else pool.counts[split]
    return f"Embedding photos: {counts['embedded']} of {counts['images']}"


def _tell_coverage(selection: Selection) -> None:
    coverage, left_out = selection.coverage, selection.left_out
    console.print(
        "Distance of the photos to the nearest picked or labelled one: "
        f"[bold]{coverage['mean']:.3f}[/] on average, {coverage['maximum']:.3f} at most"
    )
    if count := left_out.get("near_test_count"):
        near = left_out["near_test"][0]
        console.print(
            f"[yellow]![/] {count} left out because a test photo is within {left_out['test_distance']:.3f}: "
            f"{near['name']} is like {near['test_name']} (--test-distance off keeps them)",
            soft_wrap=True,
        )
    if count := left_out.get("near_test_kept_count"):
        near = left_out["near_test_kept"][0]
        console.print(
            f"[yellow]![/] {counted(count, 'photo')} annotated or included although a test photo is as near: "
            f"{near['name']} is like {near['test_name']}. Scores on such test photos say little.",
            soft_wrap=True,
        )
    if count := left_out.get("duplicate_count"):
        within = left_out["duplicates_within"]
        near = "" if within is None else f", or within {within:.3f} of one"
        console.print(f"Left out: {counted(count, 'photo')} with the bytes of another one{near}")


def picks_table(selection: Selection, title: str) -> Table:
    numbers = map(right, ("Stands for", "Mean distance", "Coverage so far", "Gain"))
    columns = right("#"), folded("Photo"), *numbers
    table = Table(*columns, title=title, title_justify="left", caption_justify="left")
    if selection.receipt.get("balance") or selection.receipt.get("model"):
        table.caption = "Coverage so far and gain: weighted by how much each photo counts (balance, model)"
    for pick in selection:
        size = "–" if pick.cluster_size is None else counted(pick.cluster_size, "photo")
        figures = (pick.mean_distance, pick.coverage, pick.gain)
        table.add_row(
            str(pick.rank), Text(pick.name), size, *("–" if f is None else f"{f:.3f}" for f in figures)
        )
    return table
