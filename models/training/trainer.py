"""The training loop: the same for every method, and exact across crashes."""

import json
import logging
import math
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.catalog import METHODS, MethodFacts, TrainingSpec
from models.evaluation import evaluate
from models.files import atomic_write, sha256, write_text
from models.training.acceleration import AcceleratedStep, set_learning_rates
from models.training.checkpoint import restore_checkpoint, save_checkpoint
from models.training.data import TrainingFiles
from models.training.methods import Method, method_named
from models.training.rehearsal import rehearse
from models.training.run_directory import RunDirectory
from models.translation.artifacts import ModelSpec, save_model
from models.translation.export import export_onnx
from models.translation.sample_sheet import sample_sheet
from models.translation.translator import Translator, choose_device

log = logging.getLogger(__name__)

LOOKS = 8
"""How often a training is scored, and sheets are drawn, unless it was told how often."""


class UnusableRun(ValueError):
    """The spec, the manifest or a file they name is bad: training in this run directory can never work."""


class TrainingDiverged(ArithmeticError):
    """A loss or a weight became NaN or infinite. The last checkpoint before it is kept."""


def train(run_dir: Path, device: str = "auto", on_step: Callable[[int, int], object] | None = None) -> None:
    """Train as the run directory's `spec.json` and `manifest.json` say, until `result.json` is there.

    It ends early, with the model of that step, after `RunDirectory.ask_to_finish`.

    Continues from the checkpoint if there is one; on the CPU the result is then bit for bit equal to that of
    an uninterrupted run. A complete run is not changed. `on_step(step, total)` is called after every step.

    Raises UnusableRun, RunInUse, TrainingDiverged.
    """
    run = RunDirectory(run_dir)
    with run.locked():
        if run.result.exists():
            return
        try:
            training = _Training(run, choose_device(device))
        except ValueError as error:
            raise UnusableRun(str(error)) from error
        training.run(on_step)


