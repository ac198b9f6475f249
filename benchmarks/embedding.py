"""Photos a second from JPEG files to embeddings, and of every part of that alone.

    python -m benchmarks.embedding --photos DIR --count 128 --repeats 5

decoding    files → squares in memory: in processes, as for a GPU, and in threads, as for a CPU
encoder     photos in memory → embeddings: as it is loaded (by ONNX Runtime on a CPU), and by torch in every
            precision and memory format
pipeline    files → embeddings, decoding in processes or in threads
embed job   what a worker does: files → shards in blobs and database (SQLite)
plain loop  the usual code: PIL, torchvision's Resize, ToTensor and Normalize, eager float32 torch in
            batches of 32, in one process

Figures are medians of rounds in which all kinds of one group take turns; `of_encoder` and `of_plain` compare
with the encoder as loaded and the plain loop, and `bound` names the part that a pipeline waits for. Without
`--photos` the photos are drawn. ResNet50 gets random weights, as speed does not depend on them.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.measuring import Report, device_named, say, seconds, table
from models.encoders import ENCODERS, PHOTO_SIZE, embed_batches, load_encoder
from models.encoders.embedding import BATCH_ON_CPU, BATCH_ON_GPU, GPU_CALLERS
from models.encoders.encoder import Encoder
from models.encoders.networks import ARCHITECTURES, Embeddings, Photos
from models.encoders.runners import VARIANTS, Features, variant_runner
from models.encoders.weights import weights_file
from models.torchvision_shim import torchvision
from scenes import draw

PLAIN_BATCH = 32
PLAIN_COUNT = 64
"""The plain loop gets fewer photos, as it is slow."""

ALONE, PLAIN = "encoder as loaded", "plain loop"
DECODES_FOR = {"processes": "cuda", "threads": "cpu"}
"""Each way to decode photos, and the device of the encoders that it is for."""

THREADS_BATCH = 32
"""At most, so that each of many threads decodes one batch while others are encoded."""

Rate = Callable[[], float]
"""Does the work once; photos a second."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="a folder of JPEG files; none: drawn ones")
    parser.add_argument("--sizes", nargs="+", default=["480x360"], help="of drawn photos, WIDTHxHEIGHT")
    parser.add_argument("--count", type=int, default=128)
    parser.add_argument("--different", type=int, default=64, help="photos to draw; they are used repeatedly")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--encoders", nargs="+", choices=ENCODERS, default=list(ENCODERS))
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sizes = arguments.sizes if arguments.photos is None else ["as given"]
        photos = {size: _photos(arguments, size, Path(folder)) for size in sizes}
        device = device_named(arguments.device)
        out = arguments.out or Path(f"benchmarks/results/embedding_{device.type}.json")
        about = {"repeats": arguments.repeats, "count": arguments.count, "drawn": arguments.photos is None}
        report = Report(out, device, **about)
        measurement = Measurement(device, Path(folder), report, arguments.repeats)
        for size, paths in photos.items():
            measurement.decoding(size, paths)
        for name in arguments.encoders:
            try:
                measurement.encoding(name, photos)
            except ImportError as error:
                report.add(encoder=name, note=f"skipped: {error}")
    say(table(report.rows))


def _photos(arguments: argparse.Namespace, size: str, folder: Path) -> list[Path]:
    """`count` paths; files are repeated if there are fewer."""
    source = arguments.photos
    if source is None:
        (source := folder / size).mkdir()
        width, height = map(int, size.split("x"))
        different = range(min(arguments.count, arguments.different))
        with ProcessPoolExecutor(mp_context=get_context("fork")) as processes:  # no GPU is in use yet
            list(processes.map(partial(_draw, source, (height, width)), different))
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    return [found[index % len(found)] for index in range(arguments.count)]


def _draw(folder: Path, size: tuple[int, int], index: int) -> None:
    Image.fromarray(draw(0, index, size).photo).save(folder / f"{index:03}.jpg", quality=90)


