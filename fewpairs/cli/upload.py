"""`fewpairs upload`"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.labelled import contents
from fewpairs.cli.layout import Plan, agreed
from fewpairs.cli.options import PoolOption, ServerOption, find_pool
from fewpairs.cli.sending import FolderArgument, UnderOption, report_others, send_files
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.pool import Pool
from fewpairs.sources import File, find
from fewpairs.stretch import Stretch
from fewpairs.uploads import Progress, Upload


@app.command(rich_help_panel=LOOP)
def upload(
    directory: FolderArgument,
    pool: PoolOption = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="train or test; left out: what the folders say (train, val, test), else train.",
            show_default=False,
        ),
    ] = None,
    under: UnderOption = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do what the folders' names say without asking.")
    ] = False,
    stretch: Annotated[
        str | None,
        typer.Option(
            "--stretch",
            metavar="LOW,HIGH",
            help="Make 8 bits of 16-bit photos: of each photo's values, the percentile LOW becomes black and "
            "HIGH white; for example 1,99.",
            show_default=False,
        ),
    ] = None,
    allow_label_maps: Annotated[
        bool, typer.Option("--allow-label-maps", help="Send as photos also what looks like label maps.")
    ] = False,
    server: ServerOption = None,
) -> None:
    """Send photos, named by their paths in the folder. Run it again to resume: nothing is sent twice."""
    options = {
        "allow_label_maps": allow_label_maps,
        "stretch": _percentiles(stretch) if stretch else None,
    }
    target = find_pool(Client(server), pool)
    with find(directory, under=under) as found:
        plan = Plan({split or "train": found.files}, [])
        if not allow_label_maps:
            plan = agreed(found, directory, split, yes)
        send = partial(_upload, target, options)
        taken = [
            send_files(files, "Uploading", partial(send, name), f"{name} photos of {target.name}")
            for name, files in plan.photos.items()
        ]
        if plan.label_maps:
            annotated = send_files(
                plan.label_maps,
                "Annotating",
                partial(_annotate, target),
                f"annotations of {target.name}",
                lambda: contents(target.refresh()),
            )
            taken.append(annotated)
        if not all([*taken, report_others(found)]):
            raise typer.Exit(1)


def _percentiles(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise FewpairsError(f"--stretch takes two percentiles, 1,99 for example, not {text}.") from None
    Stretch(low, high)  # tells whether they are percentiles
    return low, high


def _upload(
    pool: Pool, options: dict[str, Any], split: str, files: Sequence[File], on_progress: Progress
) -> Upload:
    return pool.upload(files, split, on_progress, **options)


def _annotate(pool: Pool, files: Sequence[File], on_progress: Progress) -> Upload:
    return pool.annotate(files, on_progress=on_progress)
