"""`fewpairs evaluate`"""

from pathlib import Path
from typing import Annotated, Any

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
    counted,
    file_progress,
    print_json,
)
from fewpairs.cli.follow import wait_with_status
from fewpairs.cli.models import DirectionOption, ModelArgument, direction_named, find_model
from fewpairs.cli.scores import SCORES_OF_AN_IMAGE, scores_tables
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.evaluation import Evaluation


@app.command(rich_help_panel=LOOP)
def evaluate(
    model: ModelArgument = "latest",
    split: Annotated[str, typer.Option(help="train or test.")] = "test",
    direction: DirectionOption = "photos-to-labels",
    scorer: Annotated[
        str | None,
        typer.Option(help="Id of the model that segments the photos made; labels-to-photos needs one."),
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="Show so many images with the lowest scores.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write what was predicted for those images to this folder.")
    ] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Score a model on the annotated photos of a split."""
    if out and not worst:
        raise FewpairsError("--out writes the images that --worst shows: give --worst too, 10 for example.")
    client = Client(server)
    job = find_model(client, model, pool).evaluate(split, direction_named(direction), scorer)
    evaluation = (
        job.wait() if as_json else wait_with_status(console, job, f"Evaluating on {split}")
    ).evaluation
    images = evaluation.worst(worst) if worst else []
    if as_json:
        print_json(evaluation.metrics | ({"worst": images} if worst else {}))
    else:
        console.print(scores_tables(evaluation.metrics, f"{split} split, {direction}"))
        if images:
            console.print(_images_table(images, "Images with the lowest scores"))
    if out:
        _write(evaluation, images, out, quiet=as_json)


def _images_table(images: list[dict[str, Any]], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("Image", overflow="fold")
    names = [name for name in SCORES_OF_AN_IMAGE if name in images[0]["scores"]]
    for name in names:
        table.add_column(SCORES_OF_AN_IMAGE[name], justify="right")
    for image in images:
        table.add_row(Text(image["name"]), *(f"{image['scores'][name]:.3f}" for name in names))
    return table


def _write(evaluation: Evaluation, images: list[dict[str, Any]], out: Path, quiet: bool) -> None:
    """`01-NAME.png` and so on, the worst first. Their own names may differ in nothing but the ending."""
    with file_progress() as bar:
        for rank, image in enumerate(bar.track(images, description="Downloading"), start=1):
            stem = f"{rank:0{len(str(len(images)))}}-{Path(image['name']).stem}"
            evaluation.save_prediction(image["image_id"], out / f"{stem}.png")
    if not quiet:
        console.print(f"[green]✓[/] {counted(len(images), 'prediction')} in {out}", soft_wrap=True)
