"""What the label maps of a pool hold, in words: for `annotate`, `upload`, `pool show` and `train`."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from fewpairs.cli.output import counted, escaped, right
from fewpairs.pool import Pool

SHOWN_CLASSES = 12


def class_table(class_table: dict[str, Any], labelled: dict[str, Any]) -> Table:
    """A row for each class: its colour, and its pixels in the newest annotations."""
    table = Table("", "Class", *map(right, ("Pixels", "Share", "Label maps")))
    total = sum(entry["pixels"] for entry in labelled["classes"])
    for index, (entry, found) in enumerate(zip(class_table["classes"], labelled["classes"], strict=True)):
        red, green, blue = entry["color"]
        name = Text(f"██ {index}", style=f"rgb({red},{green},{blue})")
        table.add_row(name, Text(entry["name"]), *_numbers(found, total))
    table.add_row("", "[dim]unlabelled[/]", f"[dim]{labelled['unlabelled']:,}[/]", "", "")
    return table


def contents(pool: Pool) -> str:
    """The `summary` of the pool's newest annotations; nothing if there is none, or no class."""
    labelled = pool.counts["labelled"]
    return summary(labelled) if labelled and labelled["label_maps"] else ""


def summary(labelled: dict[str, Any]) -> str:
    """The pixels of the largest classes; then, on a line of their own, the classes without a pixel."""
    classes = sorted(labelled["classes"], key=lambda found: -found["pixels"])
    total = sum(found["pixels"] for found in classes)
    present = [found for found in classes if found["pixels"]]
    shown = [
        f"{escaped(found['name'])} {found['pixels']:,} ({found['pixels'] / total:.1%})"
        for found in present[:SHOWN_CLASSES]
    ]
    if len(present) > SHOWN_CLASSES:
        shown.append(f"{len(present) - SHOWN_CLASSES} smaller ones")
    share = total / max(1, total + labelled["unlabelled"])
    labelled_and_not = f"{total:,} pixels labelled ({share:.1%}), {labelled['unlabelled']:,} unlabelled"
    lines = [f"{labelled_and_not}: {', '.join(shown)}"]
    if missing := [found["name"] for found in labelled["classes"] if not found["pixels"]]:
        where = counted(labelled["label_maps"], "label map")
        lines.append(f"[yellow]![/] {without_pixels(missing)} in {where}")
    return "\n".join(lines)


def without_pixels(names: Sequence[str]) -> str:
    """`car: 0 pixels`, `car, tree: 0 pixels`."""
    shown = ", ".join(map(escaped, names[:SHOWN_CLASSES]))
    more = len(names) - SHOWN_CLASSES
    return f"{shown}{f' and {more} more classes' if more > 0 else ''}: 0 pixels"


def _numbers(found: dict[str, Any], total: int) -> list[str]:
    share = f"{found['pixels'] / total:.1%}" if total else "–"
    return [f"{found['pixels']:,}", share, str(found["label_maps"])]
