"""Class tables as files: this program's JSON, and the lists of classes that other tools write."""

import json
from pathlib import Path
from typing import Any

from fewpairs.errors import FewpairsError
from formats import labelmap


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
    try:
        listed = labelmap.parsed(text)
    except ValueError as error:
        raise FewpairsError(f"{path}, {error}.") from None
    return [{"name": name, "color": list(color)} if color else {"name": name} for name, color in listed]
