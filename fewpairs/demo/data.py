"""The demo's data: drawn street scenes, or the user's own photos and label maps."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from fewpairs.errors import FewpairsError
from fewpairs.sources import File, find
from folders.matching import match

SCENES, SCENES_SEED = 160, 1
UNPAIRED_SCENES, UNPAIRED_SEED = 120, 2
MOST_TRAIN, MOST_TEST = 400, 120
TEST_SHARE = 0.25
MULTI_CHANNEL = ("RGB", "RGBA", "YCbCr", "CMYK")
LAYOUT = "images/ and labels/ (and classes.json), or train/ and val/ with those in each"

Pairs = list[tuple[File, File]]
"""Pairs of a photo and its label map."""


@dataclass(frozen=True)
class DemoData:
    """Photos with their label maps, and unpaired label maps.

    The service gets the label maps of the test photos, and of the train photos that it selects.
    """

    class_table: dict[str, Any] | str
    train: Pairs
    test: Pairs
    unpaired: list[Path]
    notes: list[str]


def draw_scenes(folder: Path, say: Callable[[str], None]) -> DemoData:
    """Street scenes that `fewpairs scenes` draws into `folder`; a quarter of them is the test split."""
    shutil.rmtree(folder, ignore_errors=True)
    for part, count, seed in (
        ("photographed", SCENES, SCENES_SEED),
        ("unpaired", UNPAIRED_SCENES, UNPAIRED_SEED),
    ):
        say(f"Drawing {count} street scenes")
        words = ["scenes", str(folder / part), "--count", str(count), "--seed", str(seed)]
        done = subprocess.run(
            [sys.executable, "-m", "fewpairs", *words], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise FewpairsError(f"The scenes could not be drawn: {done.stderr.strip()}")
    classes = (folder / "photographed" / "classes.json").read_text(encoding="utf-8")
    drawn = (file.path for file in find(folder / "unpaired").files)
    unpaired = [path for path in drawn if path.parent.name == "labels"]
    return DemoData(
        class_table=json.loads(classes),
        train=_pairs(folder / "photographed" / "train", "train")[0],
        test=_pairs(folder / "photographed" / "val", "val")[0],
        unpaired=_renamed(unpaired, folder / "labels"),
        notes=["The unpaired label maps belong to more scenes, whose photos the service never sees."],
    )


def read_data(source: Path, folder: Path) -> DemoData:
    """The user's own data; copies go to `folder`. Raises FewpairsError."""
    test_folder = next(
        (source / name for name in ("test", "val") if (source / name / "images").is_dir()), None
    )
    if (source / "train" / "images").is_dir() and test_folder:
        train, train_without = _pairs(source / "train", "train")
        test, test_without = _pairs(test_folder, test_folder.name)
    elif (source / "images").is_dir():
        pairs, train_without = _pairs(source)
        random.Random(0).shuffle(pairs)
        cut = max(1, round(len(pairs) * TEST_SHARE))
        test, train, test_without = _sorted(pairs[:cut]), _sorted(pairs[cut:]), 0
    else:
        raise FewpairsError(f"{source} does not have the folders that the demo reads: {LAYOUT}.")
    notes = [
        "The unpaired label maps are those of all train photos under other names, so that the service cannot "
        "know which photo each belongs to. The paper too uses the label maps of all train photos in this way."
    ]
    if train_without + test_without:
        notes.append(f"{train_without + test_without} photos without a label map were left out.")
    for name, pairs, most in (("train", train, MOST_TRAIN), ("test", test, MOST_TEST)):
        if len(pairs) > most:
            notes.append(f"Only {most} of {len(pairs)} {name} photos are used, evenly spaced.")
    train, test = _spaced(train, MOST_TRAIN), _spaced(test, MOST_TEST)
    return DemoData(
        class_table=_class_table(source, train[0][1].path),
        train=train,
        test=test,
        unpaired=_renamed([label.path for _, label in train], folder / "labels"),
        notes=notes,
    )


def _pairs(folder: Path, under: str = "") -> tuple[Pairs, int]:
    """The photos of `folder/images` with their label maps in `folder/labels`, and the number of other photos.

    Their names are in the folder `under`.
    """
    if not (folder / "labels").is_dir():
        raise FewpairsError(f"{folder} has no folder labels: the demo reads {LAYOUT}.")
    photos, labels = (
        {file.name: file for file in find(folder / part, under=under).files} for part in ("images", "labels")
    )
    found = match(list(labels), photos)
    pairs = [(photos[each.photo], labels[each.label_map]) for each in found if each.photo]
    if not pairs:
        raise FewpairsError(f"No label map in {folder}/labels has the name of a photo in {folder}/images.")
    return _sorted(pairs), len(photos) - len(pairs)


def _sorted(pairs: Pairs) -> Pairs:
    return sorted(pairs, key=lambda pair: pair[0].name)


def _class_table(source: Path, label_map: Path) -> dict[str, Any] | str:
    for candidate in (source / "classes.json", source / "train" / "classes.json"):
        if candidate.is_file():
            table: dict[str, Any] = json.loads(candidate.read_text(encoding="utf-8"))
            return table
    try:
        with Image.open(label_map) as image:
            is_rgb = image.mode in MULTI_CHANNEL
    except (UnidentifiedImageError, OSError) as error:
        raise FewpairsError(f"{label_map} cannot be read as an image: {error}") from error
    if is_rgb:
        return "rgb"
    raise FewpairsError(
        f"{label_map} holds class ids, so {source}/classes.json has to say what they mean: "
        '{"ignore": 255, "classes": [{"name": "sky", "color": [70, 130, 180]}, …]}.'
    )


def _renamed(label_maps: list[Path], folder: Path) -> list[Path]:
    """Copies in another order, with names that do not tell which photo they belong to."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    random.Random(0).shuffle(label_maps)
    copies = []
    for index, path in enumerate(label_maps):
        copies.append(folder / f"unpaired-{index:04d}{path.suffix.lower()}")
        shutil.copyfile(path, copies[-1])
    return copies


def _spaced(pairs: Pairs, most: int) -> Pairs:
    """At most `most` pairs, evenly spaced, as neighbours in a video look alike."""
    if len(pairs) <= most:
        return pairs
    return [pairs[i * len(pairs) // most] for i in range(most)]
