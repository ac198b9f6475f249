"""Whole trainings in a given time, and the mean IoU on held-out photos over time.

    python -m benchmarks.full_training --methods hybrid pix2pix --seconds 90 --data DIR
    python -m benchmarks.full_training --methods finetune --encoder resnet50 --size 512 --consistency 0 1

DIR has train/ and val/, each with images/ and labels/, and classes.json unless label maps are RGB images;
without `--data` street scenes are drawn. `--pairs` of the train photos are pairs; the others are unpaired.
Each training has as many steps as fit into its seconds by the estimate that a training makes at its start.
On a GPU it runs in bfloat16, and compiled if its method can be. The seconds do not include what comes
before the first step. Where the encoder's weights cannot be had, finetune starts from random ones, which
the rows say: the steps are then as fast, and the scores mean nothing.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.measuring import Report, device_named, say, table
from models.catalog import METHODS, RECIPES, TrainingSpec, build
from models.encoders.networks import ARCHITECTURES
from models.encoders.supplied import default_cache_dir, supplying
from models.encoders.weights import WeightsUnavailable, weights_file
from models.evaluation import EvaluationItem
from models.images.palette import ClassTable
from models.training.data import TrainingFiles
from models.training.manifest import Manifest, Validation
from models.training.run_directory import RunDirectory
from models.training.trainer import train
from scenes import write

SCORED = 20
"""Photos that are translated for each score."""

SCORES = 6
"""Scores in the course of a training."""

STEPS_SHARE = 0.85
"""The share of the time for steps; the rest is for the scores."""

PATIENCE = 1.3
"""A training that is slower than estimated ends when it has taken this many times its seconds."""


class Enough(Exception):
    """The training has taken long enough."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["hybrid", "pix2pix"])
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--scenes", type=int, default=80, help="to draw, a quarter of them for the scores")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--recipe", choices=RECIPES, default="paper")
    parser.add_argument("--channels", type=int, help="of the networks' first layers")
    parser.add_argument("--size", type=int, help="side of the crops in pixels")
    parser.add_argument("--encoder", help="that finetune starts from")
    parser.add_argument(
        "--consistency", type=float, nargs="+", default=[0.0], help="weights of finetune's consistency loss"
    )
    parser.add_argument("--seconds", type=float, default=90, help="for each training")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/full_training.json"))
    arguments = parser.parse_args()
    device = device_named(arguments.device)
    report = Report(arguments.out, device, seconds=arguments.seconds, pairs=arguments.pairs)
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data.resolve() if arguments.data else Path(folder) / "scenes"
        if arguments.data is None:
            write(data, arguments.scenes, seed=0, size=(256, 256))
        for number, spec in enumerate(specs(arguments, device)):
            run = Path(folder) / str(number)
            run.mkdir()
            with encoder_weights(spec, run / "weights.pth") as weights:
                timed(spec, data, RunDirectory(run), arguments, report, weights)
    say(table(report.rows))


def specs(arguments: argparse.Namespace, device: torch.device) -> Iterator[TrainingSpec]:
    """The trainings that the arguments ask for."""
    given = {"channels": arguments.channels, "image_size": arguments.size, "encoder": arguments.encoder}
    options = {name: value for name, value in given.items() if value is not None}
    options |= {"checkpoint_every": 10**9, "sample_every": 10**9}
    if device.type == "cuda":
        options |= {"precision": "bfloat16", "compile": True}
    for method in arguments.methods:
        unused = METHODS[method].unused
        used = {name: value for name, value in options.items() if name not in unused}
        if "lambda_consistency" in unused:
            yield build(arguments.recipe, method, **used)
        else:
            for weight in arguments.consistency:
                yield build(arguments.recipe, method, **used, lambda_consistency=weight)


@contextmanager
def encoder_weights(spec: TrainingSpec, file: Path) -> Iterator[str]:
    """What the training starts from: "pretrained" weights or, where they cannot be had, "random" ones."""
    if "encoder" in METHODS[spec.method].unused:
        yield "random"
        return
    try:
        weights_file(spec.encoder, None, default_cache_dir())
    except WeightsUnavailable:
        torch.manual_seed(0)
        torch.save(ARCHITECTURES[spec.encoder].classifier().state_dict(), file)
        with supplying(spec.encoder, file, None):
            yield "random"
    else:
        yield "pretrained"


def timed(
    spec: TrainingSpec,
    data: Path,
    run: RunDirectory,
    arguments: argparse.Namespace,
    report: Report,
    weights: str,
) -> None:
    """Estimate a training, then train for as many steps as fit, and add a row for every score."""
    prepare(run, replace(spec, total_steps=10**9), data, arguments.pairs, every=10**9)
    with suppress(Enough):
        train(run.path, arguments.device, _end)
    rate = json.loads(run.estimate.read_text(encoding="utf-8"))["steps_per_second"]
    total = max(SCORES, round(arguments.seconds * STEPS_SHARE * rate))
    every = total // SCORES
    prepare(run, replace(spec, total_steps=total), data, arguments.pairs, every)
    reached: dict[int, float] = {}

    def note_time(step: int, total: int) -> None:
        reached[step] = time.monotonic()
        if reached[step] - reached[1] > PATIENCE * arguments.seconds:
            raise Enough

    with suppress(Enough):
        train(run.path, arguments.device, note_time)
    for line in run.read_metrics():
        if scores := line.get("validation"):
            totals = {name: value for name, value in scores.items() if isinstance(value, float)}
            seconds = reached[line["step"]] - reached[1]
            about = {"method": spec.method, "size": spec.image_size, "weights": weights}
            about |= {"consistency": spec.lambda_consistency, "step": line["step"], "of": total}
            report.add(**about, seconds=seconds, estimated_steps_per_second=rate, **totals)


def _end(step: int, total: int) -> None:
    raise Enough


def prepare(run: RunDirectory, spec: TrainingSpec, data: Path, pairs: int, every: int) -> None:
    """Write what a training reads: the spec, and a manifest with evenly spread pairs."""
    known = sorted((data / "train" / "images").iterdir())
    paired = known[:: max(1, len(known) // pairs)][:pairs]
    unpaired = [photo for photo in known if photo not in paired]
    scored = sorted((data / "val" / "images").iterdir())[:SCORED]
    table_file = data / "classes.json"
    has_classes = table_file.exists()
    files = TrainingFiles(
        class_table=ClassTable.from_json(json.loads(table_file.read_text())) if has_classes else None,
        pairs=[(photo, _label_map(photo)) for photo in paired],
        unpaired_photos=unpaired,
        unpaired_label_maps=[_label_map(photo) for photo in unpaired[::-1]],
    )
    items = tuple(EvaluationItem(photo.name, photo, _label_map(photo)) for photo in scored)
    samples = [(scored[0], _label_map(scored[0]))]
    run.write_spec(spec)
    run.write_manifest(Manifest(files, samples, Validation(every, items)))


def _label_map(photo: Path) -> Path:
    """The file that is named like the photo, in the folder of the label maps."""
    return next((photo.parent.parent / "labels").glob(f"{photo.stem}.*"))


if __name__ == "__main__":
    main()
