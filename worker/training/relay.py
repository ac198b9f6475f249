"""Reports what a training writes into its run directory, while it trains."""

import json
from typing import Any

from models.training.run_directory import RunDirectory
from worker.attempt import Attempt

TAIL_BYTES = 64 * 1024


class Relay:
    """Reports the training's estimate, and at each call the metric lines and the sample sheets that are new,
    and the end of the log if it has grown.
    """

    def __init__(self, attempt: Attempt, run: RunDirectory) -> None:
        self._attempt = attempt
        self._run = run
        self._relayed = -1
        self._drawn = 0
        self._printed = 0
        self._has_estimate = False

    def __call__(self) -> None:
        if not self._has_estimate and (estimate := _read_estimate(self._run)):
            self._has_estimate = self._attempt.estimated(estimate)
        lines = [line for line in self._run.read_metrics() if line["step"] > self._relayed]
        if lines and self._attempt.report(lines[-1]["step"], lines[-1]["total"], lines):
            self._relayed = lines[-1]["step"]
        for step, sheet in self._run.sample_sheets():
            if step > self._drawn and self._attempt.drawn(step, sheet):
                self._drawn = step
        size = self._run.log.stat().st_size
        if size > self._printed and self._attempt.printed(self._tail(size)):
            self._printed = size

    def _tail(self, size: int) -> str:
        """The end of the log; its first line may be cut. PostgreSQL stores no NUL in a text."""
        with self._run.log.open("rb") as file:
            file.seek(max(0, size - TAIL_BYTES))
            return file.read().decode(errors="replace").replace("\0", "")


def _read_estimate(run: RunDirectory) -> dict[str, Any] | None:
    """The estimate, or None if the training has not written it completely yet."""
    try:
        estimate: dict[str, Any] = json.loads(run.estimate.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return estimate
