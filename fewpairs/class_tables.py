"""Class tables as files: this program's JSON, and the lists of classes that other tools write."""

import json
import re
from pathlib import Path
from typing import Any

from fewpairs.errors import FewpairsError

CVAT_LINE = re.compile(r"(?P<name>[^:]+):(?P<color>\d+,\d+,\d+)?:[^:]*:[^:]*")
"""`name:red,green,blue:parts:actions`, as in CVAT's `labelmap.txt`."""
COLORS_LINE = re.compile(r"(?P<color>\d+\s+\d+\s+\d+)\s+(?P<name>\S.*)")
"""`red green blue name`, as in CamVid's `label_colors.txt`."""


def read_class_table(path: Path) -> Any:
    """The class table in a JSON file, in CVAT's `labelmap.txt` or in CamVid's `label_colors.txt`.

    Raises FewpairsError if the file is none of these.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FewpairsError(f"{path} does not exist: give a file with the class table.") from None
    except (ValueError, OSError) as error:
        raise FewpairsError(f"{path} cannot be read as a class table: {error}.") from error
    if path.suffix.lower() == ".txt":
        return {"classes": _classes(path, text)}
    try:
        return json.loads(text)
    except ValueError as error:
        raise FewpairsError(f"{path} cannot be read as a JSON class table: {error}.") from error


def _classes(path: Path, text: str) -> list[dict[str, Any]]:
    classes = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = CVAT_LINE.fullmatch(line) or COLORS_LINE.fullmatch(line)
        if not found:
            raise FewpairsError(
                f"{path}, line {number}: {line!r} is no class, neither as in CVAT's labelmap.txt "
                "(name:red,green,blue::) nor as in CamVid's label_colors.txt (red green blue name)."
            )
        entry: dict[str, Any] = {"name": found["name"].strip()}
        if found["color"]:
            entry["color"] = [int(channel) for channel in re.split(r"[,\s]+", found["color"])]
        classes.append(entry)
    return classes
