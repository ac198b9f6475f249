"""Tables of metrics."""

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

NAMES = {
    "pixel_accuracy": "Pixel accuracy",
    "mean_accuracy": "Mean accuracy",
    "mean_iou": "Mean IoU (absent classes count 0)",
    "mean_iou_present": "Mean IoU (present classes)",
    "doubtful_share": "Share of doubtful pixels",
    "mean_absolute_error": "Mean absolute error (of 255)",
}
SCORES_OF_AN_IMAGE = {
    "mean_iou": "Mean IoU",
    "pixel_accuracy": "Pixel accuracy",
    "mean_absolute_error": "Mean absolute error",
    "within_5": "Within 5",
    "within_10": "Within 10",
    "within_16": "Within 16",
    "within_20": "Within 20",
}


def scores_tables(scores: dict[str, Any], title: str) -> Group:
    """The totals; then, where there are classes, one row a class."""
    totals = Table(title=title, title_justify="left")
    totals.add_column("Metric")
    totals.add_column("Value", justify="right")
    for key, name in NAMES.items():
        if key in scores:
            totals.add_row(name, f"{scores[key]:.3f}")
    constant = scores.get("constant") or {}
    for tolerance, share in scores.get("within", {}).items():
        totals.add_row(f"Pixels within {tolerance} of 255", f"{share:.3f}")
        if tolerance in constant:
            totals.add_row("[dim]  the best constant colour[/]", f"[dim]{constant[tolerance]:.3f}[/]")
    return Group(totals, _class_table(scores["per_class"])) if "per_class" in scores else Group(totals)


def _class_table(per_class: list[dict[str, Any]]) -> Table:
    table = Table("Class")
    for name in ("Accuracy", "IoU", "True pixels"):
        table.add_column(name, justify="right")
    for entry in per_class:
        numbers = [f"{entry[key]:.3f}" if entry["pixels"] else "–" for key in ("accuracy", "iou")]
        table.add_row(Text(entry["name"]), *numbers, f"{entry['pixels']:,}")
    return table
