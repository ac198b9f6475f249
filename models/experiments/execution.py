"""Runs an experiment's trainings in several processes at a time, and skips finished ones."""

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from models.catalog import PHOTOS_TO_LABELS
from models.experiments.experiment import Experiment
from models.experiments.run import Run
from models.experiments.scoring import IN_USE, scores_path

TICK_S = 1.0
GPU_SHARE = 0.9
"""The share of a GPU's free memory that simultaneous runs may fill together."""

CONTEXT_BYTES = 2**29
"""The GPU memory that a process takes in addition to its tensors."""


@dataclass(frozen=True)
class Progress:
    """How far an experiment is. `running` holds keys of runs; `failed` holds the reason by key."""

    runs_done: int
    runs: int
    steps_done: int
    steps: int
    running: tuple[str, ...]
    failed: dict[str, str]


@dataclass(frozen=True)
class Task:
    """A run to train, and to score in one direction."""

    run: Run
    direction: str
    scorer: Run | None

    def finished(self, work: Path) -> bool:
        """Whether its scores exist."""
        scorer = self.scorer.directory(work) if self.scorer else None
        return scores_path(self.run.directory(work), self.direction, scorer).exists()


def tasks_of(experiment: Experiment) -> list[list[Task]]:
    """The tasks in stages: a task needs only results of earlier stages."""
    tasks = [Task(run, experiment.direction, experiment.scorer) for run in experiment.runs]
    if experiment.scorer is None:
        return [tasks]
    return [[Task(experiment.scorer, PHOTOS_TO_LABELS, None)], tasks]


def execute(
    experiment: Experiment,
    work: Path,
    *,
    device: str = "auto",
    parallel: int | None = None,
    on_progress: Callable[[Progress], object] = lambda progress: None,
) -> dict[str, str]:
    """Train and score every unfinished run of an experiment; return the reasons of failed runs by key.

    `parallel` processes run at a time: by default one per core, or as many as fit into a GPU's memory. A
    failed run stops no other run, except if it was needed to score them. However this process ends, the
    processes it started end too; called again, it continues where they stopped. It waits for runs that
    another process is training.
    """
    return _Execution(tasks_of(experiment), work, device, parallel, on_progress).run()


@dataclass
class _Execution:
    stages: list[list[Task]]
    work: Path
    device: str
    parallel: int | None
    on_progress: Callable[[Progress], object]
    running: dict[str, tuple[Task, subprocess.Popen[bytes]]] = field(default_factory=dict)
    waiting: deque[Task] = field(default_factory=deque)
    failed: dict[str, str] = field(default_factory=dict)
    free: int = 0

    def run(self) -> dict[str, str]:
        try:
            for stage in self.stages:
                if self.failed:
                    why = f"its scorer failed: {next(iter(self.failed.values()))}"
                    self.failed |= {task.run.key: why for task in stage if not task.finished(self.work)}
                    break
                self._run_all([task for task in stage if not task.finished(self.work)])
        finally:
            for _, process in self.running.values():
                process.terminate()
            for _, process in self.running.values():
                process.communicate()
        self.on_progress(self._progress())
        return self.failed

    def _run_all(self, tasks: list[Task]) -> None:
        self.waiting = deque(tasks)
        while self.waiting or self.running:
            while self.waiting and len(self.running) < self._slots():
                self._start(self.waiting.popleft())
            self._reap()
            self.on_progress(self._progress())
            time.sleep(TICK_S)

    def _start(self, task: Task) -> None:
        run = task.run.prepare(self.work)
        command = [sys.executable, "-m", "models.experiments", str(run.path), str(task.run.data.directory)]
        command += ["--direction", task.direction, "--device", self.device]
        if task.scorer:
            command += ["--scorer", str(task.scorer.directory(self.work).path)]
        # If several processes run, each has one thread: more would only get in each other's way.
        threads = {} if self._slots() == 1 else {"OMP_NUM_THREADS": "1"}
        with open(run.path / "log.txt", "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=os.environ | threads
            )
        self.running[task.run.key] = task, process

    def _reap(self) -> None:
        for key, (task, process) in list(self.running.items()):
            if process.poll() is not None:
                del self.running[key]
                process.communicate()  # closes its standard input
                if process.returncode == IN_USE:
                    self.waiting.append(task)
                elif process.returncode or not task.finished(self.work):
                    self.failed[key] = _last_line(task.run.directory(self.work).path, process.returncode)

    def _slots(self) -> int:
        if self.parallel:
            return self.parallel
        if not _on_gpu(self.device):
            return os.cpu_count() or 1
        first = next(iter(self.running.values()), None)
        if first is None:
            self.free = torch.cuda.mem_get_info("cuda" if self.device == "auto" else self.device)[0]
            return 1
        return _fitting(first[0].run.directory(self.work).estimate, self.free)

    def _progress(self) -> Progress:
        tasks = [task for stage in self.stages for task in stage]
        return Progress(
            runs_done=sum(task.finished(self.work) for task in tasks),
            runs=len(tasks),
            steps_done=sum(_steps_done(self.work, task) for task in tasks),
            steps=sum(task.run.steps for task in tasks),
            running=tuple(self.running),
            failed=dict(self.failed),
        )


def _steps_done(work: Path, task: Task) -> int:
    if task.finished(work):
        return task.run.steps
    lines = task.run.directory(work).read_metrics()
    return int(lines[-1]["step"]) if lines else 0


def _on_gpu(device: str) -> bool:
    return device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())


def _fitting(estimate: Path, free_bytes: int) -> int:
    """How many runs with this estimate fit, at most one per core; one until the estimate exists."""
    if not estimate.exists():
        return 1
    needed = json.loads(estimate.read_text(encoding="utf-8"))["memory_bytes"] + CONTEXT_BYTES
    return max(1, min(os.cpu_count() or 1, int(GPU_SHARE * free_bytes / needed)))


def _last_line(run_dir: Path, code: int) -> str:
    lines = (run_dir / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines and code > 0 else f"the process ended with {code}"
