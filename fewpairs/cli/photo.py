"""`fewpairs photo list|delete|exclude|include|move|rename|replace|revisions|thumbnail|undelete`"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, escaped, folded, moment, print_json, whole
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.pool import Pool

photo_app = typer.Typer(
    no_args_is_help=True, help="List photos, leave them out, move, rename and delete them."
)
app.add_typer(photo_app, name="photo", rich_help_panel=CONTROL)

PhotoArgument = Annotated[str, typer.Argument(help="Name or id of a photo.", show_default=False)]
PhotosArgument = Annotated[list[str], typer.Argument(help="Names or ids of photos.", show_default=False)]


@photo_app.command("list")
def list_photos(
    sort: Annotated[
        str, typer.Option(help="added, name, pixels or uncertainty; with a minus, the largest first.")
    ] = "added",
    contains: Annotated[str | None, typer.Option(help="A part of the name.", show_default=False)] = None,
    split: Annotated[str | None, typer.Option(help="train or test.", show_default=False)] = None,
    annotated: Annotated[
        bool | None, typer.Option("--annotated/--not-annotated", help="With a label map, or without.")
    ] = None,
    annotated_by: Annotated[
        str | None, typer.Option(help="Who has drawn a label map.", show_default=False)
    ] = None,
    failed: Annotated[bool | None, typer.Option("--failed", help="Those that could not be embedded.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Id of the model whose uncertainty is meant.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """List photos."""
    found = find_pool(Client(server), pool).images(
        split,
        annotated,
        sort=sort,
        contains=contains,
        annotated_by=annotated_by,
        failed=failed,
        model=model,
    )
    if as_json:
        return print_json(list(found))
    table = Table("Photo", "Split", "Label map", "Note", whole("Id"))
    for image in found:
        label_map = "" if image["annotation_revision"] is None else f"revision {image['annotation_revision']}"
        note = image["embed_error"] or ("excluded" if image["excluded"] else "")
        table.add_row(Text(image["name"]), image["split"], label_map, Text(note), image["id"])
    console.print(table)


@photo_app.command("exclude")
def exclude(photos: PhotosArgument, pool: PoolOption = None, server: ServerOption = None) -> None:
    """Leave photos out of selections, trainings and evaluations."""
    target = find_pool(Client(server), pool)
    for photo in photos:
        console.print(f"[green]✓[/] {escaped(target.exclude(photo)['name'])} is excluded")


@photo_app.command("include")
def include(photos: PhotosArgument, pool: PoolOption = None, server: ServerOption = None) -> None:
    """Use photos again that were excluded."""
    target = find_pool(Client(server), pool)
    for photo in photos:
        console.print(f"[green]✓[/] {escaped(target.include(photo)['name'])} is in use")


@photo_app.command("move")
def move(
    photos: PhotosArgument,
    split: Annotated[str, typer.Option(help="train or test.", show_default=False)],
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Move photos to the other split. Refused if models would be tested on what they learned from."""
    target = find_pool(Client(server), pool)
    for photo in photos:
        console.print(f"[green]✓[/] {escaped(target.move(photo, split)['name'])} is a {split} photo")


