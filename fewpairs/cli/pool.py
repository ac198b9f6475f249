"""`fewpairs pool create|tables|scenes|classes|rename|list|show|share|unshare|members|map|export|import`"""

import csv
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.labelled import class_table
from fewpairs.cli.options import JsonOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted, escaped, print_json, whole
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.pool import Pool
from models.catalog import DEFAULT_STRATEGY

pool_app = typer.Typer(no_args_is_help=True, help="Create, change, list, show and move pools.")
app.add_typer(pool_app, name="pool", rich_help_panel=LOOP)


OF_THE_WHOLE = ("method", "explained_variance")
"""What a map says of all photos together."""
PoolArgument = Annotated[str, typer.Argument(help="Name or id of the pool.", show_default=False)]
PrincipalArgument = Annotated[str, typer.Argument(help="Name of the principal.", show_default=False)]


@pool_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name of the new pool.", show_default=False)],
    classes: Annotated[
        str | None,
        typer.Option(
            help="JSON file with the class table, CVAT's labelmap.txt, CamVid's label_colors.txt, or the "
            "name of a known table: `fewpairs pool tables` lists them."
        ),
    ] = None,
    rgb: Annotated[
        bool, typer.Option("--rgb", help="The label maps are RGB images without classes.")
    ] = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder of the pool; default: the server's choice. timm:… and onnx:… need an administrator."
        ),
    ] = None,
    default_strategy: Annotated[
        str | None,
        typer.Option(help=f"Strategy of selections that name none; default: {DEFAULT_STRATEGY}."),
    ] = None,
    server: ServerOption = None,
) -> None:
    """Create a pool."""
    if (classes is None) == (not rgb):
        raise FewpairsError("Say what the label maps hold: either --classes or --rgb.")
    pool = Client(server).create_pool(name, classes or "rgb", encoder, default_strategy)
    console.print(f"[green]✓[/] Pool [bold]{pool.name}[/] ({pool.id}), encoder {pool.document['encoder']}")


@pool_app.command("tables")
def list_class_tables(as_json: JsonOption = False, server: ServerOption = None) -> None:
    """List the known class tables, which --classes takes by their names."""
    tables = Client(server).class_tables()
    if as_json:
        return print_json(tables)
    listed = Table(whole("Name"), "Classes", "Names of the classes")
    for name, table in tables.items():
        names = [entry["name"] for entry in table["classes"]]
        listed.add_row(name, str(len(names)), Text(", ".join(names)))
    console.print(listed)


@pool_app.command("scenes")
def draw_scenes(
    name: Annotated[str, typer.Argument(help="Name of the new pool.", show_default=False)],
    count: Annotated[int, typer.Option(min=2, help="Number of scenes; a quarter are test photos.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed draws the same scenes.")] = 0,
    all_labelled: Annotated[
        bool, typer.Option("--all-labelled", help="Train photos get their label maps too.")
    ] = False,
    server: ServerOption = None,
) -> None:
    """Create a pool of drawn street scenes, to try everything on."""
    pool = Client(server).create_pool(name, "scenes")
    with console.status("Drawing") as status:
        pool.draw_scenes(count, seed, "all" if all_labelled else "test").wait(
            lambda job: status.update(f"Drawing {job.progress:.0%}")
        )
    console.print(f"[green]✓[/] Pool [bold]{escaped(pool.name)}[/] ({pool.id}), {counted(count, 'photo')}")


@pool_app.command("classes")
def change_classes(
    name: Annotated[
        str | None, typer.Argument(help="Name or id; not needed if there is only one pool.")
    ] = None,
    append: Annotated[
        list[str] | None,
        typer.Option(help="A new class, NAME or NAME=#rrggbb; may be repeated.", show_default=False),
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(help="OLD=NEW; may be repeated.", show_default=False)
    ] = None,
    color: Annotated[
        list[str] | None,
        typer.Option(help="NAME=#rrggbb, by the name of now; may be repeated.", show_default=False),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(help="The last class, which nothing uses; may be repeated.", show_default=False),
    ] = None,
    server: ServerOption = None,
) -> None:
    """Append, rename or recolour classes, or take the last ones out. Label maps stay as they are."""
    pool = find_pool(Client(server), name)
    change: dict[str, dict[str, Any]] = {}
    for old, new in map(_parts, rename or []):
        change.setdefault(old, {})["name"] = new
    for old, value in map(_parts, color or []):
        change.setdefault(old, {})["color"] = _color(value)
    added = []
    for words in append or []:
        new, equals, value = words.rpartition("=#")
        added.append({"name": new, "color": _color(f"#{value}")} if equals else {"name": words})
    console.print(_classes(pool.change_classes(change, added, remove or [])))


@pool_app.command("rename")
def rename(
    name: Annotated[str, typer.Argument(help="Name or id of the pool.", show_default=False)],
    new_name: Annotated[str, typer.Argument(help="The new name.", show_default=False)],
    server: ServerOption = None,
) -> None:
    """Give a pool another name."""
    pool = Client(server).pool(name).rename(new_name)
    console.print(f"[green]✓[/] {escaped(name)} is {escaped(pool.name)}")


def _parts(words: str) -> tuple[str, str]:
    name, equals, value = words.rpartition("=")
    if not (equals and name and value):
        raise FewpairsError(f"Write NAME=VALUE, not {words}.")
    return name, value


def _color(text: str) -> list[int]:
    try:
        channels = list(bytes.fromhex(text.removeprefix("#")))
    except ValueError:
        channels = []
    if len(channels) != 3:
        raise FewpairsError(f"A colour is written as #rrggbb, #ff8000 for example, not {text}.")
    return channels


