"""Trains one run and scores its model: `python -m models.experiments RUN_DIR …`."""

import json
import time
from pathlib import Path
from typing import Any

from models.evaluation import (
    EVALUATION_VERSION,
    Evaluation,
    EvaluationItem,
    RgbEvaluation,
    constant_baseline,
    evaluate,
    evaluate_photos,
)
from models.experiments.dataset import Dataset
from models.files import write_text
from models.machine import describe_machine
from models.training.run_directory import RunDirectory
from models.training.trainer import train
from models.translation.translator import Translator, choose_device

IN_USE = 75
"""Exit code when another process is training the run (EX_TEMPFAIL)."""


def train_and_score(
    run: RunDirectory, data: Dataset, direction: str, scorer: RunDirectory | None, device: str
) -> None:
    """Train the run, and score its model on the val photos, unless that is done already.

    Leaves `result.json`, the scores and, if the training was not resumed, its cost in the run directory.
    Raises what `train` and `evaluate` raise; a model that cannot be scored stays.
    """
    resumed, start = bool(run.read_metrics()), time.process_time()
    train(run.path, device)
    if not resumed:
        scoring = sum(line.get("validation_core_seconds", 0.0) for line in run.read_metrics())
        cost = {"core_seconds": round(time.process_time() - start - scoring, 1)}
        write_text(cost_path(run), json.dumps(cost) + "\n")
    path = scores_path(run, direction, scorer)
    if not path.exists():
        scores = _scores(run, data, direction, scorer, device)
        write_text(path, json.dumps(scores, indent=1) + "\n")


def cost_path(run: RunDirectory) -> Path:
    """The file with the seconds of CPU cores that the training took, without the scores of its curve."""
    return run.path / "cost.json"


def scores_path(run: RunDirectory, direction: str, scorer: RunDirectory | None) -> Path:
    """The file with a run's scores in one direction, measured by `scorer` if the direction needs one."""
    by = f"-{scorer.path.name}" if scorer else ""
    return run.path / f"scores-v{EVALUATION_VERSION}-{direction}{by}.json"


def _scores(
    run: RunDirectory, data: Dataset, direction: str, scorer: RunDirectory | None, device: str
) -> dict[str, Any]:
    translator = Translator.load(run.model, device, direction)
    items = [EvaluationItem(name, *data.pair("val", name)) for name in data.val]
    evaluation: Evaluation | RgbEvaluation
    if scorer:
        evaluation = evaluate_photos(translator, Translator.load(scorer.model, device), items)
    elif data.class_table:
        evaluation = evaluate(translator, items)
    else:
        constants = constant_baseline(data.label_map("train", name) for name in data.train)
        evaluation = evaluate(translator, items, constant_color=constants)
    per_image = [{"name": image.name, **image.to_json()} for image in evaluation.per_image]
    return evaluation.to_json() | {"per_image": per_image, "machine": describe_machine(choose_device(device))}
