"""`fewpairs experiment`"""

import logging
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from fewpairs.cli.application import HERE, app
from fewpairs.cli.options import RECIPE_SIZES
from fewpairs.cli.output import complain, console, counted, file_progress
from fewpairs.errors import FewpairsError

if TYPE_CHECKING:
    from models.experiments import LabelSource, Report, Setting
    from models.experiments import Progress as Done

STRATEGIES = "strategies"


@app.command(rich_help_panel=HERE)
def experiment(
    name: Annotated[
        str,
        typer.Argument(
            help="table1 … table9 of the paper, comparison, curves, generators, precision or strategies.",
            show_default=False,
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="Folder with classes.json and train/ and val/, which hold images/ and labels/.",
            show_default=False,
        ),
    ],
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of trainings for each row; default: as in the paper.")
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of trainings for a row with random pairs; default: as in the paper."
        ),
    ] = None,
    scale: Annotated[str, typer.Option(help=RECIPE_SIZES)] = "tiny",
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps of every training; default: 20,000 at scale small, 1,000 at scale tiny, and at scale"
            " paper 200 epochs over the samples of the training.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            help="Label maps of another source as NAME=DIR; tables 3 and 7 need near=DIR and far=DIR."
        ),
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="Encoder for k-medoids; auto: resnet50 if its weights are available.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    parallel: Annotated[
        int | None,
        typer.Option(min=1, help="Number of trainings at the same time; default: as the machine allows."),
    ] = None,
    work: Annotated[
        Path, typer.Option(help="Folder of the trainings; finished trainings are not run again.")
    ] = Path("experiments"),
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report; default: WORK/NAME-DATA-SCALE.", show_default=False),
    ] = None,
) -> None:
    """Run a table of the paper on your data, without the service, and compare it with the paper."""
    paper_seeds, paper_draws = _paper_runs(name)
    if name == STRATEGIES and (steps or labels):
        raise FewpairsError(f"--steps and --labels have no effect on {STRATEGIES}: leave them out.")
    counts = {"steps": steps, "seeds": seeds or paper_seeds, "draws": draws or paper_draws}
    failed: dict[str, str] = {}
    try:
        setting = _setting(data, labels or [], encoder, work, scale=scale, **counts)
        if name == STRATEGIES:
            folder = out or work / f"{name}-{setting.data.name}"
            report = _compare_strategies(setting, work, folder, parallel)
        else:
            folder = out or work / f"{name}-{setting.data.name}-{scale}"
            report, failed = _run_table(name, setting, work, folder, device, parallel)
    except (ValueError, OSError) as error:
        raise FewpairsError(f"{error}".rstrip(".") + ".") from error
    console.print(report.markdown, markup=False, soft_wrap=True)
    for path in report.files:
        console.print(f"[green]✓[/] {path}", soft_wrap=True)
    for key, reason in failed.items():
        complain(f"{key} failed: {reason}")
    if failed:
        raise typer.Exit(1)


def _paper_runs(name: str) -> tuple[int, int]:
    """The paper's numbers of trainings for a row of experiment `name`, and for a row with random pairs."""
    try:
        from models.experiments import RUNS
    except ImportError as error:
        raise FewpairsError("Experiments need the models: run `pip install 'fewpairs[models]'`.") from error
    if name not in RUNS:
        raise FewpairsError(f"There is no experiment {name}: choose one of {', '.join(RUNS)}.")
    return RUNS[name]


def _setting(data: Path, labels: list[str], encoder: str, work: Path, **options: Any) -> "Setting":
    """The setting of an experiment with these options, after embedding the photos."""
    from models.experiments import Dataset, Setting, train_features

    dataset, sources = Dataset(data), _sources(labels)
    chosen = _encoder(encoder)
    with file_progress() as bar:
        task = bar.add_task(f"Embedding with {chosen}", total=len(dataset.train))
        embeddings, patches = train_features(
            dataset, chosen, work, lambda done, total: bar.update(task, completed=done)
        )
    return Setting(dataset, embeddings, encoder=chosen, sources=sources, patches=patches, **options)


