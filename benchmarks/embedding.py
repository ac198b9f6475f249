"""The embedding pipeline against its encoder alone, and against a plain loop, in one process and interleaved.

    python -m benchmarks.embedding --photos DIR --count 128 --repeats 5

pipeline  an embed job as a worker does it: JPEG files → shards in blobs and database (SQLite)
encoder   the encoder alone, on photos that are in memory, called as the pipeline calls it
decoder   the pipeline with an encoder that does nothing
plain     the loop people write: PIL, torchvision's Resize, ToTensor and Normalize, eager float32 torch in
          batches of 32, in one process

Without `--photos` the photos are drawn: JPEGs of 480 × 360. ResNet50 gets random weights, as speed does not
depend on them.
"""

import argparse
import json
import logging
import os
import platform
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import structlog
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from migrations import upgrade
from models.encoders import ENCODERS, Encoder, embed_batches, read_square
from models.encoders.embedding import BATCH_ON_CPU, BATCH_ON_GPU, GPU_CALLERS
from models.encoders.networks import ARCHITECTURES, PHOTO_SIZE, Embeddings, Photos
from models.encoders.weights import weights_file
from models.torchvision_shim import torchvision
from scenes import draw
from store import images, pools
from store.blobs import open_blobs, put_file
from store.database import Database
from store.settings import Settings
from worker.attempt import Tools
from worker.cache.networks import Loaded
from worker.run import run

PLAIN_BATCH = 32
console = Console()


@dataclass(frozen=True)
class Row:
    """Photos a second of one encoder, each the median of the rounds; ratios are medians of rounds too."""

    encoder: str
    pipeline: float
    alone: float
    decoding: float
    plain: float
    of_alone: float
    of_plain: float


