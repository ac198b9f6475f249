"""Exports as other tools write them are read into the classes of a pool."""

import io

import numpy as np
import pytest
from PIL import Image

from formats.contract import Unreadable
from formats.matching import placed
from formats.meanings import Classes
from formats.reading import Read, read_all
from tests import export_kinds as kinds


def read(export: kinds.Export, mapping: dict[str, str | None]) -> dict[str, Read]:
    """What was read, by the names of the photos."""
    names = [entry["name"] for entry in export.table["classes"]]
    answers = {label: None if name is None else names.index(name) for label, name in mapping.items()}
    listed, found = read_all(export.files, export.format, Classes.of(export.table, answers))
    photos = [str(one.photo) for one in placed(listed, export.ids)]
    return dict(zip(photos, found, strict=True))


@pytest.mark.parametrize("name", kinds.TAKEN)
def test_exports_are_read(name: str) -> None:
    """Each label map has the pixels that its tool means, and belongs to its photo. It tells where regions
    overlap, and what was left out.
    """
    export = kinds.TAKEN[name]()
    found = read(export, export.mapping)
    assert found.keys() == export.ids.keys()
    for photo, truth in export.ids.items():
        assert found[photo].refusal is None
        canonical = found[photo].canonical
        assert canonical
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(canonical.png))), truth), photo
        assert canonical.class_pixels == [int((truth == place).sum()) for place in range(4)]
        assert canonical.unlabelled_pixels == int((truth == kinds.UNLABELLED).sum())
    assert sum(one.overlapped for one in found.values()) == export.overlapped
    notes = " ".join(note for one in found.values() for note in one.notes)
    assert export.noted in notes
    assert bool(export.noted) == bool(notes)


@pytest.mark.parametrize("name", [name for name, make in kinds.TAKEN.items() if make().mapping])
def test_unknown_labels_are_asked_about(name: str) -> None:
    """Without answers, label maps that hold unknown labels are refused and name them; nothing is guessed."""
    export = kinds.TAKEN[name]()
    found = read(export, {})
    unknown = {one.label.name for each in found.values() for one in each.found if one.meaning is None}
    assert unknown == set(export.mapping)
    for each in found.values():
        own = [one.label.name for one in each.found if one.meaning is None]
        assert (each.canonical is None) == bool(own)
        assert all(label in str(each.refusal) for label in own)


@pytest.mark.parametrize(
    ("format", "files"),
    [
        ("label-studio", {"a.json": b"[" * 100_000}),
        ("coco", {"a.json": kinds.coco_document([], {}).replace(b'"width": 30', b'"width": 3000000000')}),
        ("png", {"classes.json": b'{"classes": [{"name": 7}]}', "a.png": b""}),
        ("supervisely", {"ds/ann/a.jpg.json": b'{"size": {"width": 30, "height": 20}, "objects": 5}'}),
        (
            "labelme",
            {"a.json": kinds.labelme_file([kinds.shape("water", "polygon", [[1e300, 0], [1, "x"]])])},
        ),
        ("coco-panoptic", {"a.json": kinds.panoptic_document({1 << 40: 1}, {1: "sky"})}),
        ("cityscapes", {"gtFine/a_gtFine_labelIds.png": kinds.png(np.zeros((2, 2, 3), np.uint8))}),
        ("voc", {"SegmentationClass/a.png": b"\x89PNG\r\n\x1a\n" + bytes(50)}),
    ],
)
def test_files_that_are_something_else_are_refused(format: str, files: dict[str, bytes]) -> None:
    """Whatever an export holds, it ends with a refusal of the label map, or of the export."""
    try:
        [found] = read(kinds.Export(format, files, {"a.jpg": kinds.ids()}), {}).values()
    except Unreadable:
        return
    assert found.refusal
    assert found.canonical is None
