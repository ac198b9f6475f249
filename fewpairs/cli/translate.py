"""`fewpairs translate`"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import (
    DEFAULT_DIRECTION,
    DirectionOption,
    ModelArgument,
    PoolOption,
    ServerOption,
    TestTimeOption,
    direction_named,
    find_model,
)
from fewpairs.cli.output import complain, console, counted, file_progress
from fewpairs.cli.sending import report_others
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.sources import File, find
from fewpairs.uploads import REFUSALS
from models.catalog import DEFAULT_TEST_TIME, LABELS_TO_PHOTOS, PHOTOS_TO_LABELS
from models.images.seen import as_seen

OVERLAY_STRENGTH = 0.55
"""Share of the class's colour in each pixel of an overlay."""


@app.command(rich_help_panel=LOOP)
def translate(
    model: ModelArgument,
    photos: Annotated[
        list[Path],
        typer.Argument(
            help="Photos, or folders of photos; with labels-to-photos: label maps.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("translated"),
    rgb: Annotated[
        bool,
        typer.Option("--rgb", help="Write the RGB image that the network drew instead of class indices."),
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also write the photo with its classes' colours on it.")
    ] = False,
    direction: DirectionOption = DEFAULT_DIRECTION,
    test_time: TestTimeOption = DEFAULT_TEST_TIME,
    pool: PoolOption = None,
    server: ServerOption = None,
) -> None:
    """Translate photos into label maps, or label maps into photos."""
    client, way = Client(server), direction_named(direction)
    found = find_model(client, model, pool)
    table = client.pool(found.pool_id).document["class_table"]
    if overlay and (rgb or table == "rgb" or way == LABELS_TO_PHOTOS):
        raise FewpairsError(
            "--overlay paints the classes of a photo: it needs label maps as the output. Leave it out."
        )
    given = find(*photos, in_archives=False)
    files = given.photos() if way == PHOTOS_TO_LABELS else given.label_maps()
    refused = 0
    with file_progress() as bar:
        for file, name in bar.track(list(zip(files, targets(files), strict=True)), description="Translating"):
            target = out / name
            try:
                found.translate(file.path, "rgb" if rgb else None, way, test_time).save(target)
                if overlay:
                    blend(file.path, target, table).save(target.with_stem(f"{target.stem}-overlay"))
            except FewpairsError as error:
                if error.status not in REFUSALS:
                    raise
                refused += 1
                complain(f"{file.path}: {error.detail}")
    what = "photos" if way == PHOTOS_TO_LABELS else "label maps"
    console.print(f"[green]✓[/] {len(files) - refused} of {len(files)} {what} translated into {out}")
    if others := len(given.files) - len(files):
        console.print(f"[dim]Left out, by the names of their folders: {counted(others, 'file')}[/]")
    if not report_others(given) or refused:
        raise typer.Exit(1)


def targets(files: Sequence[File]) -> list[Path]:
    """Where the translation of each file goes: `a.png` for `a.jpg`, but `a.jpg.png` where several would."""
    short = [Path(file.name).with_suffix(".png") for file in files]
    counts = Counter(short)
    return [
        name if counts[name] == 1 else Path(f"{file.name}.png")
        for file, name in zip(files, short, strict=True)
    ]


def blend(photo: Path, label_map: Path, class_table: dict[str, Any]) -> Image.Image:
    """The photo with each pixel blended with the colour of its class; ignored pixels stay as they are."""
    with Image.open(photo) as opened:
        base = as_seen(opened)
    with Image.open(label_map) as opened:
        numbers = Image.frombytes("L", opened.size, opened.tobytes())
    indices = numbers.resize(base.size, Image.Resampling.NEAREST)
    painted = indices.copy()
    painted.putpalette([channel for entry in class_table["classes"] for channel in entry["color"]])
    strength = indices.point(
        [0 if i == class_table["ignore"] else round(255 * OVERLAY_STRENGTH) for i in range(256)]
    )
    return Image.composite(painted.convert("RGB"), base, strength)
