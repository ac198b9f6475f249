"""Export encoder networks to ONNX files, each network once."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from models.encoders.networks import PHOTO_SIZE, Embedder
from models.files import atomic_write

EXPORT_VERSION = 3
"""Part of the cached ONNX file's name: raise it whenever the exported graph changes."""


def exported_onnx(name: str, digest: str, cache_dir: Path, load: Callable[[], Embedder]) -> Path:
    """The ONNX file of the encoder `name` whose weights have the SHA-256 `digest`; exported on first use."""
    target = cache_dir / f"{name.replace(':', '-')}-{digest[:16]}-v{EXPORT_VERSION}.onnx"
    if not target.is_file():
        model = _export(load())
        with atomic_write(target) as temporary:
            temporary.write_bytes(model)
    return target


def _export(embedder: Embedder) -> bytes:
    example = torch.zeros(2, PHOTO_SIZE, PHOTO_SIZE, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        # The exporter itself uses a class that torch has deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        program: Any = torch.onnx.export(
            embedder,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["photos"],
            dynamic_shapes=({0: torch.export.Dim("N")},),
        )
    serialized: bytes = program.model_proto.SerializeToString()
    return serialized
