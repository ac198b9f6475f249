"""`fewpairs experiment strategies`"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fewpairs.cli.output import console, counted, file_progress

if TYPE_CHECKING:
    from models.experiments import Setting
    from models.experiments.report import Report


def compare_strategies(setting: "Setting", work: Path, out: Path, parallel: int | None) -> "Report":
    """Train a probe on the photos of every selection, and write the report."""
    from models.experiments.strategies.cells import dataset_cells
    from models.experiments.strategies.report import write_strategies
    from models.experiments.strategies.trials import planned, run, selections

    data = setting.data
    with file_progress() as bar:
        views = bar.add_task("Features of photos", total=2 * len(data.train) + len(data.val))
        cells = dataset_cells(data, setting.encoder, work, lambda: bar.advance(views))
        picking = bar.add_task("Selections", total=selections(setting))
        trials = planned(setting, lambda: bar.advance(picking))
        fitting = bar.add_task("Trainings", total=None)
        scored = run(
            trials,
            cells,
            setting,
            work,
            parallel,
            lambda done, total: bar.update(fitting, completed=done, total=total),
        )
    console.print(f"{data.name}: {counted(len(trials), 'selection')} by {setting.encoder}")
    return write_strategies(setting, scored, out, " ".join(["fewpairs", *sys.argv[1:]]))