@photo_app.command("rename")
def rename(
    photo: PhotoArgument,
    name: Annotated[str, typer.Argument(help="The new name.", show_default=False)],
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Give a photo another name."""
    renamed = find_pool(Client(server), pool).rename_photo(photo, name)
    console.print(f"[green]✓[/] {escaped(photo)} is {escaped(renamed['name'])}")


@photo_app.command("delete")
def delete(
    photos: PhotosArgument,
    now: Annotated[
        bool, typer.Option("--now", help="Remove them for good: this cannot be taken back.")
    ] = False,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Delete photos with their label maps and all that was made of them."""
    target = find_pool(Client(server), pool)
    deleted = _deleted(target) if now else {}
    for photo in photos:
        gone_at = target.delete_photo(deleted.get(photo, photo), now)["gone_at"]
        until = "" if now else f"; `fewpairs photo undelete` takes that back until {moment(gone_at)} UTC"
        console.print(f"[green]✓[/] {escaped(photo)} is deleted{until}")


@photo_app.command("undelete")
def undelete(photos: PhotosArgument, pool: PoolOption = None, server: ServerOption = None) -> None:
    """Take the deletion of photos back."""
    target = find_pool(Client(server), pool)
    ids = _deleted(target)
    for photo in photos:
        restored = target.undelete_photo(ids.get(photo, photo))
        console.print(f"[green]✓[/] {escaped(restored['name'])} is back")


def _deleted(pool: Pool) -> dict[str, str]:
    """Ids of deleted photos by their names."""
    return {image["name"]: image["id"] for image in pool.deleted_photos()}


@photo_app.command("revisions")
def revisions(
    photo: PhotoArgument,
    save: Annotated[
        int | None, typer.Option(help="Write the label map of this revision.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The PNG to write; default: NAME-revision-N.png.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """List the revisions of a photo's label map, newest first, or write one of them."""
    if out and save is None:
        raise FewpairsError("--out is where a revision is written to: give --save with its number too.")
    target = find_pool(Client(server), pool)
    if save is not None:
        file = out or Path(f"{Path(photo).stem}-revision-{save}.png")
        target.save_revision(photo, save, file)
        return console.print(f"[green]✓[/] {escaped(str(file))}: revision {save} of {escaped(photo)}")
    found = list(target.revisions(photo))
    if as_json:
        return print_json(found)
    table = Table("Revision", "When", "Who", folded("Pixels"))
    for each in found:
        pixels = ", ".join(f"{name} {count:,}" for name, count in (each["pixels"] or {}).items() if count)
        what = "withdrawn" if each["withdrawn"] else pixels
        table.add_row(str(each["revision"]), moment(each["created_at"]), Text(each["by"] or ""), Text(what))
    console.print(table if found else "The photo has no label map.")


@photo_app.command("thumbnail")
def thumbnail(
    photo: PhotoArgument,
    out: Annotated[Path, typer.Option(help="The picture to write.", show_default=False)],
    size: Annotated[int, typer.Option(min=16, max=512, help="Longest side in pixels.")] = 256,
    label_map: Annotated[
        bool, typer.Option("--label-map", help="Of its label map, in the colours of the classes.")
    ] = False,
    evaluation: Annotated[
        str | None,
        typer.Option(help="Of what the model predicted in the evaluation of this id.", show_default=False),
    ] = None,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Write a small picture of a photo, of its label map or of a prediction."""
    if label_map and evaluation:
        raise FewpairsError("Give one of --label-map and --evaluation.")
    client = Client(server)
    target = find_pool(client, pool)
    if evaluation:
        client.evaluation(evaluation).save_thumbnail(target.image_id(photo), out, size)
    else:
        target.save_thumbnail(photo, out, size, label_map)
    console.print(f"[green]✓[/] {escaped(str(out))}")


@photo_app.command("replace")
def replace(
    photo: PhotoArgument,
    file: Annotated[Path, typer.Argument(help="The corrected photo.", show_default=False)],
    keep: Annotated[
        Path | None,
        typer.Option(help="The file for the old bytes; default: `before-…` in the current folder."),
    ] = None,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Give a photo other bytes, of the same size. Its label map stays; the old bytes become a file."""
    if not file.is_file():
        raise FewpairsError(f"There is no file {file}: give the path of a photo.")
    target = find_pool(Client(server), pool)
    image_id = target.image_id(photo)
    kept = keep or Path(f"before-{Path(photo).name}")
    if kept.exists():
        raise FewpairsError(f"{kept} exists already: say where to keep the old bytes, with --keep FILE.")
    target.replace_photo(image_id, file, kept)
    back = f"`fewpairs photo replace {photo} {kept}` takes that back"
    console.print(f"[green]✓[/] {escaped(photo)} has the bytes of {escaped(str(file))}; {escaped(back)}")
