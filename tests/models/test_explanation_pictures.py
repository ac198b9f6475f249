"""The pictures of an explanation, checked by their pixels."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageColor

from models.explanation import Explanation, PoolMap, curve_picture, draw_curve, draw_map, explain, map_picture
from models.explanation.map_picture import COLORS


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def count(png: bytes, color: str) -> int:
    """The number of pixels that have exactly this colour."""
    return int((pixels(png) == ImageColor.getrgb(color)).all(axis=2).sum())


def islands(images: int = 60) -> PoolMap:
    """A map of three groups of images that are far apart."""
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [10, 0], [0, 10]])[np.arange(images) % 3]
    return PoolMap((centres + rng.normal(size=(images, 2))).astype(np.float32), "pca", (0.5, 0.2))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn, before they become pixels."""
    drawn: list[Figure] = []
    for module in (curve_picture, map_picture):
        monkeypatch.setattr(module, "png", lambda figure: drawn.append(figure) or b"")
    return drawn


def of_budget(budget: int, **known: Any) -> Explanation:
    """An explanation of `budget` picks from the islands."""
    return explain(islands(90).points, range(budget), draws=20, **known)


def test_every_cluster_has_a_colour_and_every_pick_a_badge() -> None:
    """Three picks show their three colours and no fourth one; badges are white discs with a rim."""
    png = draw_map(islands(), np.arange(60) % 3, [0, 1, 2], title="Islands")
    assert pixels(png).shape == (1140, 1200, 3)
    for color in COLORS[:3]:
        assert count(png, color) > 40
    assert count(png, COLORS[3]) == 0


def test_labelled_images_and_those_near_them_are_told_apart() -> None:
    """Images nearer to a labelled image are grey, labelled images are black diamonds; the legend
    shows both.
    """
    clusters = np.arange(60) % 3
    plain = draw_map(islands(), clusters, [0, 1, 2])
    labelled = draw_map(islands(), clusters, [0, 1, 2], labelled=[30, 40])
    grey = draw_map(islands(), np.where(clusters == 2, -1, clusters), [0, 1])
    assert count(labelled, "#000000") > count(plain, "#000000") + 100
    see_through = "#c2c2c2"  # 0.8 of GREY on white
    assert count(grey, see_through) > count(plain, see_through) + 500


def test_only_images_that_are_shown_are_drawn(figures: list[Figure]) -> None:
    """Images left out of a selection have no dot, and do not add grey to the legend."""
    clusters = np.where(np.arange(60) % 3 == 2, -1, np.arange(60) % 3)
    for shown in (None, np.flatnonzero(clusters >= 0)):
        draw_map(islands(), clusters, [0, 1], shown=shown)
    dots = [len(figure.axes[0].collections[1].get_offsets()) for figure in figures]
    assert dots == [60, 40]
    assert [len(figure.legends[0].get_texts()) for figure in figures] == [3, 2]


def test_every_colour_is_seen_on_a_thin_line(figures: list[Figure]) -> None:
    """The lines from images to their picks are dark enough on white, even in pale colours."""
    picks = np.arange(len(COLORS))
    draw_map(islands(), np.arange(60) % len(COLORS), picks)
    lines = figures[0].axes[0].collections[0]
    assert isinstance(lines, LineCollection)
    red, green, blue, alpha = lines.get_colors().T
    assert len(set(zip(red, green, blue, strict=True))) == len(COLORS)
    assert (1 - alpha * (1 - (0.3 * red + 0.59 * green + 0.11 * blue)) < 0.85).all()


def test_the_same_map_is_the_same_picture() -> None:
    """The same map gives the same bytes, so the picture can be stored by its content."""
    assert draw_map(islands(), np.zeros(60, np.intp), [3]) == draw_map(islands(), np.zeros(60, np.intp), [3])


@pytest.mark.parametrize("spread", [0.0, 0.3, 30.0])
def test_no_two_ranks_overlap(spread: float) -> None:
    """100 badges keep their distance and stay in the box, around one place or many; single badges do not
    move.
    """
    anchors = 500 + spread * np.random.default_rng(1).normal(size=(100, 2))
    low, high = np.array([480.0, 300.0]), np.array([1100.0, 1000.0])
    nothing = np.empty((0, 2))
    places = map_picture._free_places(anchors, 24, low, high, nothing, 0)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)[np.triu_indices(100, 1)]
    assert apart.min() >= 24 - 1e-9
    assert ((places >= low) & (places <= high)).all()
    alone = np.array([[500.0, 500.0], [700.0, 700.0]])
    np.testing.assert_allclose(map_picture._free_places(alone, 24, low, high, nothing, 0), alone)


def test_no_rank_hides_another_image() -> None:
    """Badges stay clear of images around their pick, and move no farther than necessary."""
    anchor, other = np.array([[500.0, 500.0]]), np.array([[505.0, 500.0]])
    low, high = np.array([0.0, 0.0]), np.array([1000.0, 1000.0])
    [place] = map_picture._free_places(anchor, 24, low, high, other, 20)
    assert 20 <= np.linalg.norm(place - other) < 30