@pool_app.command("list")
def list_pools(
    sort: Annotated[str, typer.Option(help="added or name; with a minus, the largest first.")] = "added",
    contains: Annotated[str | None, typer.Option(help="A part of the name.", show_default=False)] = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List pools."""
    pools = list(Client(server).pools(contains, sort))
    if as_json:
        return print_json([pool.document for pool in pools])
    table = Table("Pool", "Photos", "Embedded", "Annotated", "Unpaired", whole("Encoder"), whole("Id"))
    for pool in pools:
        counts = pool.counts
        numbers = [counts[key] for key in ("images", "embedded", "annotated", "unpaired_label_maps")]
        table.add_row(Text(pool.name), *map(str, numbers), pool.document["encoder"], pool.id)
    console.print(table if pools else "There is no such pool.")


@pool_app.command("show")
def show(
    name: Annotated[
        str | None, typer.Argument(help="Name or id; not needed if there is only one pool.")
    ] = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Show one pool: its counts and its classes."""
    pool = find_pool(Client(server), name)
    if as_json:
        return print_json(pool.document)
    console.print(f"[bold]{pool.name}[/]  {pool.id}  encoder {pool.document['encoder']}")
    table = Table("", "Photos", "Embedded", "Annotated")
    for split in ("train", "test"):
        counts = pool.counts[split]
        table.add_row(split, str(counts["images"]), str(counts["embedded"]), str(counts["annotated"]))
    console.print(table)
    if excluded := pool.counts["excluded"]:
        console.print(f"Excluded, and not counted above: {counted(excluded, 'photo')}")
    sources = ", ".join(f"{count} from {source}" for source, count in pool.counts["label_sources"].items())
    console.print(Text(f"Unpaired label maps: {sources or 'none'}"))
    console.print(_classes(pool))


@pool_app.command("share")
def share(
    name: PoolArgument,
    principal: PrincipalArgument,
    role: Annotated[str, typer.Option(help="viewer, annotator or curator.")] = "annotator",
    server: ServerOption = None,
) -> None:
    """Give somebody a role in a pool."""
    Client(server).pool(name).share(principal, role)
    console.print(f"[green]✓[/] {escaped(principal)} is {escaped(role)} in {escaped(name)}")


@pool_app.command("unshare")
def unshare(name: PoolArgument, principal: PrincipalArgument, server: ServerOption = None) -> None:
    """Take somebody's role in a pool away."""
    Client(server).pool(name).unshare(principal)
    console.print(f"[green]✓[/] {escaped(principal)} has no role in {escaped(name)}")


@pool_app.command("members")
def members(name: PoolArgument, as_json: JsonOption = False, server: ServerOption = None) -> None:
    """List who may do what in a pool."""
    found = Client(server).pool(name).members()
    if as_json:
        return print_json(found)
    table = Table("Principal", "Role")
    for principal, role in found.items():
        table.add_row(Text(principal), role)
    console.print(table if found else "Nobody has a role in the pool.")


@pool_app.command("map")
def draw_map(
    name: Annotated[
        str | None, typer.Argument(help="Name or id; not needed if there is only one pool.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write: .json, or .csv with a line a photo.")] = Path(
        "map.csv"
    ),
    share_of: Annotated[
        str | None,
        typer.Option(help="A class: also its share of each label map.", show_default=False),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Id of a model: also how unsure it is of each photo.", show_default=False),
    ] = None,
    server: ServerOption = None,
) -> None:
    """Write the photos as points in a plane, where those that look alike are near each other."""
    if out.suffix not in (".csv", ".json"):
        raise FewpairsError(f"A map is a .csv or a .json file, not {out.name}.")
    columns = find_pool(Client(server), name).map(share_of, model)
    if out.suffix == ".json":
        out.write_text(json.dumps(columns), encoding="utf-8")
    else:
        per_photo = {key: values for key, values in columns.items() if key not in OF_THE_WHOLE and values}
        with out.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow("image_id" if key == "image_ids" else key for key in per_photo)
            lines.writerows(zip(*per_photo.values(), strict=True))
    photos = counted(len(columns["image_ids"]), "photo")
    console.print(f"[green]✓[/] {escaped(str(out))}: {photos}", soft_wrap=True)


@pool_app.command("export")
def export_pool(
    name: Annotated[str, typer.Argument(help="Name or id of the pool.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="The zip to write.", show_default=False)],
    server: ServerOption = None,
) -> None:
    """Write a whole pool into one file, to import it on another server. Run it again to resume.

    The file holds photos, label maps with all revisions, selections, models, evaluations and embeddings.
    """
    pool = find_pool(Client(server), name)
    with console.status("Exporting") as status:
        pool.export(file, lambda job: status.update(f"Exporting {job.progress:.0%}"))
    size = file.stat().st_size
    console.print(f"[green]✓[/] {escaped(str(file))}  [dim]{size / 1e6:.1f} MB[/]", soft_wrap=True)


@pool_app.command("import")
def import_pool(
    file: Annotated[Path, typer.Argument(help="A file that `pool export` wrote.", show_default=False)],
    name: Annotated[
        str | None, typer.Option(help="Name of the pool here; default: the name it had.", show_default=False)
    ] = None,
    server: ServerOption = None,
) -> None:
    """Take in a whole pool from another server, with its ids and receipts. Run it again to resume."""
    with console.status("Importing") as status:
        pool = Client(server).import_pool(
            file, name, lambda sent: status.update(f"Importing: {counted(sent, 'file')} sent")
        )
    photos = counted(pool.counts["images"], "photo")
    console.print(f"[green]✓[/] Pool [bold]{escaped(pool.name)}[/] ({pool.id}), {photos}")


def _classes(pool: Pool) -> Text | Table:
    if pool.is_rgb:
        return Text("Label maps are RGB images without classes.")
    return class_table(pool.document["class_table"], pool.counts["labelled"])
