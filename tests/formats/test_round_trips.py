"""What the codecs write, they read back; and other programs read it as well."""

import io
import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pycocotools import mask as coco

from formats.catalog import FORMATS
from formats.contract import Drawing, Label
from formats.matching import placed
from formats.meanings import Classes
from formats.paths import places
from formats.reading import codec, read_all
from tests.formats.test_regions import OLD_ARRAYS

UNLABELLED = 255
NAMES = ("road", "background", "car", "traffic light", "Ampel", "größe: klein", "a/b", "7")
PHOTOS = (
    "a.jpg",
    "day1/0001.jpg",
    "day2/0001.png",
    "day2/0001.jpg",
    "x y/ü.tif",
    "deep/er/0001.jpg",
    "0001.webp",
)

ids_of_photos = st.lists(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 7)),
    min_size=1,
    max_size=len(PHOTOS),
)
colors = st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=7, max_size=7, unique=True)


def written(format: str, drawings: list[Drawing], labels: list[Label]) -> dict[str, bytes]:
    files = [*codec(format).write(iter(drawings), labels)]
    assert len({path for path, _ in files}) == len(files), "two files have one path"
    return dict(files)


@pytest.mark.parametrize("format", FORMATS)
@given(maps=ids_of_photos, colors=colors, first=st.integers(0, 1))
@settings(max_examples=15, deadline=None)
def test_out_and_in_again(format: str, maps: list[Any], colors: list[Any], first: int) -> None:
    """A format gives back the ids that were written, the unlabelled pixels too, for the same photos; whatever
    the photos' folders, the classes' names and colours.
    """
    labels = [Label(name, color) for name, color in zip(NAMES[first : first + 7], colors, strict=True)]
    if format in ("cvat", "voc"):  # their lists of labels have no way to write a colon
        labels = [Label(label.name.replace(":", ""), label.color) for label in labels]
    where = places(PHOTOS[: len(maps)])
    drawings = [
        Drawing(photo, place, ("train", "test")[len(photo) % 2], numbers.astype(np.uint16))
        for (photo, place), numbers in zip(where.items(), maps, strict=True)
    ]
    unlabelled: dict[str, int | None] = dict.fromkeys(
        {"background", "unlabelled"} - {label.name for label in labels}
    )
    listed, found = read_all(
        written(format, drawings, labels), format, Classes(labels, UNLABELLED, None, unlabelled)
    )
    matches = placed(listed, where)
    read = {match.photo: content for match, content in zip(matches, found, strict=True)}
    labelled = [drawing for drawing in drawings if drawing.numbers.any()]
    for drawing in labelled:
        one = read[drawing.photo]
        assert one.canonical, one.refusal
        ids = np.asarray(Image.open(io.BytesIO(one.canonical.png)))
        assert np.array_equal(ids, np.where(drawing.numbers == 0, UNLABELLED, drawing.numbers - 1))
        assert one.overlapped == 0


DRAWN = np.array([[0, 1, 1, 2, 2, 2], [1, 1, 3, 3, 2, 0], [0, 0, 3, 3, 3, 1], [2, 2, 2, 0, 0, 1]], np.uint16)
LABELS = [Label("road", (128, 64, 128)), Label("car", (0, 0, 142)), Label("sky", (70, 130, 180))]


def files_of(format: str) -> dict[str, bytes]:
    return written(format, [Drawing("day1/a.jpg", "day1/a", "train", DRAWN)], LABELS)


@pytest.mark.parametrize("format", ["png", "cvat", "voc", "cityscapes", "coco-panoptic"])
def test_pngs_show_the_colours_of_the_classes(format: str) -> None:
    """Any viewer shows the classes in their colours, and unlabelled pixels in another one."""
    [content] = [content for path, content in files_of(format).items() if path.endswith(".png")]
    image = Image.open(io.BytesIO(content))
    assert image.mode == ("RGB" if format == "coco-panoptic" else "P")
    shown = np.asarray(image.convert("RGB"))
    for number, label in enumerate(LABELS, start=1):
        assert {tuple(pixel) for pixel in shown[number == DRAWN].tolist()} == {label.color}
    [empty] = {tuple(pixel) for pixel in shown[DRAWN == 0].tolist()}
    assert empty not in {label.color for label in LABELS}


@OLD_ARRAYS
def test_coco_reads_our_regions() -> None:
    """COCO's own program decodes the run lengths to the same pixels, areas and boxes."""
    document = json.loads(files_of("coco")["annotations.json"])
    assert [category["name"] for category in document["categories"]] == ["road", "car", "sky"]
    for annotation in document["annotations"]:
        mask = coco.decode(annotation["segmentation"])
        assert np.array_equal(mask, annotation["category_id"] == DRAWN)
        assert annotation["area"] == coco.area(annotation["segmentation"])
        assert annotation["bbox"] == coco.toBbox(annotation["segmentation"]).tolist()


def test_panoptic_segments_are_listed() -> None:
    """Every id in the PNG is a listed segment of the right category and area; 0 is void."""
    files = files_of("coco-panoptic")
    [annotation] = json.loads(files["panoptic.json"])["annotations"]
    pixels = np.asarray(Image.open(io.BytesIO(files[f"panoptic/{annotation['file_name']}"]))).astype(int)
    segments = pixels @ [1, 256, 256**2]
    assert np.array_equal(segments == 0, DRAWN == 0)
    for segment in annotation["segments_info"]:
        assert np.array_equal(segments == segment["id"], segment["category_id"] == DRAWN)
        assert segment["area"] == (segment["category_id"] == DRAWN).sum()


def test_voc_has_background_first() -> None:
    """In VOC's files 0 is background and 255 void, and the list of labels is in the order of the numbers."""
    files = files_of("voc")
    values = np.asarray(Image.open(io.BytesIO(files["SegmentationClass/day1/a.png"])))
    names = [line.split(":")[0] for line in files["labelmap.txt"].decode().splitlines()[1:]]
    assert names == ["background", "road", "car", "sky", "ignored"]
    assert np.array_equal(values, np.where(DRAWN == 0, 255, DRAWN))


def test_cityscapes_uses_its_own_numbers() -> None:
    """Classes that Cityscapes has get its numbers; no list of other numbers is written."""
    files = files_of("cityscapes")
    assert [*files] == ["gtFine/train/day1/a_gtFine_labelIds.png"]
    values = np.asarray(Image.open(io.BytesIO(*files.values())))
    assert np.array_equal(values, np.array([0, 7, 26, 23])[DRAWN])


def test_brush_runs_are_those_of_the_rle_package() -> None:
    """A brush of two pixels, decoded by hand from the bits: 8 words; runs of 4 zeros and 4 times 255."""
    drawing = Drawing("a.jpg", "a", "train", np.array([[0, 1]], np.uint16))
    [content] = written("label-studio", [drawing], LABELS[:1]).values()
    [task] = json.loads(content)
    [region] = task["annotations"][0]["result"]
    bits = "".join(f"{byte:08b}" for byte in region["value"]["rle"])
    count, word, sizes = f"{8:032b}", f"{7:05b}", "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    runs = "1" + "00" + f"{3:03b}" + f"{0:08b}" + "1" + "00" + f"{3:03b}" + f"{255:08b}"
    assert re.fullmatch(count + word + sizes + runs + "0{0,7}", bits)


def test_too_many_classes() -> None:
    """A format that has no room for the classes says so."""
    labels = [Label(f"class {k}", (k, 1, 1)) for k in range(255)]
    for format in ("voc", "cityscapes"):
        with pytest.raises(ValueError, match="has room for"):
            written(format, [], labels)
