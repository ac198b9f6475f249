"""`fewpairs model list|show|download|import`"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, ModelArgument, PoolOption, ServerOption, find_model, find_pool
from fewpairs.cli.output import console, print_json, whole
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.model import Model
from models.catalog import PHOTOS_TO_LABELS

model_app = typer.Typer(no_args_is_help=True, help="List, show, download and import models.")
app.add_typer(model_app, name="model", rich_help_panel=CONTROL)


@model_app.command("list")
def list_models(
    sort: Annotated[
        str, typer.Option(help="added, name or method; with a minus, the largest first.")
    ] = "-added",
    contains: Annotated[
        str | None, typer.Option(help="A part of the name, method or recipe.", show_default=False)
    ] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List a pool's models, newest first."""
    models = find_pool(Client(server), pool).models(contains, sort)
    if as_json:
        return print_json([model.document for model in models])
    table = Table(whole("Model"), "Method", "Recipe or name", "Pairs", "Mean IoU on test", "Made")
    for model in models:
        made = model.document["created_at"][:19].replace("T", " ")
        receipt = model.document["receipt"]
        called = Text(model.document["name"] or model.spec.get("recipe", ""))
        count = str(len(receipt["pairs"])) if receipt else "–"
        table.add_row(model.id, model.method, called, count, _test_iou(model), made)
    console.print(table if models else "This pool has no such model.")


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
    """Show a model as JSON: its spec, receipt, files and evaluations."""
    print_json(find_model(Client(server), model, pool).document)


@model_app.command("download")
def download(
    model: ModelArgument = "latest",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("model"),
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Download a model's files: weights (safetensors, ONNX), spec and sample sheet."""
    found = find_model(Client(server), model, pool)
    with console.status("Downloading"):
        paths = found.download(out)
    for path in paths:
        console.print(f"[green]✓[/] {path}  [dim]{path.stat().st_size / 1e6:.1f} MB[/]", soft_wrap=True)


@model_app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(help="A self-contained ONNX file.", show_default=False)],
    name: Annotated[
        str | None, typer.Option(help="Name of the model; default: the file's name.", show_default=False)
    ] = None,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Import a model that was trained elsewhere, to translate, to evaluate, or as a scorer.

    Its input is `photo`, float32 (B, 3, S, S), RGB in -1..1. Its output is the logits of the pool's classes,
    (B, K, H, W); or an RGB image in -1..1, (B, 3, H, W), if the output is named `translation`.
    """
    if not file.is_file():
        raise FewpairsError(f"There is no file {file}: give the path of an ONNX file.")
    with console.status("Uploading"):
        model = find_pool(Client(server), pool).import_model(file, name)
    console.print(f"[green]✓[/] Model {model.id}")