def test_near_picks_have_other_colours() -> None:
    """Of 100 picks on a grid, none has the colour of its neighbour."""
    grid = np.stack(np.meshgrid(np.arange(10), np.arange(10)), axis=-1).reshape(-1, 2).astype(np.float32)
    colors = np.array(map_picture._colors(np.random.default_rng(2).permutation(grid)))
    at = np.random.default_rng(2).permutation(grid)
    near = np.linalg.norm(at[:, None] - at[None], axis=2) == 1
    assert not (near & (colors[:, None] == colors[None])).any()
    assert set(colors) == set(range(len(COLORS)))


def test_a_large_map_is_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """More images than are drawn, more picks than have ranks, and equal images still give a picture."""
    monkeypatch.setattr(map_picture, "DRAWN", 50)
    monkeypatch.setattr(map_picture, "RANKED", 2)
    monkeypatch.setattr(map_picture, "SPOKES", 10)
    whole, thin = islands(600), PoolMap(np.zeros((600, 2), np.float32), "umap", None)
    for drawn in (whole, thin):
        png = draw_map(drawn, np.arange(600) % 3, [0, 1, 2])
        assert pixels(png).shape == (1140, 1200, 3)


def test_the_curve_marks_its_knee_and_its_minutes() -> None:
    """The knee's colour appears only with a knee, and minutes change the picture."""
    embeddings = islands(90).points
    bent = explain(embeddings, [0, 1, 2, 3, 4, 5], draws=20)
    short = explain(embeddings, [0, 1], draws=20)
    assert (bent.knee, short.knee) == (3, None)
    plain = draw_curve(bent, "Islands")
    assert pixels(plain).shape == (780, 1200, 3)
    assert count(plain, COLORS[0]) > 500
    assert count(plain, COLORS[1]) > 50
    assert count(draw_curve(short), COLORS[1]) == 0
    assert draw_curve(bent, "Islands", minutes_per_image=3.0) != plain
    assert draw_curve(explain(embeddings, [0], draws=20)).startswith(b"\x89PNG")


def test_a_single_pick_is_drawn_with_its_draws(figures: list[Figure]) -> None:
    """For a single budget, the band and the mean of the legend have a width, and ticks are whole numbers."""
    draw_curve(of_budget(1))
    [axes] = figures[0].axes
    [band], [mean, dot] = axes.collections, axes.lines
    assert np.ptp(band.get_paths()[0].vertices[:, 0]) == pytest.approx(0.2)
    assert np.ptp(mean.get_xdata()) == pytest.approx(0.2)
    assert list(dot.get_xdata()) == [1]
    assert list(axes.get_xticks()) == [0, 1, 2]


def test_later_rounds_count_further_images(figures: list[Figure]) -> None:
    """If images are labelled already, the curve begins at 0, and the axis says "further images"."""
    for labelled in ([], [80]):
        draw_curve(of_budget(3, labelled=labelled))
    first, later = (figure.axes[0].get_xlabel() for figure in figures)
    assert first.startswith("images labelled")
    assert later.startswith("further images labelled")


@pytest.mark.parametrize(
    ("minutes", "knee", "scale"),
    [
        (0.8, "1 pick, 48 s", "seconds"),
        (8.4, "1 pick, 8 min", "minutes"),
        (200.0, "1 pick, 3 h", "hours"),
    ],
)
def test_times_are_told_in_what_fits(figures: list[Figure], minutes: float, knee: str, scale: str) -> None:
    """The time at the knee reads as on the command line, one pick in the singular; the upper scale has the
    unit.
    """
    found = of_budget(2, labelled=[80])
    assert found.knee == 1
    draw_curve(found, minutes_per_image=minutes)
    [axes] = figures[0].axes
    assert axes.texts[0].get_text().startswith(f"knee: {knee}")
    assert axes.child_axes[0].get_xlabel() == f"{scale} of labelling"
    figures[0].draw_without_rendering()
    assert np.interp(2, axes.get_xlim(), axes.child_axes[0].get_xlim()) == pytest.approx(
        2 * minutes * {"seconds": 60, "minutes": 1, "hours": 1 / 60}[scale]
    )


def test_shares_are_told_as_on_the_command_line(figures: list[Figure]) -> None:
    """The share of beaten draws has one decimal; none and all are written in words."""
    for beaten in (0.9875, 0.0, 1.0):
        found = of_budget(3)
        draw_curve(replace(found, random=replace(found.random, beaten=beaten)))
    said = [figure.axes[0].get_legend_handles_labels()[1][-1] for figure in figures]
    assert [sentence.removeprefix("this selection, better than ") for sentence in said] == [
        *("98.8% of the draws", "none of the draws", "all of the draws")
    ]
