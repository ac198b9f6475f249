"""The report on the strategies: tables in Markdown, a figure, and every score as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from models.experiments.report import Report
from models.experiments.setting import Setting
from models.experiments.strategies.cells import SIZE
from models.experiments.strategies.figure import strategies_figure
from models.experiments.strategies.outcomes import CONTROL, Outcome, outcomes
from models.experiments.strategies.trials import POOL_SHARE, Scored
from models.files import atomic_write, write_text
from models.machine import describe_machine

KINDS = {"rest": "train photos that were not picked", "val": "val photos"}


def write_strategies(setting: Setting, scored: Sequence[Scored], out: Path, command: str) -> Report:
    """Write strategies.json, strategies.md and strategies.png into `out`; `command` is the line to print."""
    found = {kind: outcomes(scored, kind) for kind in KINDS}
    content = _content(setting, scored, found)
    text = _markdown(content, found, command) + "\n![Mean IoU over the budget](strategies.png)\n"
    files = tuple(out / f"strategies.{suffix}" for suffix in ("json", "md", "png"))
    write_text(files[0], json.dumps(content, indent=1) + "\n")
    write_text(files[1], text)
    with atomic_write(files[2]) as temporary:
        title = f"Selection strategies on {setting.data.name}"
        panels = {heading: found[kind] for kind, heading in KINDS.items()}
        strategies_figure(title, panels).savefig(temporary, format="png")
    return Report(text, files)


def _content(
    setting: Setting, scored: Sequence[Scored], found: Mapping[str, list[Outcome]]
) -> dict[str, Any]:
    data, fits = setting.data, {one.trial.picks: one.seconds for one in scored}
    return {
        "experiment": "strategies",
        "data": {"name": data.name, "digest": data.digest, "train": len(data.train), "val": len(data.val)},
        "encoder": setting.encoder,
        "pools": setting.seeds,
        "draws": setting.draws,
        "fits": len(fits),
        "fit_seconds": round(sum(fits.values())),
        "machine": describe_machine(torch.device("cpu")),
        "rows": [_row(outcome) for kind in KINDS for outcome in found[kind]],
    }


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "kind": outcome.kind,
        "strategy": outcome.strategy,
        "budget": outcome.budget,
        "mean": asdict(outcome.mean),
        "difference": outcome.difference and asdict(outcome.difference),
        "unlucky": outcome.unlucky,
        "scores": [round(score, 4) for score in outcome.scores],
    }


def _markdown(content: Mapping[str, Any], found: Mapping[str, list[Outcome]], command: str) -> str:
    data = content["data"]
    parts = [
        f"# Selection strategies on {data['name']}",
        f"{data['train']} train and {data['val']} val photos of about {SIZE}² pixels, encoder"
        f" {content['encoder']}, {content['pools']} pools of {POOL_SHARE:.0%} of the train photos,"
        f" {content['draws']} random draws, {content['fits']:,} fits in"
        f" {content['fit_seconds'] / 60:.0f} minutes of one core.",
        f"```sh\n{command}\n```",
        "Mean IoU of the probe ± half of the 95 % interval; below it the difference to the average random"
        " draw from the same pools, bold if its 95 % interval excludes 0.",
    ]
    for kind, heading in KINDS.items():
        parts += [f"## On {heading}", _table(found[kind])]
    return "\n\n".join(parts) + "\n"


def _table(found: Sequence[Outcome]) -> str:
    """Rows are strategies, columns budgets; the last row is where one random draw in twenty ends."""
    budgets = list(dict.fromkeys(outcome.budget for outcome in found))
    cells = {(outcome.strategy, outcome.budget): _cell(outcome) for outcome in found}
    rows = [["strategy", *map(str, budgets)], ["---", *["---:"] * len(budgets)]]
    for strategy in dict.fromkeys(outcome.strategy for outcome in found):
        rows.append([f"`{strategy}`", *(cells[strategy, budget] for budget in budgets)])
    unlucky = [f"{outcome.unlucky:.3f}" for outcome in found if outcome.strategy == CONTROL]
    rows.append([f"`{CONTROL}`, 5 % quantile", *unlucky])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(outcome: Outcome) -> str:
    text = f"{outcome.mean.mean:.3f} ± {outcome.mean.half:.3f}"
    if outcome.difference is None:
        return text
    gain = f"{outcome.difference.mean:+.3f} ± {outcome.difference.half:.3f}"
    return f"{text}<br>{f'**{gain}**' if outcome.difference.excludes_zero else gain}"
