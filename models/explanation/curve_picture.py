"""Draws coverage against budget, for a selection and for random draws, with the knee marked."""

from collections.abc import Callable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.explanation.curve import Explanation
from models.explanation.map_picture import COLORS, GREY, png

MARKED = 40
"""Up to this many picks, each one has a dot on the curve."""

STRETCH = 0.1
"""How far the band extends to both sides if there is a single budget."""


def draw_curve(explanation: Explanation, title: str = "", minutes_per_image: float | None = None) -> bytes:
    """A PNG of 1,200 × 780 pixels: the mean distance that the first picks leave, against their number.

    The band holds 90 % of the random draws. With `minutes_per_image` a second scale shows the labelling time.
    """
    figure = Figure(figsize=(10, 6.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    curve, beaten = explanation.curve, explanation.random.beaten
    share = {0.0: "none", 1.0: "all"}.get(beaten, f"{beaten:.1%}")
    _draw_random(axes, explanation)
    axes.plot(
        [point.budget for point in curve],
        [point.mean_distance for point in curve],
        color=COLORS[0],
        linewidth=2.2,
        marker="o" if len(curve) <= MARKED else None,
        markersize=5,
        label=f"this selection, better than {share} of the draws",
    )
    _mark_knee(axes, explanation, minutes_per_image)
    _name_axes(axes, explanation)
    if minutes_per_image:
        _add_times(axes, explanation.curve[-1].budget, minutes_per_image)
    axes.set_title(title, loc="left", fontsize=14)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return png(figure)


def _draw_random(axes: Axes, explanation: Explanation) -> None:
    """Draw the random draws' band and mean. For a single budget they are a short stretch, as one point has no
    width.
    """
    curve = explanation.curve
    budgets = [float(point.budget) for point in curve]
    if len(curve) == 1:
        curve, budgets = 2 * curve, [budgets[0] - STRETCH, budgets[0] + STRETCH]
        axes.set_xlim(curve[0].budget - 1, curve[0].budget + 1)
    axes.fill_between(
        budgets,
        [point.random_low for point in curve],
        [point.random_high for point in curve],
        color=GREY,
        alpha=0.35,
        linewidth=0,
        label=f"90% of {explanation.random.draws:,} random draws",
    )
    axes.plot(budgets, [point.random_mean for point in curve], "--", color="#666666", label="their mean")


def _mark_knee(axes: Axes, explanation: Explanation, minutes: float | None) -> None:
    point = next((point for point in explanation.curve if point.budget == explanation.knee), None)
    if point is None:
        return
    axes.axvline(point.budget, color=COLORS[1], linestyle=":", linewidth=1.6)
    axes.plot(point.budget, point.mean_distance, "o", color=COLORS[1], markersize=9, zorder=3)
    picks = f"{point.budget:,} {'pick' if point.budget == 1 else 'picks'}"
    time = "" if minutes is None else f", {_duration(point.budget * minutes)}"
    axes.annotate(
        f"knee: {picks}{time}",
        (point.budget, 1),
        xycoords=("data", "axes fraction"),
        xytext=(8, -16),
        textcoords="offset points",
        color=COLORS[1],
        fontsize=12,
    )


def _name_axes(axes: Axes, explanation: Explanation) -> None:
    further = "further images" if explanation.curve[0].budget == 0 else "images"
    axes.set_xlabel(f"{further} labelled, in the order of the picks")
    axes.set_ylabel("mean distance to the nearest labelled image")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _add_times(axes: Axes, budget: int, minutes: float) -> None:
    """Add a second scale: the time that labelling takes at `minutes` per image."""
    unit, in_minutes = _unit(budget * minutes)
    above = axes.secondary_xaxis("top", functions=_scaled(minutes / in_minutes))
    above.set_xlabel(f"{unit} of labelling")


def _unit(minutes: float) -> tuple[str, float]:
    """The unit in which to show a time, and that unit in minutes."""
    if minutes < 2:
        return "seconds", 1 / 60
    return ("minutes", 1) if minutes < 120 else ("hours", 60)


def _duration(minutes: float) -> str:
    """A time in words, rounded as the command line rounds it: 26 s, 14 min, 3 h 20 min."""
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    whole = round(minutes)
    return f"{whole} min" if whole < 120 else f"{whole // 60} h {whole % 60} min"


def _scaled(time_a_pick: float) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Two functions: from picks to time, and back."""
    return lambda picks: picks * time_a_pick, lambda time: time / time_a_pick
