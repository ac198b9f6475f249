"""The report of an experiment: a table with the paper's scores, learning curves, and a sheet of samples."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.catalog import PHOTOS_TO_LABELS
from models.experiments.experiment import Experiment
from models.experiments.learning_curves import learning_curves
from models.experiments.markdown import markdown
from models.experiments.results import Results, RowResult, RunResult, evenly, read_results
from models.experiments.run import CURVE_PHOTOS, SAMPLES, every_nth
from models.experiments.setting import Setting
from models.files import atomic_write, write_text
from models.translation.sample_sheet import comparison_sheet
from models.translation.translator import Translator

SHEET_COLUMNS = 7


@dataclass(frozen=True)
class Report:
    """The table as Markdown text, and the files that were written."""

    markdown: str
    files: tuple[Path, ...]


def write_report(
    name: str,
    experiment: Experiment,
    setting: Setting,
    work: Path,
    out: Path,
    failed: Mapping[str, str],
    command: str,
) -> Report:
    """Write NAME.json, NAME.md, NAME-curves.png and NAME-sheet.png into `out`, from the runs under `work`.

    Only finished runs count, so a row may have fewer runs than planned, or none. `failed` holds by key why
    runs failed; `command` is the command line to print. Without a finished run to show there are no pictures.
    """
    results = read_results(experiment, work)
    content = _content(name, experiment, setting, results, failed)
    pictures = {
        out / f"{name}-curves.png": "Learning curves",
        out / f"{name}-sheet.png": "Photos and their translations",
    }
    if any(row.runs for row in _pictured(experiment, results)):
        for path, draw in zip(pictures, (_draw_curves, _draw_sheet), strict=True):
            with atomic_write(path) as temporary:
                draw(experiment, setting, results, temporary)
    else:
        for path in pictures:
            path.unlink(missing_ok=True)
    shown = {path: title for path, title in pictures.items() if path.exists()}
    text = markdown(content, results, experiment.columns, command)
    text += "".join(f"\n![{title}]({path.name})\n" for path, title in shown.items())
    texts = {out / f"{name}.json": json.dumps(content, indent=1) + "\n", out / f"{name}.md": text}
    for path, written in texts.items():
        write_text(path, written)
    return Report(text, (*texts, *shown))


def _machines(results: Results) -> list[dict[str, Any]]:
    """The different machines that runs were made on."""
    machines = [run.machine for row in results.rows for run in row.runs]
    return [machine for i, machine in enumerate(machines) if machine not in machines[:i]]


def _content(
    name: str, experiment: Experiment, setting: Setting, results: Results, failed: Mapping[str, str]
) -> dict[str, Any]:
    data = setting.data
    return {
        "experiment": name,
        "title": experiment.title,
        "direction": experiment.direction,
        "data": {
            "name": data.name,
            "digest": data.digest,
            "train": len(data.train),
            "val": len(data.val),
        },
        "rgb": data.class_table is None,
        "scale": setting.scale,
        "steps": sorted({run.steps for run in experiment.runs}),
        "seeds": setting.seeds,
        "draws": setting.draws,
        "encoder": setting.encoder,
        "machines": _machines(results),
        "columns": experiment.columns,
        "rows": [_row(row) for row in results.rows],
        "scorer": results.scorer and _run(results.scorer),
        "failed": {key: _without_folders(reason) for key, reason in failed.items()},
    }


def _row(row: RowResult) -> dict[str, Any]:
    return {
        "cells": row.cells,
        "paper": row.paper,
        "planned": row.planned,
        "scores": {name: asdict(spread) for name, spread in row.scores.items()},
        "runs": [_run(run) for run in row.runs],
    }


def _run(result: RunResult) -> dict[str, Any]:
    return {
        "key": result.run.key,
        "seed": result.run.spec.seed,
        "scores": result.scores,
        "curve": [
            {"step": point.step, "seconds": round(point.seconds, 3)} | point.scores for point in result.curve
        ],
        "steps_per_second": result.steps_per_second,
        "core_minutes": result.core_minutes,
        "peak_memory_bytes": result.peak_memory_bytes,
        "notes": result.notes,
    }


def _without_folders(text: str) -> str:
    """The text with every absolute path cut to its last part, because a report may be published."""
    return re.sub(r"(?<![\w./])/(?:[^\s/'\"]+/)+", "", text)


def _pictured(experiment: Experiment, results: Results) -> list[RowResult]:
    """The results of the rows to draw."""
    wanted = {row.cells for row in experiment.pictured or experiment.rows}
    return [row for row in results.rows if row.cells in wanted]


def _draw_curves(experiment: Experiment, setting: Setting, results: Results, path: Path) -> None:
    photos = len(every_nth(setting.data.val, CURVE_PHOTOS))
    score = "mean IoU" if setting.data.class_table else "share of pixels within 20 of 255"
    if experiment.direction != PHOTOS_TO_LABELS:
        score += " of photos → labels"
    rows = _pictured(experiment, results)
    figure = learning_curves(experiment.title, experiment.columns, rows, f"{score}, {photos} val photos")
    figure.savefig(path, format="png")


def _draw_sheet(experiment: Experiment, setting: Setting, results: Results, path: Path) -> None:
    data = setting.data
    rows = [row for row in _pictured(experiment, results) if row.runs]
    if not experiment.pictured:
        rows = evenly(rows, SHEET_COLUMNS)
    columns = [
        (row.label, Translator.load(row.runs[0].model, direction=experiment.direction)) for row in rows
    ]
    names = every_nth(data.val, SAMPLES)
    samples = [data.pair("val", name) for name in names]
    comparison_sheet(columns, samples).save(path, format="PNG")
