"""The run directory: the plain files a training reads and writes.

spec.json               TrainingSpec
manifest.json           which files to train on (see `models.training.manifest`)
lock                    held by the one process that trains here
finish.json             asks to end before all steps are done; then says after which step
estimate.json           memory and time the training will take (see `models.training.rehearsal`)
metrics.jsonl           one line per logged step
log.txt                 what the process printed, if whoever started it keeps that
features/               features of photos, computed or brought (see `models.training.feature_store`)
start/                  weights that the translators start from, if there are any
samples/step-N.png      sample sheets
checkpoint.safetensors  everything needed to continue
model/                  the result
result.json             written last: the training is complete
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.catalog import TrainingSpec
from models.files import sync, write_text
from models.training.manifest import FEATURES, Manifest


class RunInUse(RuntimeError):
    """Another process is training in this run directory."""


class RunDirectory:
    """One run directory. The caller writes `spec.json` and `manifest.json` before a training starts."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.spec_file = self.path / "spec.json"
        self.manifest_file = self.path / "manifest.json"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.estimate = self.path / "estimate.json"
        self.finish_file = self.path / "finish.json"
        self.metrics = self.path / "metrics.jsonl"
        self.log = self.path / "log.txt"
        self.features = self.path / FEATURES
        self.start = self.path / "start"
        self.samples = self.path / "samples"
        self.model = self.path / "model"
        self.result = self.path / "result.json"

    def spec(self) -> TrainingSpec:
        """The contents of `spec.json`; FileNotFoundError or ValueError."""
        return TrainingSpec.from_json(self._read(self.spec_file))

    def manifest(self) -> Manifest:
        """The contents of `manifest.json`, with absolute paths; FileNotFoundError or ValueError."""
        return Manifest.from_json(self._read(self.manifest_file), self.path)

    def write_spec(self, spec: TrainingSpec) -> None:
        """Put `spec.json` in place."""
        write_text(self.spec_file, json.dumps(spec.to_json(), indent=1) + "\n")

    def write_manifest(self, manifest: Manifest) -> None:
        """Put `manifest.json` in place."""
        write_text(self.manifest_file, json.dumps(manifest.to_json(), indent=1) + "\n")

    def ask_to_finish(self) -> None:
        """Let the training end after the step that it is at, as if no more had been planned."""
        if not self.finish_file.exists():
            write_text(self.finish_file, "{}\n")

    def last_step(self, done: int, total: int) -> int:
        """The step that a training of `total` steps ends after, when `done` are done.

        The first answer after `ask_to_finish` is kept, so that a training that is killed and resumed ends
        after the same step.
        """
        if not self.finish_file.exists():
            return total
        last = self._read(self.finish_file).get("step")
        if last is None:
            last = min(max(1, done), total)
            write_text(self.finish_file, json.dumps({"step": last}) + "\n")
        return int(last)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run directory for this process; RunInUse if another does. The kernel frees it at exit."""
        with open(self.path / "lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunInUse(f"another process is training in {self.path}") from error
            # A killed process left it half written; only the holder of the lock writes checkpoints.
            for leftover in self.path.glob(f"{self.checkpoint.name}.*.tmp"):
                leftover.unlink()
            yield

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add one line to `metrics.jsonl`; it is on disk when this returns."""
        with open(self.metrics, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`. A last line that was cut off by a crash is left out."""
        if not self.metrics.exists():
            return []
        lines = self.metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def sample_sheet(self, step: int) -> Path:
        """The file of the sample sheet that is drawn after a step."""
        return self.samples / f"step-{step}.png"

    def sample_sheets(self) -> list[tuple[int, Path]]:
        """The steps after which a sample sheet was drawn, each with its file, in the order of steps."""
        return sorted(
            (int(path.stem.removeprefix("step-")), path) for path in self.samples.glob("step-*.png")
        )

    def forget_metrics_after(self, step: int) -> None:
        """Drop the lines of steps that will be trained again."""
        kept = [line for line in self.read_metrics() if line["step"] <= step]
        write_text(self.metrics, "".join(json.dumps(line) + "\n" for line in kept))

    def publish_model(self, write: Callable[[Path], None]) -> None:
        """Let `write` fill a folder and make it `model/` at once, replacing one left by a crash."""
        draft = self.path / "model.tmp"
        for leftover in (draft, self.model):
            shutil.rmtree(leftover, ignore_errors=True)
        draft.mkdir()
        write(draft)
        for file in draft.iterdir():
            sync(file)
        sync(draft)
        draft.rename(self.model)
        sync(self.path)

    def _read(self, file: Path) -> dict[str, Any]:
        try:
            value = json.loads(file.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(f"{file.name} is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValueError(f"{file.name} must hold a JSON object")
        return value