def _compare_strategies(setting: "Setting", work: Path, out: Path, parallel: int | None) -> "Report":
    from models.experiments import compare_strategies

    _end_trainings_too()
    with _Stages() as stages:
        return compare_strategies(
            setting, work, out, _command_line(), parallel=parallel, on_progress=stages.show
        )


def _run_table(
    name: str, setting: "Setting", work: Path, out: Path, device: str, parallel: int | None
) -> "tuple[Report, dict[str, str]]":
    """The report, and the reasons of failed trainings."""
    from models.experiments import EXPERIMENTS, execute, write_report

    planned = EXPERIMENTS[name](setting)
    data = setting.data
    console.print(
        f"{data.name}: {len(data.train)} train and {len(data.val)} val photos;"
        f" {counted(len(planned.runs), 'training')} at scale {setting.scale}"
    )
    _end_trainings_too()
    with _Bar() as bar:
        failed = execute(planned, work, device=device, parallel=parallel, on_progress=bar.show)
    return write_report(name, planned, setting, work, out, failed, _command_line()), failed


def _end_trainings_too() -> None:
    """Let a signal to end do what ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _command_line() -> str:
    return " ".join(["fewpairs", *sys.argv[1:]])


def _sources(words: list[str]) -> "dict[str, LabelSource]":
    from models.experiments import LabelSource

    sources = {}
    for word in words:
        match = re.fullmatch(r"(\w+)=(.+)", word)
        if not match:
            raise FewpairsError(f"--labels takes NAME=DIR, near=synscapes for example, not {word}.")
        sources[match[1]] = LabelSource(match[1], Path(match[2]))
    return sources


def _encoder(name: str) -> str:
    """The encoder to use. Prints a line if it is not the paper's."""
    from models.encoders import ENCODERS, WeightsUnavailable, load_encoder

    if name != "auto":
        if name not in ENCODERS:
            raise FewpairsError(f"There is no encoder {name}: choose one of {', '.join(ENCODERS)}.")
        return name
    logging.basicConfig(format="%(message)s")
    logging.getLogger("models").setLevel(logging.INFO)  # how far a download of weights is
    try:
        load_encoder("resnet50")
        return "resnet50"
    except WeightsUnavailable as error:
        console.print(f"[yellow]![/] efficientnet_lite0 instead of resnet50: {error}", soft_wrap=True)
        return "efficientnet_lite0"


class _Stages:
    """A bar for each stage of an experiment; a log has a line for every tenth of it."""

    def __init__(self) -> None:
        self._bar = file_progress()
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, int] = {}

    def __enter__(self) -> "_Stages":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total)
        self._bar.update(self._tasks[stage], completed=done)
        if not console.is_terminal and 10 * done // max(1, total) > self._told.get(stage, -1):
            self._told[stage] = 10 * done // max(1, total)
            console.print(f"{done} of {total} {stage}")


class _Bar:
    """Shows the steps of all trainings and the time left; a log has a line for each finished training."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            speed_estimate_period=3600,
        )
        self._started = time.monotonic()
        self._first = 0
        self._task = self._bar.add_task("Training", total=None)
        self._told = -1

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, done: "Done") -> None:
        said = f"{done.runs_done} of {done.runs} trainings"
        self._bar.update(self._task, description=said, completed=done.steps_done, total=done.steps)
        if not console.is_terminal and done.runs_done > self._told:
            console.print(f"{said} done, {done.steps_done} of {done.steps} steps{self._left(done)}")
        self._told = done.runs_done

    def _left(self, done: "Done") -> str:
        """The time left at the pace since the start; steps of an earlier call do not count."""
        if self._told < 0:
            self._first = done.steps_done
        steps = done.steps_done - self._first
        if not steps:
            return ""
        seconds = (time.monotonic() - self._started) / steps * (done.steps - done.steps_done)
        return f", about {max(1, round(seconds / 60))} min left"
