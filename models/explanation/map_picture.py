"""Draws the map of a pool: every image, the pick nearest to it, and the ranks of the picks."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

from models.explanation.mapping import PoolMap
from models.vectors.points import Indices, Matrix

COLORS = ("#332288", "#CC6677", "#44AA99", "#DDCC77", "#AA4499", "#88CCEE", "#117733", "#882255", "#999933")
"""Colours that colour-blind people can tell apart too (Tol, "Colour Schemes", 2021: muted)."""

GREY = "#b3b3b3"
DRAWN = 50_000
"""Of a larger pool, this many random images are drawn: more would only cover each other."""

SPOKES = 2000
"""Up to this many images, a line leads from every image to its pick."""

RANKED = 200
"""The first picks show their rank; the others are dots."""

CLEAR = 200
"""Up to this many images, no rank hides an image. In larger pools no rank hides one of the first 200 labelled
images.
"""

Positions = npt.NDArray[np.float64]


def draw_map(
    pool_map: PoolMap,
    clusters: Indices,
    picks: Sequence[int] | Indices,
    labelled: Sequence[int] | Indices = (),
    title: str = "",
    shown: Sequence[int] | Indices | None = None,
) -> bytes:
    """A PNG of 1,200 × 1,140 pixels.

    `clusters` (N,) holds for each image the place of its nearest pick in `picks`, or −1 if a labelled image
    is nearer; such images are grey. `picks`, `labelled` and `shown` are rows of the map. Picks show their
    ranks, from 1 in the order of `picks`. Only the images `shown` are drawn, by default all.
    """
    figure = Figure(figsize=(10, 9.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    chosen, taken = np.asarray(picks, np.intp), np.asarray(labelled, np.intp)
    at = pool_map.points[chosen]
    colors = np.array([*(COLORS[color] for color in _colors(at)), GREY])
    rows = np.arange(len(clusters)) if shown is None else np.asarray(shown, np.intp)
    drawn = rows
    if len(rows) > DRAWN:
        drawn = np.sort(np.random.default_rng(0).permutation(rows)[:DRAWN])
    _draw_images(axes, pool_map.points[drawn], clusters[drawn], at, colors)
    axes.plot(*pool_map.points[taken].T, "D", color="black", mec="white", markersize=8, zorder=3)
    _name_axes(axes, pool_map)
    axes.set_title(title, loc="left", fontsize=14)
    if len(drawn) < len(rows):
        axes.set_title(f"{len(drawn):,} of {len(rows):,} images are drawn", loc="right", fontsize=10)
    _draw_legend(figure, bool((clusters[np.setdiff1d(rows, taken)] < 0).any()), len(taken) > 0)
    figure.draw_without_rendering()  # this fixes the scale in which the badges are placed
    figure.set_layout_engine("none")
    others = np.setdiff1d(rows, chosen) if len(rows) <= CLEAR else taken[:CLEAR]
    _draw_badges(axes, at, colors, pool_map.points[others])
    return png(figure)


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _colors(at: Matrix) -> list[int]:
    """A colour number for each position: the colour whose nearest earlier position is farthest away."""
    colors: list[int] = []
    for place, position in enumerate(at):
        distances = np.linalg.norm(at[:place] - position, axis=1)
        nearest = np.full(len(COLORS), np.inf)
        np.minimum.at(nearest, colors, distances)
        colors.append(int(nearest.argmax()))
    return colors


def _draw_images(
    axes: Axes, points: Matrix, clusters: Indices, at: Matrix, colors: npt.NDArray[np.str_]
) -> None:
    size = float(np.clip(24_000 / len(points), 2, 34))
    if len(points) <= SPOKES:
        mine = clusters >= 0
        spokes = np.stack([points[mine], at[clusters[mine]]], axis=1)
        # Darker than the images: thin lines in pale colours could not be seen.
        shades = 0.7 * to_rgba_array(colors.tolist())[clusters[mine], :3]
        axes.add_collection(LineCollection(list(spokes), colors=shades, linewidths=0.8, alpha=0.4))
    axes.scatter(
        points[:, 0], points[:, 1], size, colors[clusters].tolist(), alpha=0.8, linewidths=0, zorder=2
    )


def _name_axes(axes: Axes, pool_map: PoolMap) -> None:
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#cccccc")
    if pool_map.explained is not None:
        first, second = pool_map.explained
        axes.set_xlabel(f"first principal axis: {first:.0%} of the variance")
        axes.set_ylabel(f"second principal axis: {second:.0%} of the variance")
    else:
        axes.set_xlabel("UMAP: neighbours lie together, distances have no scale")


def _draw_badges(axes: Axes, at: Matrix, colors: npt.NDArray[np.str_], others: Matrix) -> None:
    """Draw the ranks, each in a disc on its pick, or next to it if another disc or one of the `others`, (M,
    2), is already there.
    """
    radius = 13.0 if len(at) <= 40 else 10.5  # pixels
    box = axes.get_window_extent()
    anchors = axes.transData.transform(at[:RANKED])
    low, high = np.add(box.min, radius), np.subtract(box.max, radius)
    seen = axes.transData.transform(others)
    places = _free_places(anchors, 2 * radius + 3, low, high, seen, radius + 9)
    points_a_pixel = 72 / axes.figure.dpi
    axes.scatter(
        at[:, 0], at[:, 1], 25, colors[: len(at)].tolist(), edgecolors="black", linewidths=1, zorder=4
    )
    corners = axes.transData.inverted().transform(places)
    for rank, ((x, y), pick, color) in enumerate(zip(corners, at, colors, strict=False), 1):
        axes.plot([pick[0], x], [pick[1], y], color="black", linewidth=0.8, zorder=5)
        size = 2 * radius * points_a_pixel
        axes.plot(x, y, "o", color="white", mec=color, mew=2, markersize=size, zorder=6)
        size *= 0.48 if rank < 100 else 0.38
        axes.text(x, y, str(rank), size=size, ha="center", va="center_baseline", zorder=7)


def _free_places(
    anchors: Positions, least: float, low: Positions, high: Positions, others: Positions, clear: float
) -> Positions:
    """For each of the `anchors`, (K, 2), the nearest place between `low` and `high` that is at least `least`
    away from earlier places and `clear` away from the `others`, (M, 2); the anchor itself if there is no such
    place.
    """
    steps = np.arange(-40, 41) * least / 4
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    offsets = offsets[np.argsort((offsets**2).sum(axis=1), kind="stable")]
    places = np.empty((0, 2))
    for anchor in anchors:
        options = anchor + offsets
        free = ((options >= low) & (options <= high)).all(axis=1)
        for taken, apart in ((places, least), (others, clear)):
            for place in taken:
                free &= ((options - place) ** 2).sum(axis=1) >= apart**2
        places = np.vstack([places, options[free.argmax()] if free.any() else anchor])
    return places


def _draw_legend(figure: Figure, has_grey: bool, has_labelled: bool) -> None:
    dots = tuple(_mark("o", color, 7) for color in COLORS[:3])
    badge = (_mark("o", "white", 14, COLORS[0]), _mark("$1$", "black", 5))
    rows: list[tuple[Any, str]] = [
        (dots, "images, in the colour of their nearest pick"),
        (badge, "pick, with its rank"),
    ]
    if has_labelled:
        rows.append((_mark("D", "black", 8, "white"), "labelled already"))
    if has_grey:
        rows.append((_mark("o", GREY, 7), "nearest to a labelled image"))
    handles, labels = zip(*rows, strict=True)
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=2,
        frameon=False,
        handler_map={dots: HandlerTuple(ndivide=None, pad=0.3), badge: HandlerTuple(ndivide=1)},
    )


def _mark(marker: str, color: str, size: float, edge: str | None = None) -> Line2D:
    width = 2 if color == "white" else 0.8
    return Line2D([], [], linestyle="", marker=marker, color=color, markersize=size, mec=edge, mew=width)
