"""Translate jobs: one photo in, its label map (for a pool with classes) and the drawn RGB image out."""

import io
import uuid
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.photos import read_photo
from store import blobs
from worker.attempt import Attempt, Outcome
from worker.endings import Permanent


def translate(attempt: Attempt) -> Outcome:
    spec, tools = attempt.claim.spec, attempt.tools
    translator = tools.loaded.translator(uuid.UUID(spec["model_id"]))
    with attempt.files([spec["sha256"]]) as [path]:
        try:
            photo = read_photo(path)
        except ValueError as error:
            raise Permanent("not-an-image", f"{spec['name']} cannot be read as a photo: {error}") from error
    attempt.lease.check()
    translation = translator.translate(photo)
    label_map = None if translation.label_map is None else _kept_png(tools.blobs, translation.label_map)
    return Outcome({"label_map": label_map, "rgb": _kept_png(tools.blobs, translation.rgb)})


def _kept_png(store: blobs.Blobs, pixels: npt.NDArray[np.uint8]) -> dict[str, Any]:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    blob = blobs.put(store, [content.getvalue()])
    return {"sha256": blob.sha256, "size": blob.size}
