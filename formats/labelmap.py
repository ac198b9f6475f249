"""Lists of labels as text, as CVAT and CamVid write them. Standard library only."""

import re
from collections.abc import Iterable

Color = tuple[int, int, int]

LIST = "labelmap.txt"
CVAT_LINE = re.compile(r"(?P<name>[^:]+):(?P<color>\d+,\d+,\d+)?:[^:]*:[^:]*")
"""`name:red,green,blue:parts:actions`, as in CVAT's `labelmap.txt`."""
COLORS_LINE = re.compile(r"(?P<color>\d+\s+\d+\s+\d+)\s+(?P<name>\S.*)")
"""`red green blue name`, as in CamVid's `label_colors.txt`."""


def parsed(text: str) -> list[tuple[str, Color | None]]:
    """The names and colours in a list of either kind. ValueError says which line is of neither."""
    listed: list[tuple[str, Color | None]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = CVAT_LINE.fullmatch(line) or COLORS_LINE.fullmatch(line)
        if not found:
            raise ValueError(
                f"line {number}: {line!r} is no class, neither as in CVAT's labelmap.txt "
                "(name:red,green,blue::) nor as in CamVid's label_colors.txt (red green blue name)"
            )
        listed.append((found["name"].strip(), _color(found["color"])))
    return listed


def written(labels: Iterable[tuple[str, Color]]) -> bytes:
    """CVAT's `labelmap.txt`. Raises ValueError for a name that it has no way to write."""
    lines = ["# label:color_rgb:parts:actions"]
    for name, (red, green, blue) in labels:
        if set(name) & {":", "\n", "\r"} or name.startswith("#") or name != name.strip():
            raise ValueError(f"{LIST} has no way to write the name {name!r}: rename the class")
        lines.append(f"{name}:{red},{green},{blue}::")
    return ("\n".join(lines) + "\n").encode()


def _color(text: str | None) -> Color | None:
    if not text:
        return None
    red, green, blue = map(int, re.split(r"[,\s]+", text))
    return red, green, blue
