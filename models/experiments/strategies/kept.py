"""Results that stay in a file, so that an interrupted experiment goes on."""

import json
from pathlib import Path
from typing import Any


class Kept:
    """Results by key, both JSON, in a file with one line each.

    A last line that a crash cut off is dropped.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            file.write_text("".join(lines := lines[:-1]), encoding="utf-8")
        self._results = {json.dumps(key): result for key, result in map(json.loads, lines)}

    def __contains__(self, key: object) -> bool:
        return json.dumps(key) in self._results

    def __getitem__(self, key: object) -> Any:
        return self._results[json.dumps(key)]

    def keep(self, key: object, result: object) -> None:
        """Add a result and its line."""
        self._results[json.dumps(key)] = result
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, result]) + "\n")