class Measurement:
    """Measures groups of kinds of work that take turns, and adds a row for each kind."""

    def __init__(self, device: torch.device, folder: Path, report: Report, repeats: int) -> None:
        self._device, self._folder, self._report, self._repeats = device, folder, report, repeats
        self._batch = BATCH_ON_CPU if device.type == "cpu" else BATCH_ON_GPU
        self._decoding: dict[str, float] = {}
        self._resnet50 = folder / "resnet50.pth"
        torch.manual_seed(0)
        torch.save(ARCHITECTURES["resnet50"].classifier().state_dict(), self._resnet50)

    def decoding(self, size: str, paths: list[Path]) -> None:
        """Measure both ways to decode photos."""
        idle = Encoder("", 1, "", "cpu", torch.get_num_threads(), _no_features)
        kinds = {f"decoding, {way}": self._pipeline(idle, way, paths) for way in DECODES_FOR}
        self._decoding[size] = max(self._measured({"photos": size}, kinds).values())

    def encoding(self, name: str, photos: dict[str, list[Path]]) -> None:
        """Measure an encoder alone, and everything that is done with it at every size."""
        weights, _ = weights_file(name, self._resnet50 if name == "resnet50" else None, Path())
        encoder = load_encoder(name, device=self._device.type, weights=weights, cache_dir=self._folder)
        count = min(map(len, photos.values()))
        pixels = np.random.default_rng(0).integers(0, 256, (256, PHOTO_SIZE, PHOTO_SIZE, 3), np.uint8)
        in_memory = pixels[np.arange(count) % len(pixels)]
        alone = {ALONE: self._alone(encoder, in_memory)}
        self._measured({"encoder": name}, alone | self._variants(encoder, weights, in_memory))
        for size, paths in photos.items():
            kinds = {f"pipeline, {way}": self._pipeline(encoder, way, paths) for way in DECODES_FOR}
            kinds |= alone | {PLAIN: self._plain(name, weights, paths[:PLAIN_COUNT])}
            try:
                kinds["embed job"] = self._job(name, paths)
            except ImportError as error:
                self._report.add(encoder=name, photos=size, what="embed job", note=f"skipped: {error}")
            self._measured({"encoder": name, "photos": size}, kinds)

    def _measured(self, about: dict[str, str], kinds: dict[str, Rate]) -> dict[str, float]:
        """A row for each kind; returns its photos a second."""
        rounds = [{kind: rate() for kind, rate in kinds.items()} for _ in range(self._repeats + 1)]
        rounds = rounds[1:]  # the first one warms up
        medians = {kind: statistics.median(rates[kind] for rates in rounds) for kind in kinds}
        for kind, rate in medians.items():
            row: dict[str, Any] = about | {"what": kind, "photos_per_second": rate}
            for name, base in (("of_encoder", ALONE), ("of_plain", PLAIN)):
                if base in kinds:
                    row[name] = statistics.median(rates[kind] / rates[base] for rates in rounds)
            if kind.startswith("pipeline"):
                row["bound"] = self._bound(rate, medians[ALONE], self._decoding[about["photos"]])
            self._report.add(**row)
        return medians

    def _bound(self, pipeline: float, encoder: float, decoding: float) -> str:
        if self._device.type == "cpu":
            return "encoder and decoding" if decoding < 10 * encoder else "encoder"  # they share the cores
        if pipeline < 0.8 * min(encoder, decoding):
            return "handing over photos"
        return "encoder" if encoder < decoding else "decoding"

    def _pipeline(self, encoder: Encoder, way: str, paths: list[Path]) -> Rate:
        taking = replace(encoder, device=DECODES_FOR[way])
        size = min(self._batch, THREADS_BATCH) if way == "threads" else self._batch
        return self._rate(len(paths), lambda: list(embed_batches(taking, paths, batch_size=size)))

    def _alone(self, encoder: Encoder, photos: Photos) -> Rate:
        batches = [photos[start : start + self._batch] for start in range(0, len(photos), self._batch)]
        callers = encoder.threads if self._device.type == "cpu" else GPU_CALLERS

        def encode() -> None:
            with ThreadPoolExecutor(callers) as threads:
                list(threads.map(encoder.encode, batches))

        return self._rate(len(photos), encode)

    def _variants(self, encoder: Encoder, weights: Path, photos: Photos) -> dict[str, Rate]:
        """The encoder by torch, in every precision and memory format."""
        state = torch.load(weights, map_location="cpu", weights_only=True)
        kinds = {}
        for layout, precision in VARIANTS:
            embedder = ARCHITECTURES[encoder.name].embedder(state).to(self._device)
            run = variant_runner(embedder, self._device, layout, precision)
            suffix = ", channels last" if layout == torch.channels_last else ""
            kind = f"encoder, {str(precision).removeprefix('torch.')}{suffix}"
            kinds[kind] = self._alone(replace(encoder, run=run), photos)
        return kinds

    def _plain(self, name: str, weights: Path, paths: list[Path]) -> Rate:
        loop = PlainLoop(name, weights, self._device)
        return self._rate(len(paths), lambda: loop.embed(paths))

    def _job(self, name: str, paths: list[Path]) -> Rate:
        from benchmarks.embed_job import EmbedJobs  # it needs all packages of a worker

        jobs = EmbedJobs(self._folder / "jobs", self._device.type, self._resnet50)

        def rate() -> float:
            pool = jobs.add_pool(name, paths)
            return self._rate(len(paths), lambda: jobs.run(pool))()

        return rate

    def _rate(self, count: int, work: Callable[[], object]) -> Rate:
        return lambda: count / seconds(work, self._device)


def _no_features(photos: Photos) -> Features:
    return Features(np.zeros((len(photos), 1), np.float32))


class PlainLoop:
    """Decodes, transforms and encodes one after the other, as tutorials do."""

    def __init__(self, name: str, weights: Path, device: torch.device) -> None:
        architecture = ARCHITECTURES[name]
        self.network = architecture.classifier()
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


if __name__ == "__main__":
    main()
