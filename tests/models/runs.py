"""Random blocky scenes, and small run directories made of them."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.catalog import METHODS, TrainingSpec
from models.images.palette import ClassTable
from models.images.photos import write_label_map
from models.training import recipes
from models.training.data import TrainingFiles
from models.training.manifest import Manifest
from models.training.run_directory import RunDirectory
from models.training.trainer import train

TABLE = ClassTable(
    names=("sky", "road", "tree"), colors=((120, 180, 250), (128, 64, 128), (30, 140, 20)), ignore=255
)
SMALL: dict[str, Any] = {
    **{"image_size": 32, "load_size": 36, "batch_size": 1, "channels": 2, "blocks": 2},
    **{"log_every": 1, "checkpoint_every": 4, "sample_every": 1000},
}


def small_spec(method: str, **overrides: Any) -> TrainingSpec:
    """The tiny recipe at 32², two channels and two blocks."""
    used = {name: value for name, value in SMALL.items() if name not in METHODS[method].unused}
    return recipes.tiny(method, **(used | overrides))


def resumable_spec(method: str) -> TrainingSpec:
    """12 steps with checkpoints every 4, and a pool that gets full, so that its random numbers matter."""
    pool = {"pool_size": 3} if METHODS[method].needs_unpaired else {}
    return small_spec(method, total_steps=12, log_every=2, **pool)


def scene(seed: int, height: int = 48, width: int = 64) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A photo and its label map: blocks of classes; the photo tinted and noisy, some pixels are ignored."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, len(TABLE.names), size=(height // 8, width // 8), dtype=np.uint8)
    label_map = blocks.repeat(8, axis=0).repeat(8, axis=1)
    noise = random.normal(scale=25, size=(height, width, 3))
    photo = np.clip(255 - TABLE.encode(label_map) + noise, 0, 255).astype(np.uint8)
    label_map[:3] = TABLE.ignore
    return photo, label_map


def write_scenes(folder: Path, count: int, seed: int = 0, **size: int) -> list[tuple[Path, Path]]:
    """`count` photo and label map PNGs in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for index in range(count):
        photo, label_map = scene(seed * 1000 + index, **size)
        paths = folder / f"photo{index}.png", folder / f"label{index}.png"
        Image.fromarray(photo).save(paths[0])
        write_label_map(paths[1], label_map)
        pairs.append(paths)
    return pairs


def write_run(
    run_dir: Path, spec: TrainingSpec, *, pair_count: int = 2, photo_count: int = 4, **manifest: Any
) -> Path:
    """A run directory ready to train. `manifest` replaces entries of its manifest."""
    scenes = [
        (photo.relative_to(run_dir), label_map.relative_to(run_dir))
        for photo, label_map in write_scenes(run_dir / "data", max(pair_count, photo_count))
    ]
    unpaired = scenes[:photo_count]
    files = TrainingFiles(
        TABLE, scenes[:pair_count], [photo for photo, _ in unpaired], [label_map for _, label_map in unpaired]
    )
    value = Manifest(files, [scenes[0], scenes[-1]]).to_json()
    run = RunDirectory(run_dir)
    run.write_spec(spec)
    run.manifest_file.write_text(json.dumps(value | manifest))
    return run_dir


class Stop(Exception):
    """Ends a training from its callback."""


def train_until(run_dir: Path, step: int) -> None:
    """Train on the CPU and stop right after that step, as a crash would."""

    def stop(done: int, total: int) -> None:
        if done == step:
            raise Stop

    with suppress(Stop):
        train(run_dir, "cpu", stop)
        raise AssertionError(f"the training ended before step {step}")


def losses(run_dir: Path) -> list[tuple[int, dict[str, float]]]:
    """The logged steps and their losses."""
    return [(line["step"], line["losses"]) for line in metric_lines(run_dir)]


def metric_lines(run_dir: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def poison(checkpoint: Path, name: str) -> None:
    """Write NaN over the first number of a float32 tensor in a safetensors file."""
    content = bytearray(checkpoint.read_bytes())
    length = int.from_bytes(content[:8], "little")
    start = json.loads(content[8 : 8 + length])[name]["data_offsets"][0] + 8 + length
    content[start : start + 4] = b"\x00\x00\xc0\x7f"
    checkpoint.write_bytes(content)


def write_imported_spec(folder: Path, class_table: ClassTable | None) -> None:
    """The `spec.json` that the service keeps with an imported `model.onnx`."""
    document = {"onnx": "model.onnx", "class_table": class_table and class_table.to_json()}
    (folder / "spec.json").write_text(json.dumps(document))
