"""`fewpairs evaluate`"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.follow import wait_with_status
from fewpairs.cli.options import (
    DEFAULT_DIRECTION,
    DirectionOption,
    JsonOption,
    ModelArgument,
    PoolOption,
    ServerOption,
    TestTimeOption,
    direction_named,
    find_model,
)
from fewpairs.cli.output import console, counted, file_progress, folded, print_json, right
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.evaluation import Evaluation
from models.catalog import DEFAULT_TEST_TIME

NAMES = {
    "pixel_accuracy": "Pixel accuracy",
    "mean_accuracy": "Mean accuracy",
    "mean_iou": "Mean IoU (absent classes count 0)",
    "mean_iou_present": "Mean IoU (present classes)",
    "doubtful_share": "Share of doubtful pixels",
    "expected_calibration_error": "Expected calibration error",
    "errors_in_least_sure": "Errors in the least sure fifth",
    "mean_absolute_error": "Mean absolute error (of 255)",
}
SCORES_OF_AN_IMAGE = {
    "mean_iou": "Mean IoU",
    "pixel_accuracy": "Pixel accuracy",
    "mean_absolute_error": "Mean absolute error",
    "within_5": "Within 5",
    "within_10": "Within 10",
    "within_16": "Within 16",
    "within_20": "Within 20",
}


@app.command(rich_help_panel=LOOP)
def evaluate(
    model: ModelArgument = "latest",
    split: Annotated[str, typer.Option(help="train or test.")] = "test",
    direction: DirectionOption = DEFAULT_DIRECTION,
    scorer: Annotated[
        str | None,
        typer.Option(help="Id of the model that segments the generated photos; needed for labels-to-photos."),
    ] = None,
    test_time: TestTimeOption = DEFAULT_TEST_TIME,
    worst: Annotated[int, typer.Option(min=0, help="Number of images with the lowest scores to show.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the predictions for the images of --worst to this folder.")
    ] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Score a model on the annotated photos of a split."""
    if out and not worst:
        raise FewpairsError("--out writes the images that --worst shows: give --worst too, 10 for example.")
    client = Client(server)
    job = find_model(client, model, pool).evaluate(split, direction_named(direction), scorer, test_time)
    evaluation = (
        job.wait() if as_json else wait_with_status(console, job, f"Evaluating on {split}")
    ).evaluation
    images = evaluation.worst(worst) if worst else []
    if as_json:
        print_json(evaluation.metrics | ({"worst": images} if worst else {}))
    else:
        console.print(_scores_tables(evaluation.metrics, f"{split} split, {direction}"))
        if images:
            console.print(_images_table(images, "Images with the lowest scores"))
    if out:
        _write(evaluation, images, out, quiet=as_json)


def _scores_tables(scores: dict[str, Any], title: str) -> Group:
    """The scores over all images; then, if there are classes, one row for each."""
    totals = Table("Metric", right("Value"), title=title, title_justify="left")
    for key, name in NAMES.items():
        if scores.get(key) is not None:
            totals.add_row(name, f"{scores[key]:.3f}")
    constant = scores.get("constant") or {}
    for tolerance, share in scores.get("within", {}).items():
        totals.add_row(f"Pixels within {tolerance} of 255", f"{share:.3f}")
        if tolerance in constant:
            totals.add_row("[dim]  the best constant colour[/]", f"[dim]{constant[tolerance]:.3f}[/]")
    return Group(totals, _class_table(scores["per_class"])) if "per_class" in scores else Group(totals)


def _class_table(per_class: list[dict[str, Any]]) -> Table:
    table = Table("Class", *map(right, ("Accuracy", "IoU", "True pixels")))
    for entry in per_class:
        numbers = [_number(entry[key]) for key in ("accuracy", "iou")]
        table.add_row(Text(entry["name"]), *numbers, f"{entry['pixels']:,}")
    return table


def _number(score: float | None) -> str:
    return "–" if score is None else f"{score:.3f}"


def _images_table(images: list[dict[str, Any]], title: str) -> Table:
    names = [name for name in SCORES_OF_AN_IMAGE if name in images[0]["scores"]]
    columns = folded("Image"), *(right(SCORES_OF_AN_IMAGE[name]) for name in names)
    table = Table(*columns, title=title, title_justify="left")
    for image in images:
        table.add_row(Text(image["name"]), *(_number(image["scores"][name]) for name in names))
    return table


def _write(evaluation: Evaluation, images: list[dict[str, Any]], out: Path, quiet: bool) -> None:
    """Write `01-NAME.png` and so on, the worst first; names of photos may differ only in their suffix."""
    with file_progress() as bar:
        for rank, image in enumerate(bar.track(images, description="Downloading"), start=1):
            stem = f"{rank:0{len(str(len(images)))}}-{Path(image['name']).stem}"
            evaluation.save_prediction(image["image_id"], out / f"{stem}.png")
    if not quiet:
        console.print(f"[green]✓[/] {counted(len(images), 'prediction')} in {out}", soft_wrap=True)
