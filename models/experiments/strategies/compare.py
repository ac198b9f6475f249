"""The experiment from photos to report."""

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from models.experiments.report import Report
from models.experiments.setting import Setting
from models.experiments.strategies.cells import dataset_cells
from models.experiments.strategies.report import write_strategies
from models.experiments.strategies.trials import planned, run, selections


def compare_strategies(
    setting: Setting,
    work: Path,
    out: Path,
    command: str,
    *,
    parallel: int | None = None,
    on_progress: Callable[[str, int, int], object] = lambda stage, done, total: None,
) -> Report:
    """Train a probe on the photos of every selection, and write the report into `out`.

    `parallel` probes are fitted at a time, by default one per core. What was computed stays in `work`: called
    again, the experiment goes on where it stopped. `on_progress` gets the stage, and how much of it is done.
    Raises as `dataset_cells` does.
    """

    def counted(stage: str, total: int) -> Callable[[], object]:
        done = count(1)
        return lambda: on_progress(stage, next(done), total)

    data = setting.data
    photos = 2 * len(data.train) + len(data.val)
    cells = dataset_cells(data, setting.encoder, work, counted("features", photos))
    trials = planned(setting, work, counted("selections", selections(setting)))
    scored = run(trials, cells, setting, work, parallel, partial(on_progress, "trainings"))
    return write_strategies(setting, scored, out, command)
