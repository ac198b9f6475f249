"""Draws learning curves."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.experiments.results import RowPoint, RowResult, evenly

LINES = 12
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours that colour-blind people can tell apart too (Okabe & Ito, "Color Universal Design", 2008)."""

STYLES = ("-", "--", ":", "-.")
_UNITS = ((7200.0, 3600.0, "hours"), (600.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))
_Look = tuple[str, str]


def learning_curves(title: str, columns: tuple[str, ...], rows: list[RowResult], score: str) -> Figure:
    """A figure of the main score, named `score`, against steps and against training time, with a line per
    row.

    A line is the mean over the row's runs, and its band ± one standard deviation. At most LINES rows are
    shown.
    """
    figure = Figure(figsize=(12.5, 6), dpi=120, layout="constrained")
    figure.suptitle(title)
    left, right = figure.subplots(1, 2, sharey=True)
    drawn = [(row, row.curve) for row in evenly([row for row in rows if row.curve], LINES)]
    longest = max((curve[-1].seconds for _, curve in drawn), default=0.0)
    unit, unit_name = next((unit, name) for least, unit, name in _UNITS if longest >= least)
    looks = _looks(columns, [row.cells for row, _ in drawn])
    for (row, curve), look in zip(drawn, looks, strict=True):
        _draw(left, [float(point.step) for point in curve], curve, look, row.label)
        _draw(right, [point.seconds / unit for point in curve], curve, look, None)
    left.set(xlabel="training steps", ylabel=score)
    right.set(xlabel=f"{unit_name} of training, scoring excluded")
    for axes in (left, right):
        axes.set_xlim(left=0)
        axes.grid(color="#e4e4e4", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    if drawn:
        figure.legend(
            loc="outside lower center",
            ncols=3 if len(drawn) > 4 else len(drawn),
            frameon=False,
            handlelength=3.5,
        )
    return figure


def _draw(axes: Axes, x: list[float], curve: list[RowPoint], look: _Look, label: str | None) -> None:
    color, style = look
    means = [point.score.mean for point in curve]
    axes.plot(x, means, color=color, linestyle=style, linewidth=1.8, marker="o", markersize=3, label=label)
    deviations = [point.score.sd or 0.0 for point in curve]
    if any(deviations):
        low = [mean - sd for mean, sd in zip(means, deviations, strict=True)]
        high = [mean + sd for mean, sd in zip(means, deviations, strict=True)]
        axes.fill_between(x, low, high, color=color, alpha=0.13, linewidth=0)


def _looks(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[_Look]:
    """A colour and a line style for every row. Rows with an equal cell in one column share a colour if
    possible.
    """
    for column in sorted(range(len(columns)), key=lambda column: columns[column] != "method"):
        groups = list(dict.fromkeys(cells[column] for cells in rows))
        rests = [cells[:column] + cells[column + 1 :] for cells in rows]
        kinds = list(dict.fromkeys(reversed(rests)))
        if len(groups) <= len(COLORS) and len(kinds) <= len(STYLES):
            return [
                (COLORS[groups.index(cells[column])], STYLES[kinds.index(rest)])
                for cells, rest in zip(rows, rests, strict=True)
            ]
    return [(COLORS[i % len(COLORS)], STYLES[i // len(COLORS)]) for i in range(len(rows))]
