"""Hybrid, pix2pix and CycleGAN on one data set with the same few pairs and the same number of steps.

    python -m benchmarks.camvid_methods --data DIR --budget 20 --steps 1000 --seeds 0 1 2

DIR holds train/ and val/ with images/ and labels/, and classes.json. As in the paper's benchmark, 200 train
photos are chosen by k-medoids and serve as unpaired photos, their label maps in another order as unpaired
label maps; the pairs are k-medoids of these 200. Scores are on val. A run that was finished before is not
trained again.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.encoders import embed_files, load_encoder
from models.evaluation import EvaluationItem, evaluate
from models.recipes import METHODS, build
from models.selection import select
from models.training import RunDirectory, train
from models.translation import Translator

SCORES = ("mean_iou", "mean_iou_present", "pixel_accuracy", "mean_accuracy")
console = Console()


@dataclass(frozen=True)
class Run:
    """One trained and scored model."""

    method: str
    seed: int
    scores: dict[str, float]


def main() -> None:
    arguments = _arguments()
    photos = sorted((arguments.data / "train" / "images").iterdir())
    unpaired, pairs = _selected(photos, arguments.unpaired, arguments.budget, arguments.encoder)
    console.print(f"{len(photos)} train photos, {len(unpaired)} unpaired, {len(pairs)} pairs")
    runs = []
    for seed in arguments.seeds:
        for method in METHODS:
            spec = build(arguments.recipe, method, total_steps=arguments.steps, seed=seed)
            folder = arguments.work / f"{arguments.recipe}-{method}-{len(pairs)}-{arguments.steps}-{seed}"
            _write_run(folder, spec.to_json(), arguments.data, pairs, unpaired, seed)
            train(folder, arguments.device)
            runs.append(Run(method, seed, _scored(folder, arguments.data)))
            console.print(f"{method}, seed {seed}: mean IoU {runs[-1].scores['mean_iou']:.3f}")
    console.print(_table(runs))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(_report(arguments, pairs, runs), indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=int, default=20)
    parser.add_argument("--unpaired", type=int, default=200)
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--encoder", default="efficientnet_lite0")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--work", type=Path, default=Path("benchmarks/runs"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/camvid_methods.json"))
    return parser.parse_args()


def _selected(photos: list[Path], count: int, budget: int, encoder: str) -> tuple[list[Path], list[Path]]:
    """`count` k-medoids of all photos, and `budget` k-medoids of these."""
    embeddings, failures = embed_files(load_encoder(encoder, device="cpu"), photos)
    if failures:
        sys.exit(f"{photos[failures[0].index]} cannot be read: {failures[0].reason}")
    rows = [pick.index for pick in select("kmedoids", embeddings, min(count, len(photos))).picks]
    picks = [rows[pick.index] for pick in select("kmedoids", embeddings[rows], budget).picks]
    return [photos[row] for row in rows], [photos[row] for row in picks]


def _write_run(
    folder: Path, spec: dict[str, Any], data: Path, pairs: list[Path], unpaired: list[Path], seed: int
) -> None:
    shuffled = random.Random(seed).sample(unpaired, len(unpaired))
    samples = sorted((data / "val" / "images").iterdir())[::15]
    manifest = {
        "class_table": json.loads((data / "classes.json").read_text()),
        "pairs": [[_absolute(photo), _label_map(photo)] for photo in pairs],
        "unpaired_photos": [_absolute(photo) for photo in unpaired],
        "unpaired_label_maps": [_label_map(photo) for photo in shuffled],
        "samples": [[_absolute(photo), _label_map(photo)] for photo in samples],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _scored(folder: Path, data: Path) -> dict[str, float]:
    translator = Translator.load(RunDirectory(folder).model)
    photos = sorted((data / "val" / "images").iterdir())
    items = [EvaluationItem(photo.stem, photo, Path(_label_map(photo))) for photo in photos]
    scores = evaluate(translator, track(items, f"Scoring {folder.name}", console=console)).to_json()
    return {name: scores[name] for name in (*SCORES, "doubtful_share")}


def _absolute(path: Path) -> str:
    return str(path.absolute())


def _label_map(photo: Path) -> str:
    return str(photo.absolute().parent.parent / "labels" / f"{photo.stem}.png")


def _of(runs: list[Run], method: str, score: str) -> list[float]:
    return [run.scores[score] for run in runs if run.method == method]


def _table(runs: list[Run]) -> Table:
    table = Table("method", *(score.replace("_", " ") for score in SCORES))
    for method in METHODS:
        columns = [_of(runs, method, score) for score in SCORES]
        table.add_row(method, *(_mean_and_deviation(column) for column in columns))
    return table


def _mean_and_deviation(values: list[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{deviation}"


def _report(arguments: argparse.Namespace, pairs: list[Path], runs: list[Run]) -> dict[str, Any]:
    options = {name: value for name, value in vars(arguments).items() if name not in ("data", "work", "out")}
    return {
        "data": arguments.data.name,
        "options": options,
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "torch": torch.__version__,
        },
        "pairs": [photo.name for photo in pairs],
        "runs": [asdict(run) for run in runs],
    }


if __name__ == "__main__":
    main()
