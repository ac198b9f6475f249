"""Coverage against budget as a picture, beside random draws, with the knee marked."""

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.explanation.curve import Explanation
from models.explanation.map_picture import COLORS, GREY, png

MARKED = 40
"""Up to so many picks each has a dot on the curve."""


def draw_curve(explanation: Explanation, title: str = "") -> bytes:
    """A PNG of 1,200 × 780 pixels: the mean distance that the first picks leave, against their number.

    The band holds 90 % of the random draws. Where annotators' times are known, a second scale has minutes.
    """
    figure = Figure(figsize=(10, 6.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    curve, random = explanation.curve, explanation.random
    budgets = [point.budget for point in curve]
    axes.fill_between(
        budgets,
        [point.random_low for point in curve],
        [point.random_high for point in curve],
        color=GREY,
        alpha=0.35,
        linewidth=0,
        label=f"90 % of {random.draws:,} random draws",
    )
    axes.plot(budgets, [point.random_mean for point in curve], "--", color="#666666", label="their mean")
    axes.plot(
        budgets,
        [point.mean_distance for point in curve],
        color=COLORS[0],
        linewidth=2.2,
        marker="o" if len(curve) <= MARKED else None,
        markersize=5,
        label=f"this selection, better than {100 * random.beaten:.4g} % of the draws",
    )
    _mark_knee(axes, explanation)
    _name_axes(axes, explanation)
    axes.set_title(title, loc="left", fontsize=14)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return png(figure)


def _mark_knee(axes: Axes, explanation: Explanation) -> None:
    point = next((point for point in explanation.curve if point.budget == explanation.knee), None)
    if point is None:
        return
    axes.axvline(point.budget, color=COLORS[1], linestyle=":", linewidth=1.6)
    axes.plot(point.budget, point.mean_distance, "o", color=COLORS[1], markersize=9, zorder=3)
    minutes = "" if point.minutes is None else f", {point.minutes:,.0f} minutes"
    axes.annotate(
        f"knee: {point.budget:,} picks{minutes}",
        (point.budget, 1),
        xycoords=("data", "axes fraction"),
        xytext=(8, -16),
        textcoords="offset points",
        color=COLORS[1],
        fontsize=12,
    )


def _name_axes(axes: Axes, explanation: Explanation) -> None:
    axes.set_xlabel("images labelled, in the order of the picks")
    axes.set_ylabel("mean distance to the nearest labelled image")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    last = explanation.curve[-1]
    if last.minutes:
        above = axes.secondary_xaxis("top", functions=_scaled(last.minutes / last.budget))
        above.set_xlabel("minutes of labelling")


def _scaled(minutes: float) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Picks to minutes, and back."""
    return lambda picks: picks * minutes, lambda time: time / minutes
