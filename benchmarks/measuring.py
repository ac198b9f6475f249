"""What the benchmarks share: timing, rows that are saved as soon as they are measured, and tables as text."""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from models.machine import describe_machine

Row = Mapping[str, Any]


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall time of `work`, until the device has finished it."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    """Wait until the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def device_named(name: str) -> torch.device:
    """A torch device; `auto` is the GPU if there is one."""
    return torch.device(
        "cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu")
    )


class Report:
    """A JSON file with the machine, facts `about` the measurement, and its rows.

    Every row is written at once, so that a measurement that is stopped keeps what it had.
    """

    def __init__(self, path: Path, device: torch.device, **about: Any) -> None:
        self._path, self._lock = path, threading.RLock()
        self._document = {"machine": describe_machine(device), **about, "rows": []}
        self._write()

    @property
    def rows(self) -> list[Row]:
        rows: list[Row] = self._document["rows"]
        return rows

    def add(self, **row: Any) -> None:
        """Add a row, write the file, and show the row; several threads may."""
        with self._lock:
            self.rows.append(row)
            self._write()
        say(", ".join(f"{name} {_text(value)}" for name, value in row.items()))

    def put(self, name: str, value: str, **rest: Any) -> None:
        """Add a row, in place of one that has the same `value` under this name."""
        with self._lock:
            self.rows[:] = [row for row in self.rows if row.get(name) != value]
            self.add(**{name: value}, **rest)

    def _write(self) -> None:
        write_json(self._path, self._document)


def write_json(path: Path, document: object) -> None:
    """Write a document; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def say(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(rows: Sequence[Row]) -> str:
    """Rows as a table in plain text, with a column for every key."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[name.replace("_", " ") for name in names]]
    cells += [[_text(row[name]) if name in row else "" for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return "" if value is None else f"{value:,}" if type(value) is int else str(value)