def main() -> None:
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        photos = _photos(arguments, Path(folder))
        weights = Path(folder) / "resnet50.pth"
        torch.manual_seed(0)
        torch.save(ARCHITECTURES["resnet50"].classifier().state_dict(), weights)
        settings = Settings(data_dir=Path(folder), device=arguments.device, resnet50_weights=weights)
        upgrade(settings.database)
        database, blobs = Database(settings.database), open_blobs(settings.blobs)
        tools = Tools(settings, database, blobs, Loaded(settings, database, blobs))
        rows = [_compared(name, photos, tools, arguments.repeats) for name in arguments.encoders]
        device = tools.loaded.encoder(arguments.encoders[0]).device
        database.close()
    console.print(_table(rows))
    for row in rows:
        bound = "decoding" if row.decoding < row.alone else "the encoder"
        console.print(f"{row.encoder} is bounded by {bound}.")
    console.print("ResNet50 has random weights: its speed does not depend on them.")
    out = arguments.out or Path(f"benchmarks/results/embedding_{device.split(':')[0]}.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(_report(arguments, device, photos, rows), indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="a folder of JPEG files; none: drawn ones")
    parser.add_argument("--count", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--encoders", nargs="+", choices=ENCODERS, default=list(ENCODERS))
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _photos(arguments: argparse.Namespace, folder: Path) -> list[Path]:
    """As many files as asked for, those of the folder over and over if it has fewer."""
    source = arguments.photos
    if source is None:
        (source := folder / "photos").mkdir()
        for index in range(min(arguments.count, 128)):
            Image.fromarray(draw(0, index, (360, 480)).photo).save(source / f"{index:03}.jpg", quality=90)
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    return [found[index % len(found)] for index in range(arguments.count)]


def _compared(name: str, photos: list[Path], tools: Tools, repeats: int) -> Row:
    encoder = tools.loaded.encoder(name)
    plain = _PlainLoop(name, tools.settings.resnet50_weights, torch.device(encoder.device))
    in_memory = np.stack([read_square(path) for path in photos])
    kinds: dict[str, Callable[[], float]] = {
        "pipeline": lambda: _pipeline(name, photos, tools),
        "encoder": lambda: _seconds(lambda: _encode(encoder, in_memory)),
        "decoder": lambda: _seconds(lambda: list(embed_batches(_Idle(encoder), photos))),
        "plain": lambda: _seconds(lambda: plain.embed(photos)),
    }
    rounds: list[dict[str, float]] = []
    for index in range(-1, repeats):
        rates = {kind: len(photos) / seconds() for kind, seconds in kinds.items()}
        if index >= 0:  # the first round warms up
            rounds.append(rates)
            listed = ", ".join(f"{kind} {rate:.1f}" for kind, rate in rates.items())
            console.print(f"{name}, round {index + 1}, photos/s: {listed}")
    median = {kind: statistics.median(rates[kind] for rates in rounds) for kind in kinds}
    return Row(
        encoder=name,
        pipeline=median["pipeline"],
        alone=median["encoder"],
        decoding=median["decoder"],
        plain=median["plain"],
        of_alone=statistics.median(rates["pipeline"] / rates["encoder"] for rates in rounds),
        of_plain=statistics.median(rates["pipeline"] / rates["plain"] for rates in rounds),
    )


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _pipeline(name: str, photos: list[Path], tools: Tools) -> float:
    """The seconds that the embed jobs of a new pool take."""
    new = []
    for index, path in enumerate(photos):
        blob, (width, height) = put_file(tools.blobs, path), Image.open(path).size
        new.append(
            images.NewImage(f"{index}.jpg", "train", blob.sha256, blob.size, "image/jpeg", width, height)
        )
    with tools.database.write() as session:
        pool = pools.create(session, name=uuid.uuid4().hex, class_table=None, encoder=name)
        added, _ = images.add(session, tools.settings, pool.id, new)
        queued = list(dict.fromkeys(one.image.embed_job_id for one in added))
    start = time.perf_counter()
    for job_id in queued:
        run(job_id, tools, threading.Event())
    seconds = time.perf_counter() - start
    with tools.database.read() as session:
        assert pools.counts(session, [pool.id])[pool.id].splits["train"].embedded == len(photos)
    return seconds


def _encode(encoder: Encoder, photos: Photos) -> None:
    on_cpu = encoder.device == "cpu"
    size = BATCH_ON_CPU if on_cpu else BATCH_ON_GPU
    batches = [photos[start : start + size] for start in range(0, len(photos), size)]
    with ThreadPoolExecutor(encoder.threads if on_cpu else GPU_CALLERS) as threads:
        list(threads.map(encoder.encode, batches))


class _Idle:
    """The encoder, but that it encodes nothing."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.dimension, self.weights_digest = encoder.name, 1, encoder.weights_digest
        self.device, self.threads = encoder.device, encoder.threads

    def encode(self, photos: Photos) -> Embeddings:
        return np.zeros((len(photos), self.dimension), np.float32)


class _PlainLoop:
    """Decode, transform and encode one after the other, as tutorials have it."""

    def __init__(self, name: str, resnet50: Path | None, device: torch.device) -> None:
        architecture = ARCHITECTURES[name]
        self.network = architecture.classifier()
        weights, _ = weights_file(name, resnet50 if name == "resnet50" else None, Path())
        self.network.load_state_dict(torch.load(weights, weights_only=True))
        setattr(self.network, architecture.head, torch.nn.Identity())
        self.network.eval().to(device)
        self.device = device
        transforms = torchvision.transforms
        self.transform = transforms.Compose(
            [
                transforms.Resize((PHOTO_SIZE, PHOTO_SIZE)),
                transforms.ToTensor(),
                transforms.Normalize(*(np.array(v) / 255 for v in (architecture.mean, architecture.std))),
            ]
        )

    def embed(self, photos: list[Path]) -> Embeddings:
        blocks = []
        with torch.no_grad():
            for start in range(0, len(photos), PLAIN_BATCH):
                opened = [Image.open(path).convert("RGB") for path in photos[start : start + PLAIN_BATCH]]
                batch = torch.stack([self.transform(photo) for photo in opened])
                blocks.append(self.network(batch.to(self.device)).cpu().numpy())
        return np.concatenate(blocks)


def _table(rows: list[Row]) -> Table:
    table = Table(
        "encoder", "pipeline", "encoder alone", "decoding alone", "plain loop", "of alone", "of plain"
    )
    for row in rows:
        rates = (row.pipeline, row.alone, row.decoding, row.plain)
        ratios = f"{row.of_alone:.2f}", f"{row.of_plain:.2f}×"
        table.add_row(row.encoder, *(f"{rate:.1f}/s" for rate in rates), *ratios)
    return table


def _report(
    arguments: argparse.Namespace, device: str, photos: list[Path], rows: list[Row]
) -> dict[str, Any]:
    return {
        "repeats": arguments.repeats,
        "photos": {
            "count": len(photos),
            "different": len(set(photos)),
            "size": Image.open(photos[0]).size,
            "drawn": arguments.photos is None,
        },
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "device": device if device == "cpu" else torch.cuda.get_device_name(device),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
        "rows": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    main()
