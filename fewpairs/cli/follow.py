"""Follows a job: a terminal shows a bar with the losses, a log has a few lines."""

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from fewpairs.cli.output import duration
from fewpairs.jobs import Job

LOG_LINES = 5


def follow_training(console: Console, job: Job, label: str) -> Job:
    """Follow a training until it has succeeded. Raises JobFailed."""
    told, has_estimate = 0, False
    on_one_line = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[losses]}", table_column=on_one_line),
        console=console,
        expand=True,
        disable=not console.is_terminal,
    )
    with progress:
        task = progress.add_task(label, total=None, losses="waiting for a worker")
        for event in job.events():
            if event.kind == "state":
                if job.state == "running" and told == 0:
                    progress.update(task, losses="starting")
                if job.estimate and not has_estimate:
                    has_estimate = True
                    console.print(f"{label}: {_in_words(job.estimate)}", soft_wrap=True)
                continue
            step, total = int(event.data["step"]), int(event.data["total"])
            losses = _losses(event.data["losses"])
            progress.update(task, completed=step, total=total, losses=losses)
            if not console.is_terminal and step * LOG_LINES // total > told:
                console.print(f"{label}: step {step} of {total}  {losses}", soft_wrap=True)
            told = max(told, step * LOG_LINES // total)
    return job.require_success()


def wait_with_status(console: Console, job: Job, label: str) -> Job:
    """Wait for a job without losses. Raises JobFailed."""
    if not console.is_terminal:
        return job.wait()
    with console.status(label) as status:
        return job.wait(lambda seen: status.update(f"{label}: {seen.state}, {seen.progress:.0%}"))


def _in_words(estimate: Mapping[str, float]) -> str:
    rate, memory = estimate["steps_per_second"], estimate["memory_bytes"] / 2**30
    return f"will need about {duration(estimate['seconds'])}, {rate:.3g} steps/s, {memory:.2g} GiB of memory"


def _losses(losses: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