class _Training:
    def __init__(self, run: RunDirectory, device: torch.device) -> None:
        self._run = run
        self._device = device
        self._spec = run.spec()
        self._manifest = run.manifest()
        files = self._manifest.files
        method_type, self._facts = method_named(self._spec.method), METHODS[self._spec.method]
        _check_samples(self._spec, self._facts, files)
        self._data = method_type.data(self._spec, files, device)
        self._total = self._spec.total_steps or self._data.steps(self._spec.epochs)
        self._last = self._total
        self._estimate()
        self._method: Method = method_type(self._spec, device, files.class_table)
        self._step = AcceleratedStep(self._method, self._spec, device)
        self._averages = averages(self._method.translators, self._spec.ema)

    def _estimate(self) -> None:
        """Write `estimate.json` before the first step of a fresh training, if the method can be rehearsed."""
        if not self._facts.rehearsed or self._run.estimate.exists() or self._run.checkpoint.exists():
            return
        table = self._manifest.files.class_table
        estimate = rehearse(self._spec, table, self._data, self._total, self._device)
        write_text(self._run.estimate, json.dumps(asdict(estimate)) + "\n")

    def run(self, on_step: Callable[[int, int], object] | None) -> None:
        spec, method, total = self._spec, self._method, self._total
        done = 0
        if self._run.checkpoint.exists():
            done = restore_checkpoint(self._run.checkpoint, method, self._averages, spec, self._device)
        else:
            self._begin()
        self._run.forget_metrics_after(done)
        self._last = self._run.last_step(done + 1, total)
        unread: list[dict[str, Tensor]] = []
        clock = time.monotonic()
        while done < self._last:
            factor = method.learning_rate_factor(done, total)
            set_learning_rates(method.optimizers, factor)
            unread.append(self._step(self._data.batch(done)))
            for name, average in self._averages.items():
                average.update_parameters(method.translators[name])
            done += 1
            self._last = self._run.last_step(done, total)
            if done == self._last:
                method.finish(self._translators(), self._data)
            if done % spec.log_every == 0 or done == self._last or self._validates(done):
                self._log(done, _read(done, unread), spec.learning_rate * factor, clock)
                unread = []
            if self._draws(done):
                self._draw_sheet(self._run.sample_sheet(done))
            if done % spec.checkpoint_every == 0 or done == self._last:
                self._checkpoint(done)
            if not unread:
                clock = time.monotonic()
            if on_step:
                on_step(done, total)
        self._finish()

    def _begin(self) -> None:
        try:
            self._method.begin(self._data)
        except ValueError as error:
            raise UnusableRun(str(error)) from error
        if self._run.start.exists():
            self._take_start()

    def _take_start(self) -> None:
        """Give the translators the weights in `start/`, of a model with the same networks."""
        for name, network in self._method.translators.items():
            try:
                network.load_state_dict(load_file(self._run.start / f"{name}.safetensors"))
            except (RuntimeError, OSError) as error:
                raise UnusableRun(f"the model to start from has other networks: {error}") from error
        self._averages = averages(self._method.translators, self._spec.ema)

    def _log(self, done: int, losses: dict[str, list[float]], learning_rate: float, clock: float) -> None:
        steps = max(len(values) for values in losses.values())
        line = {
            "step": done,
            "total": self._total,
            "losses": {name: math.fsum(values) / len(values) for name, values in losses.items()},
            "learning_rate": learning_rate,
            "steps_per_second": round(steps / (time.monotonic() - clock), 4),
            "peak_memory_bytes": _peak_memory(self._device),
        }
        if self._step.note:
            line["compile"] = self._step.note
        if self._validates(done):
            line |= self._validate()
        self._run.append_metrics(line)
        log.info("%s", _in_words(line))

    def _validates(self, done: int) -> bool:
        validation = self._manifest.validation
        if validation is None:
            return False
        every = validation.every or self._logged(max(self._total // LOOKS, len(validation.items)))
        return done % every == 0 or done == self._last

    def _logged(self, steps: int) -> int:
        """So many steps or a few more, after which losses are logged anyway: means over fewer would jump."""
        return math.ceil(steps / self._spec.log_every) * self._spec.log_every

    def _draws(self, done: int) -> bool:
        if self._spec.sample_every is not None:
            return done % self._spec.sample_every == 0
        return self._facts.rehearsed and done < self._last and done % max(1, self._total // LOOKS) == 0

    def _validate(self) -> dict[str, Any]:
        """The totals of an evaluation and its processor time, or its error: a training goes on without
        scores.
        """
        assert self._manifest.validation
        start = time.process_time()
        try:
            scores = evaluate(self._translator(), self._manifest.validation.items).to_json()
        except (ValueError, OSError) as error:
            return {"validation_error": str(error)}
        return {
            "validation": {name: v for name, v in scores.items() if isinstance(v, float | dict)},
            "validation_core_seconds": round(time.process_time() - start, 3),
        }

    def _translators(self) -> dict[str, nn.Module]:
        return {name: average.module for name, average in self._averages.items()} or self._method.translators

    def _translator(self) -> Translator:
        network, table = self._translators()["photo_to_label"], self._manifest.files.class_table
        return Translator.of(network, self._spec, table)

    def _checkpoint(self, done: int) -> None:
        try:
            save_checkpoint(self._run.checkpoint, self._method, self._averages, self._spec, done)
        except FloatingPointError as error:
            raise TrainingDiverged(f"step {done}: {error} is NaN or infinite") from error

    def _draw_sheet(self, path: Path) -> None:
        """Write a sample sheet. A sample that cannot be read costs the sheet, never the model."""
        try:
            sheet = sample_sheet(self._translator(), self._manifest.samples)
        except (ValueError, OSError) as error:
            self._method.notes["samples"] = f"not drawn: {error}"
        else:
            with atomic_write(path) as temporary:
                sheet.save(temporary, format="PNG")

    def _finish(self) -> None:
        self._run.publish_model(self._write_model)
        files = {
            file.name: {"bytes": file.stat().st_size, "sha256": sha256(file)}
            for file in sorted(self._run.model.iterdir())
        }
        last = self._run.read_metrics()[-1]
        result = {
            "steps": self._last,
            "losses": last["losses"],
            "validation": last.get("validation"),
            "notes": self._method.notes,
            "files": files,
        }
        write_text(self._run.result, json.dumps(result, indent=2) + "\n")

    def _write_model(self, folder: Path) -> None:
        translators = self._translators()
        save_model(folder, translators, ModelSpec(self._spec, self._manifest.files.class_table))
        export_onnx(
            translators["photo_to_label"],
            self._spec.load_size if self._facts.keeps_aspect else self._spec.image_size,
            folder / "photo_to_label.onnx",
            learns_classes=self._spec.learns_classes(self._manifest.files.class_table is not None),
            keeps_aspect=self._facts.keeps_aspect,
        )
        self._draw_sheet(folder / "samples.png")


def _in_words(line: dict[str, Any]) -> str:
    """A line of the metrics as a person reads it in a log."""
    values = {**line["losses"], "mean IoU": line.get("validation", {}).get("mean_iou_present")}
    told = ", ".join(f"{name} {value:.4g}" for name, value in values.items() if value is not None)
    return f"step {line['step']} of {line['total']}: {told}"


def averages(translators: Mapping[str, nn.Module], decay: float) -> dict[str, AveragedModel]:
    """Exponential moving averages of the translators' weights; none when the decay is 0."""
    if decay == 0:
        return {}
    rule = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return {name: AveragedModel(network, multi_avg_fn=rule) for name, network in translators.items()}


def _read(done: int, unread: list[dict[str, Tensor]]) -> dict[str, list[float]]:
    """Fetch the unread losses from the device, all at once; TrainingDiverged names the first bad step."""
    entries = [(step, name) for step, losses in enumerate(unread, done - len(unread) + 1) for name in losses]
    values = torch.stack([losses[name] for losses in unread for name in losses]).tolist()
    by_name: dict[str, list[float]] = {}
    for (step, name), value in zip(entries, values, strict=True):
        if not math.isfinite(value):
            at_step = {
                entry[1]: value for entry, value in zip(entries, values, strict=True) if entry[0] == step
            }
            raise TrainingDiverged(f"step {step}: {name} is {value}; all losses: {at_step}")
        by_name.setdefault(name, []).append(value)
    return by_name


def _check_samples(spec: TrainingSpec, facts: MethodFacts, files: TrainingFiles) -> None:
    if facts.learns_classes and not files.class_table:
        raise ValueError(f"{spec.method} learns classes, and the label maps here are images without classes")
    if facts.needs_pairs and not files.pairs:
        raise ValueError(f"{spec.method} needs at least one pair, and there are none: annotate a photo")
    if facts.needs_unpaired and not files.unpaired_photos:
        raise ValueError(f"{spec.method} needs unpaired photos, and there are none: add some")
    if facts.needs_unpaired and not files.unpaired_label_maps:
        raise ValueError(f"{spec.method} needs unpaired label maps, and there are none: add some")


def _peak_memory(device: torch.device) -> int:
    """Peak memory in bytes: the GPU's if there is one, else this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else kilobytes * 1024
