"""Translate jobs: turn a photo into a label map (for a pool with classes) and an RGB image, or turn a label
map into a photo.
"""

import uuid
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.catalog import LABELS_TO_PHOTOS
from models.images.photos import read_label_map, read_photo
from models.translation.translator import Translation, Translator
from worker.attempt import Attempt
from worker.outcomes import Outcome, Permanent
from worker.pictures import put_png


def translate(attempt: Attempt) -> Outcome:
    spec, tools = attempt.claim.spec, attempt.tools
    translator = tools.networks.translator(uuid.UUID(spec["model_id"]), spec["direction"])
    test_time = spec.get("test_time", "none")
    try:
        translator.check(test_time)
    except ValueError as error:
        raise Permanent("views-not-possible", f"The photo cannot be translated so: {error}") from error
    with attempt.files([spec["sha256"]]) as [path]:
        try:
            image = _read(path, translator)
        except ValueError as error:
            raise Permanent("not-an-image", f"{spec['name']} cannot be read: {error}") from error
    attempt.lease.check()
    try:
        translation = _translated(translator, image, test_time)
    except ValueError as error:
        raise Permanent("unusable-model", str(error)) from error
    label_map = None if translation.label_map is None else put_png(tools.blobs, translation.label_map)
    rgb = put_png(tools.blobs, translation.rgb)
    return Outcome({"label_map": label_map and asdict(label_map), "rgb": asdict(rgb)})


def _read(path: Path, translator: Translator) -> npt.NDArray[np.uint8]:
    """The image as the network takes it: a photo, RGB (H, W, 3), or a drawn label map, RGBA (H, W, 4)."""
    if translator.direction == LABELS_TO_PHOTOS and translator.class_table:
        return translator.class_table.draw(read_label_map(path))
    return read_photo(path)


def _translated(translator: Translator, image: npt.NDArray[np.uint8], test_time: str) -> Translation:
    if translator.direction == LABELS_TO_PHOTOS:
        return Translation(translator.draw(image))
    return translator.translate(image, test_time=test_time)
