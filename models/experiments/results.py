"""The results of an experiment's finished runs, read from their run directories."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, Self, TypeVar

from models.catalog import METHODS, PHOTOS_TO_LABELS
from models.experiments import paper_scores
from models.experiments.experiment import Experiment
from models.experiments.run import Run
from models.experiments.scoring import cost_path, scores_path
from models.training.run_directory import RunDirectory

Scores = dict[str, float]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation of n numbers; a single number has no deviation (None)."""

    mean: float
    sd: float | None
    n: int

    @classmethod
    def of(cls, values: list[float]) -> Self:
        return cls(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


@dataclass(frozen=True)
class CurvePoint:
    """Scores on the validation photos after `step` steps and `seconds` of training, scoring excluded."""

    step: int
    seconds: float
    scores: Scores


@dataclass(frozen=True)
class RowPoint:
    """Several runs after the same step: the median of their seconds, and the spread of their main score."""

    step: int
    seconds: float
    score: Spread

    @classmethod
    def of(cls, points: list[CurvePoint]) -> Self:
        name = main_score(points[0].scores)
        score = Spread.of([point.scores[name] for point in points])
        return cls(points[0].step, median(point.seconds for point in points), score)


@dataclass(frozen=True)
class RunResult:
    """A finished run: its scores on all val photos, and the course of its training."""

    run: Run
    model: Path
    scores: Scores
    curve: tuple[CurvePoint, ...]
    steps_per_second: float
    core_minutes: float | None
    """Minutes of CPU cores that the training took, scoring excluded. None if unknown."""
    peak_memory_bytes: int
    notes: dict[str, Any]
    machine: dict[str, Any]


@dataclass(frozen=True)
class RowResult:
    """A row of the table with its finished runs, out of `planned` ones; `label` is its cells in words."""

    cells: tuple[str, ...]
    label: str
    paper: paper_scores.Scores
    planned: int
    runs: tuple[RunResult, ...]

    @property
    def scores(self) -> dict[str, Spread]:
        """Each score's spread over the runs; empty without runs."""
        names = self.runs[0].scores if self.runs else {}
        return {name: Spread.of([run.scores[name] for run in self.runs]) for name in names}

    @property
    def core_minutes(self) -> float | None:
        """The median over the runs where it is known."""
        known = [run.core_minutes for run in self.runs if run.core_minutes is not None]
        return median(known) if known else None

    @property
    def curve(self) -> list[RowPoint]:
        """The mean over the runs, at the steps after which all of them were scored; empty without runs."""
        curves = [{point.step: point for point in run.curve} for run in self.runs]
        shared = [step for step in curves[0] if all(step in curve for curve in curves)] if curves else []
        return [RowPoint.of([curve[step] for curve in curves]) for step in shared]


@dataclass(frozen=True)
class Results:
    """All rows, and the run whose model scored generated photos."""

    rows: tuple[RowResult, ...]
    scorer: RunResult | None


def read_results(experiment: Experiment, work: Path) -> Results:
    """The finished runs under `work`. A run without scores, or whose files are missing, is left out."""
    scorer = _read_run(experiment.scorer, work, PHOTOS_TO_LABELS, None) if experiment.scorer else None
    rows = []
    for row in experiment.rows:
        found = [_read_run(run, work, experiment.direction, experiment.scorer) for run in row.runs]
        finished = tuple(run for run in found if run)
        rows.append(
            RowResult(row.cells, label_of(experiment.columns, row.cells), row.paper, len(row.runs), finished)
        )
    return Results(tuple(rows), scorer)


def main_score(scores: Mapping[str, Any]) -> str:
    """The name of the score to compare by: mean IoU, or, without classes, the share of pixels within 20."""
    return "mean_iou" if "mean_iou" in scores else "within_20"


def label_of(columns: tuple[str, ...], cells: tuple[str, ...]) -> str:
    """A row's cells in words: "200 unpaired, 20 paired, hybrid"."""
    named = zip(columns, cells, strict=True)
    return ", ".join(
        f"{cell} {column}" if cell[0].isdigit() else cell for column, cell in named if cell != "–"
    )


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of the items, evenly spaced, with the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def _read_run(run: Run, work: Path, direction: str, scorer: Run | None) -> RunResult | None:
    directory = run.directory(work)
    path = scores_path(directory, direction, scorer.directory(work) if scorer else None)
    lines = directory.read_metrics()
    if not (path.exists() and directory.result.exists() and lines):
        return None
    scores = json.loads(path.read_text(encoding="utf-8"))
    return RunResult(
        run=run,
        model=directory.model,
        scores=totals(scores),
        curve=_curve(lines, METHODS[run.spec.method].rehearsed),
        steps_per_second=median(line["steps_per_second"] for line in lines),
        core_minutes=_core_minutes(directory),
        peak_memory_bytes=max(line["peak_memory_bytes"] for line in lines),
        notes=json.loads(directory.result.read_text(encoding="utf-8")).get("notes") or {},
        machine=scores["machine"],
    )


def _core_minutes(directory: RunDirectory) -> float | None:
    path = cost_path(directory)
    if not path.exists():
        return None
    seconds: float = json.loads(path.read_text(encoding="utf-8"))["core_seconds"]
    return round(seconds / 60, 2)


def totals(scores: Mapping[str, Any]) -> Scores:
    """The numbers among an evaluation's scores. Scores by tolerance are named `within_20`,
    `constant_20` ….
    """
    flat = {name: score for name, score in scores.items() if isinstance(score, int | float)}
    for name in ("within", "constant"):
        flat |= {f"{name}_{tolerance}": share for tolerance, share in (scores.get(name) or {}).items()}
    return flat


def _curve(lines: list[dict[str, Any]], equal_steps: bool) -> tuple[CurvePoint, ...]:
    """The points of a run's curve. If all steps take equally long, seconds are steps at the run's median
    speed, so a busy machine does not matter; else they are what the steps took.
    """
    steps = [line["step"] - before["step"] for before, line in pairwise([{"step": 0}, *lines])]
    speeds = [line["steps_per_second"] for line in lines]
    if equal_steps:
        speeds = [median(speeds)] * len(speeds)
    seconds = accumulate(count / speed for count, speed in zip(steps, speeds, strict=True))
    return tuple(
        CurvePoint(line["step"], passed, totals(line["validation"]))
        for line, passed in zip(lines, seconds, strict=True)
        if "validation" in line
    )
