"""Writes an experiment's report in Markdown, with a table like the paper's."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.evaluation import TOLERANCES
from models.experiments.results import Results, RowResult, RunResult, Spread

CLASS_SCORES = {
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "mean_iou": "mean IoU",
    "mean_iou_present": "mean IoU (present)",
    "doubtful_share": "doubtful",
}
OF_PROBABILITIES = {
    "expected_calibration_error": "calibration error",
    "errors_in_least_sure": "errors in the least sure fifth",
}
"""Scores of models that give probabilities."""
PAPER_SCORES = ("pixel accuracy", "mean accuracy", "mean IoU")
RGB_SCORES = {
    name: heading
    for tolerance in reversed(TOLERANCES)
    for name, heading in (
        (f"within_{tolerance}", f"within {tolerance}"),
        (f"constant_{tolerance}", f"constant, within {tolerance}"),
    )
} | {"mean_absolute_error": "mean absolute error"}
NONE = "–"


def markdown(report: Mapping[str, Any], results: Results, columns: Sequence[str], command: str) -> str:
    """The report: what was run, the table, and what failed. `report` is the content of the JSON file."""
    parts = [
        f"# {report['title']}",
        _setting(report),
        f"```sh\n{command}\n```",
        _table(results.rows, columns, RGB_SCORES if report["rgb"] else _class_scores(results.rows)),
        _reading(report["rgb"]),
    ]
    if results.scorer:
        parts.append(_scorer(results.scorer))
    parts += _listed("Notes of the trainings:", _notes(results.rows))
    failed = [f"`{key}`: {reason}" for key, reason in report["failed"].items()]
    return "\n\n".join(parts + _listed("Failed:", failed)) + "\n"


def _setting(report: Mapping[str, Any]) -> str:
    data = report["data"]
    return (
        f"Data set {data['name']} ({data['train']} train and {data['val']} val photos),"
        f" scale {report['scale']}, {_steps(report['steps'])} steps a training, seeds: {report['seeds']},"
        f" draws of random pairs: {report['draws']}, encoder {report['encoder']}."
        f" Trained on {' and on '.join(map(_machine, report['machines'])) or 'no machine yet'}."
    )


def _steps(numbers: Sequence[int]) -> str:
    least, most = f"{numbers[0]:,}", f"{numbers[-1]:,}"
    return least if least == most else f"{least} to {most}"


def _machine(machine: Mapping[str, Any]) -> str:
    of = f" of {machine['processor']}" if machine["processor"] else ""
    return (
        f"{machine['cores']} cores{of}, device {machine['device']}, {machine['threads']} threads a training,"
        f" torch {machine['torch']}, Python {machine['python']}"
    )


def _reading(rgb: bool) -> str:
    text = (
        "Ours: mean ± standard deviation over n trainings, the last weights scored on all val photos. Core"
        " minutes: of a training on one core, without the scores of its curve."
    )
    if rgb:
        return text + (
            " Within t: the share of pixels whose largest channel difference is below t of 255;"
            " constant: what the one colour that is right for the most training pixels scores there."
        )
    return text + (
        " In mean accuracy and mean IoU a class that no val photo has counts 0; mean IoU (present) leaves it"
        " out. Doubtful: the share of pixels where a second class was almost as good."
    )


def _scorer(scorer: RunResult) -> str:
    score = scorer.scores.get("mean_iou", 0.0)
    pairs = len(scorer.run.pairs)
    return (
        f"Generated photos are read by {scorer.run.spec.method}, trained on {pairs} pairs;"
        f" on the real val photos it has a mean IoU of {score:.3f}."
    )


def _table(rows: Sequence[RowResult], columns: Sequence[str], scores: Mapping[str, str]) -> str:
    paper = _paper_headings(rows)
    head = [*columns, *scores.values(), "core minutes", "n", *paper]
    lines = [head, [*["---"] * len(columns), *["---:"] * (len(head) - len(columns))]]
    for row in rows:
        spreads = row.scores
        ours = [_shown(name, spreads.get(name)) for name in scores]
        theirs = [f"{score:.3f}" for score in row.paper] or [NONE] * len(paper)
        minutes = NONE if row.core_minutes is None else f"{row.core_minutes:.1f}"
        lines.append([*row.cells, *ours, minutes, _count(row), *theirs])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _class_scores(rows: Sequence[RowResult]) -> Mapping[str, str]:
    """The headings of the scores by classes, with those of probabilities if a row has them."""
    found = {name for row in rows for name in row.scores}
    return CLASS_SCORES | {name: text for name, text in OF_PROBABILITIES.items() if name in found}


def _paper_headings(rows: Sequence[RowResult]) -> list[str]:
    """Column headings: the paper gives one score for satellite → map, and three for Cityscapes."""
    count = max((len(row.paper) for row in rows), default=0)
    if count == 1:
        return ["within 20, paper (Maps, 256²)"]
    return [f"{heading}, paper (Cityscapes)" for heading in PAPER_SCORES][:count]


def _shown(name: str, spread: Spread | None) -> str:
    if spread is None:
        return NONE
    digits = 2 if name == "mean_absolute_error" else 3
    mean = f"{spread.mean:.{digits}f}"
    # The constant colour's score is the same for every training.
    return mean if spread.sd is None or name.startswith("constant") else f"{mean} ± {spread.sd:.{digits}f}"


def _count(row: RowResult) -> str:
    finished = len(row.runs)
    return str(finished) if finished == row.planned else f"{finished} of {row.planned}"


def _notes(rows: Sequence[RowResult]) -> list[str]:
    """What trainings of a method noted, without numbers, which differ from training to training."""
    noted = [
        f"{run.run.spec.method}: {name.replace('_', ' ')} {str(value).lower()}"
        for row in rows
        for run in row.runs
        for name, value in run.notes.items()
        if not isinstance(value, float)
    ]
    return list(dict.fromkeys(noted))


def _listed(heading: str, entries: Sequence[str]) -> list[str]:
    return [heading + "\n\n" + "\n".join(f"- {entry}" for entry in entries)] if entries else []
