"""Check the files of an archive: each is read as an uploaded one is, before its pool is there."""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from models.catalog import TrainingSpec
from service.decoding.decoders import Decoders
from service.http.problems import InvalidArchive
from service.pools.class_table import ClassTable
from store.blobs import CHUNK

IMPORTED_FILE = "model.onnx"
LARGEST_HEADER = 1024 * 1024
NPY = b"\x93NUMPY\x01\x00"
FLOAT16 = re.compile(
    rb"\{'descr': '<f2', 'fortran_order': False, 'shape': \(([1-9][0-9]{0,9}(, [1-9][0-9]{0,9})*)\), \} *\n"
)
"""The header of an array of float16 numbers with two or more dimensions, as NumPy writes it."""
EXPONENT = 0x7C
"""The exponent's bits in the high byte of a float16: infinite or no number if all are set."""
FINITE = bytes(byte for byte in range(256) if byte & EXPONENT != EXPONENT)

Facts = dict[str, Any]


class Checks:
    """What each kind of part must be; `class_table` is that of the archive's pool."""

    def __init__(self, decoders: Decoders, class_table: dict[str, Any] | None) -> None:
        self._decoders = decoders
        self._class_table = class_table
        self._checks: dict[str, Callable[[Path], Facts]] = {
            "photo": self._photo,
            "label_map": self._label_map,
            "original": self._original,
            "prediction": self._png,
            "picture": self._png,
            "embeddings": partial(_array, dimensions=2),
            "patches": partial(_array, dimensions=3),
            "weights": _weights,
            "onnx": _onnx,
            "spec": _spec,
        }

    def facts(self, kind: str, path: Path) -> Facts:
        """What its row must say of a file. Raises a Problem if the file is not of this kind."""
        return self._checks[kind](path)

    def _photo(self, path: Path) -> Facts:
        return vars(self._decoders.photo(path))

    def _label_map(self, path: Path) -> Facts:
        if self._class_table is None:
            return vars(self._decoders.photo(path))
        count, ignore = len(self._class_table["classes"]), self._class_table["ignore"]
        return vars(self._decoders.positions(path, count, ignore))

    def _original(self, path: Path) -> Facts:
        return vars(self._decoders.image(path))

    def _png(self, path: Path) -> Facts:
        found = self._decoders.image(path)
        if found.media_type != "image/png":
            raise InvalidArchive("A picture that the service made is not a PNG.")
        return vars(found)


def _weights(path: Path) -> Facts:
    """A safetensors file: the length of a JSON header, the header, and bare numbers."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            is_one = length <= LARGEST_HEADER and isinstance(json.loads(file.read(length)), dict)
        except ValueError:
            is_one = False
    if not is_one:
        raise InvalidArchive("A model's weights are not a safetensors file.")
    return {}


def _onnx(path: Path) -> Facts:
    """Only jobs open the file, as that of an imported model."""
    if path.stat().st_size == 0:
        raise InvalidArchive("A model's ONNX file is empty.")
    return {}


def _spec(path: Path) -> Facts:
    with path.open("rb") as file:
        content = file.read(LARGEST_HEADER + 1)
    try:
        model_spec(json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidArchive(f"A model's spec.json does not describe a model: {error}.") from None
    return {}


def model_spec(spec: Mapping[str, Any]) -> str:
    """The method of the model that a spec describes, `onnx` for an imported one. Raises ValueError."""
    if spec.get("class_table") is not None:
        ClassTable.model_validate(spec["class_table"])
    if "onnx" not in spec:
        return TrainingSpec.from_json(spec.get("training", spec)).method
    if spec["onnx"] != IMPORTED_FILE:
        raise ValueError(f"its file must be {IMPORTED_FILE}")
    return "onnx"


def _array(path: Path, dimensions: int) -> Facts:
    """The number of rows and their shape in a `.npy` file of finite float16 numbers."""
    with path.open("rb") as file:
        shape = _shape(file)
        if len(shape) != dimensions:
            raise InvalidArchive(
                f"Embeddings are not a .npy file of float16 numbers, {dimensions}-dimensional."
            )
        expected, size = 2 * prod(shape), 0
        while chunk := file.read(CHUNK):
            if chunk[1::2].translate(None, FINITE):
                raise InvalidArchive("Embeddings hold a number that is not finite.")
            size += len(chunk)
    if size != expected:
        raise InvalidArchive("A file of embeddings is longer or shorter than it says.")
    return {"rows": shape[0], "shape": list(shape[1:])}


def _shape(file: BinaryIO) -> tuple[int, ...]:
    """The shape in the header of a `.npy` file of float16 numbers; empty if it is none."""
    magic, length = file.read(len(NPY)), int.from_bytes(file.read(2), "little")
    header = FLOAT16.fullmatch(file.read(length))
    if magic != NPY or header is None:
        return ()
    return tuple(int(size) for size in header[1].split(b","))
