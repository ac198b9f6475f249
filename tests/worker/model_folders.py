"""Models as folders, and the pictures that jobs make with them."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.catalog import build
from models.images.palette import ClassTable
from models.training.methods import method_named
from models.translation.artifacts import ModelSpec, save_model
from tests.drawings import CLASS_TABLE
from tests.models.runs import write_imported_spec
from tests.worker.factories import TINY
from worker.attempt import Tools

TABLE = ClassTable.from_json(CLASS_TABLE)


def untrained(folder: Path, method: str = "hybrid", table: ClassTable | None = TABLE) -> Path:
    """Write a model with random weights into a new folder."""
    folder.mkdir()
    spec = build("tiny", method, **TINY)
    names = ("photo_to_label", "label_to_photo")
    networks = {name: method_named(method).generator(spec, table) for name in names}
    save_model(folder, networks, ModelSpec(spec, table))
    return folder


def imported(folder: Path, content: bytes) -> Path:
    """Write a model that was imported with this content into a new folder."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(content)
    write_imported_spec(folder, TABLE)
    return folder


def picture(tools: Tools, sha256: str) -> npt.NDArray[np.uint8]:
    with tools.blobs.open(sha256) as file:
        return np.asarray(Image.open(io.BytesIO(file.read())))
