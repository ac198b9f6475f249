"""Draws the strategies' scores over the budget."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.experiments.learning_curves import COLORS, STYLES
from models.experiments.strategies.outcomes import CONTROL, Outcome


def strategies_figure(title: str, panels: Mapping[str, Sequence[Outcome]]) -> Figure:
    """A panel for each kind of scored photos, by its heading: mean IoU over the number of picks, and a grey
    band in which nine of ten random draws lie.
    """
    figure = Figure(figsize=(12.5, 6), dpi=120, layout="constrained")
    figure.suptitle(title)
    for axes, (heading, found) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        _draw(axes, found)
        axes.set(xscale="log", xlabel="labelled photos", ylabel=f"mean IoU on {heading}")
        budgets = sorted({outcome.budget for outcome in found})
        axes.set_xticks(budgets, [str(budget) for budget in budgets], minor=False)
        axes.minorticks_off()
        axes.grid(color="#e4e4e4", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, handlelength=3.5)
    return figure


def _draw(axes: Axes, found: Sequence[Outcome]) -> None:
    drawn = [outcome for outcome in found if outcome.strategy == CONTROL]
    budgets = [outcome.budget for outcome in drawn]
    low, high = [outcome.unlucky for outcome in drawn], [outcome.lucky for outcome in drawn]
    axes.fill_between(budgets, low, high, color="#dddddd", label="nine of ten random draws")
    means = [outcome.mean.mean for outcome in drawn]
    axes.plot(budgets, means, color="#666666", linewidth=1.8, label="random, mean")
    strategies = dict.fromkeys(outcome.strategy for outcome in found if outcome.strategy != CONTROL)
    for number, strategy in enumerate(strategies):
        line = [outcome for outcome in found if outcome.strategy == strategy]
        axes.plot(
            [outcome.budget for outcome in line],
            [outcome.mean.mean for outcome in line],
            color=COLORS[number % len(COLORS)],
            linestyle=STYLES[number // len(COLORS)],
            linewidth=1.8,
            marker="o",
            markersize=3,
            label=strategy,
        )
