"""Commands about models: `model list|show|download|import`, `translate`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.common import (
    CONTROL,
    LOOP,
    JsonOption,
    PoolOption,
    ServerOption,
    app,
    complain,
    console,
    file_progress,
    find_pool,
    print_json,
    whole,
)
from fewpairs.cli.overlay import blend
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.model import Model
from fewpairs.photos import image_files
from fewpairs.uploads import REFUSALS
from models.catalog import DIRECTIONS, LABELS_TO_PHOTOS, PHOTOS_TO_LABELS

model_app = typer.Typer(no_args_is_help=True, help="Look at models, fetch their files, bring your own.")
app.add_typer(model_app, name="model", rich_help_panel=CONTROL)

WAYS = [direction.replace("_", "-") for direction in DIRECTIONS]
"""Directions as they are typed."""
DirectionOption = Annotated[str, typer.Option(help=f"{' or '.join(WAYS)}.")]
ModelArgument = Annotated[
    str, typer.Argument(help="Id of a model, or latest: the newest trained in the pool.")
]


def find_model(client: Client, model: str, pool: str | None) -> Model:
    if model != "latest":
        return client.model(model)
    target = find_pool(client, pool)
    for newest in target.models():
        if newest.document["job_id"]:
            return newest
    raise FewpairsError(f"The pool {target.name} has no model yet: make one with `fewpairs train`.")


@model_app.command("list")
def list_models(pool: PoolOption = None, as_json: JsonOption = False, server: ServerOption = None) -> None:
    """A pool's models, newest first."""
    models = find_pool(Client(server), pool).models()
    if as_json:
        return print_json([model.document for model in models])
    table = Table(whole("Model"), "Method", "Recipe or name", "Pairs", "Mean IoU on test", "Made")
    for model in models:
        made = model.document["created_at"][:19].replace("T", " ")
        receipt = model.document["receipt"]
        called = Text(model.document["name"] or model.spec.get("recipe", ""))
        count = str(len(receipt["pairs"])) if receipt else "–"
        table.add_row(model.id, model.method, called, count, _test_iou(model), made)
    console.print(table if models else "This pool has no model yet.")


def _test_iou(model: Model) -> str:
    on_test = [e for e in model.evaluations if (e["split"], e["direction"]) == ("test", PHOTOS_TO_LABELS)]
    ious = [evaluation["metrics"].get("mean_iou") for evaluation in on_test]
    return f"{ious[-1]:.3f}" if ious and ious[-1] is not None else "–"


@model_app.command("show")
def show(
    model: ModelArgument = "latest",
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """A model as JSON: its spec, receipt, files and evaluations."""
    print_json(find_model(Client(server), model, pool).document)


@model_app.command("download")
def download(
    model: ModelArgument = "latest",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("model"),
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Fetch a model's files: weights (safetensors, ONNX), spec and sample sheet."""
    found = find_model(Client(server), model, pool)
    with console.status("Downloading"):
        paths = found.download(out)
    for path in paths:
        console.print(f"[green]✓[/] {path}  [dim]{path.stat().st_size / 1e6:.1f} MB[/]", soft_wrap=True)


@model_app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(help="A self-contained ONNX file.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Default: the file's name.", show_default=False)] = None,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Bring a model trained elsewhere, to translate, to evaluate, or as a scorer.

    Its input is `photo`, float32 (B, 3, S, S), RGB in -1..1; its output the logits of the pool's classes
    (B, K, H, W), or, named `translation`, an RGB image in -1..1 (B, 3, H, W).
    """
    if not file.is_file():
        raise FewpairsError(f"{file} is no file: give the path of an ONNX file.")
    with console.status("Uploading"):
        model = find_pool(Client(server), pool).import_model(file, name)
    console.print(f"[green]✓[/] Model {model.id}")


def direction_named(text: str) -> str:
    """The direction as the service writes it. Raises FewpairsError."""
    direction = text.replace("-", "_")
    if direction not in DIRECTIONS:
        raise FewpairsError(f"--direction is {' or '.join(WAYS)}, not {text}.")
    return direction


@app.command(rich_help_panel=LOOP)
def translate(
    model: ModelArgument,
    photos: Annotated[
        list[Path],
        typer.Argument(help="Photos (or label maps, see --direction), or folders.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("translated"),
    rgb: Annotated[bool, typer.Option("--rgb", help="The raw translation instead of class indices.")] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also the photo under its classes' colours.")
    ] = False,
    direction: DirectionOption = "photos-to-labels",
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Make the label map of each photo, or a photo of each label map."""
    client, way = Client(server), direction_named(direction)
    found = find_model(client, model, pool)
    table = client.pool(found.pool_id).document["class_table"]
    if overlay and (rgb or table == "rgb" or way == LABELS_TO_PHOTOS):
        raise FewpairsError("--overlay paints the classes of a photo: it goes with label maps alone.")
    files = image_files(*photos)
    stems = [file.stem for file in files]
    if twice := {stem for stem in stems if stems.count(stem) > 1}:
        raise FewpairsError(f"Several photos would become {sorted(twice)[0]}.png: translate them in turns.")
    refused = 0
    with file_progress() as bar:
        for file in bar.track(files, description="Translating"):
            try:
                drawn = found.translate(file, "rgb" if rgb else None, way)
                target = drawn.save(out / f"{file.stem}.png")
                if overlay:
                    blend(file, target, table).save(out / f"{file.stem}-overlay.png")
            except FewpairsError as error:
                if error.status not in REFUSALS:
                    raise
                refused += 1
                complain(f"{file}: {error.detail}")
    what = "photos" if way == PHOTOS_TO_LABELS else "label maps"
    console.print(f"[green]✓[/] {len(files) - refused} of {len(files)} {what} translated into {out}")
    if refused:
        raise typer.Exit(1)
