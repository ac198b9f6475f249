"""Suggestions: label maps learned from finished photos and strokes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models import suggestion
from models.encoders.feature_maps import pretrained_feature_maps
from models.images.photos import write_label_map
from models.suggestion import SeenPhoto, suggest
from models.training.feature_store import FeatureStore
from models.training.logistic import L2, Rows, standardisation
from tests.drawings import drawing, png
from tests.models.runs import TABLE

CLASSES = 3
NONE = 255
Map = NDArray[np.uint8]


@pytest.fixture(scope="module")
def store() -> FeatureStore:
    return FeatureStore(pretrained_feature_maps("efficientnet_lite0")[0], None)


def seen(store: FeatureStore, photo: Map, folder: Path) -> SeenPhoto:
    path = folder / "photo.png"
    path.write_bytes(png(photo))
    return SeenPhoto.of(path, store)


def sparse(truth: Map, every: int = 5) -> Map:
    strokes = np.full_like(truth, NONE)
    strokes[:, ::every] = truth[:, ::every]
    return strokes


def test_it_is_scikit_learns_regression_on_the_pixels(
    store: FeatureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the watershed, almost all pixels have the class that LogisticRegression gives them, fitted to
    the same rows and asked about every single pixel.
    """
    photo, truth = drawing(7)
    view = seen(store, photo, tmp_path)
    drawn = suggestion._at_size(sparse(truth), view.pixels.shape[1:])
    rows = suggestion._pixel_rows(view, drawn, CLASSES)
    mean, std = standardisation(rows.features)
    oracle = LogisticRegression(C=1 / (L2 * len(rows.features)), max_iter=2000)
    oracle.fit(((rows.features - mean) / std).numpy(), rows.targets.argmax(dim=1).numpy())

    everywhere = np.zeros_like(drawn)
    monkeypatch.setattr(suggestion, "MOST_PIXELS", everywhere.size)
    pixels = suggestion._pixel_rows(view, everywhere, CLASSES).features
    expected = oracle.predict(((pixels - mean) / std).numpy()).reshape(drawn.shape)
    found = suggestion._logits(view, rows).argmax(dim=0).numpy()
    assert (found == expected).mean() > 0.99


def test_a_watershed_keeps_to_edges(store: FeatureStore, tmp_path: Path) -> None:
    """Of two even halves of a photo, with one dot in each, every pixel gets the class of its half."""
    photo = np.full((48, 64, 3), 60, np.uint8)
    photo[:, 29:] = (180, 190, 160)
    view = seen(store, photo, tmp_path)
    strokes = np.full(tuple(view.pixels.shape[1:]), NONE, np.uint8)
    edge = round(29 / 64 * strokes.shape[1])
    strokes[10, 4], strokes[-10, edge + 30] = 2, 1
    logits = torch.zeros(2, *strokes.shape)
    suggestion._pull_to_strokes(logits, view, strokes, torch.tensor([1, 2]))
    halves = np.arange(strokes.shape[1]) < edge
    wrong = (logits.argmax(dim=0).numpy() == 1) != halves
    assert wrong.sum() == 0
    assert logits.max() == suggestion.PULL
    assert (logits.amax(dim=0) > 0).all()


def test_what_is_suggested(store: FeatureStore, tmp_path: Path) -> None:
    """A map of the strokes' size, the same again; strokes keep their class, without doubt; only classes of
    finished photos and strokes occur, and elsewhere doubt is the share of probability that is left.
    """
    photo, truth = drawing(3)
    view = seen(store, photo, tmp_path)
    strokes = sparse(truth)
    strokes[strokes == 2] = NONE
    found, again = (suggest(view, CLASSES, [], strokes) for _ in range(2))
    assert np.array_equal(found.label_map, again.label_map)
    assert np.array_equal(found.doubt, again.doubt)
    stroked = strokes != NONE
    assert np.array_equal(found.label_map[stroked], strokes[stroked])
    assert not found.doubt[stroked].any()
    assert set(np.unique(found.label_map)) == {0, 1}
    assert 0 < found.doubt.max() <= 128  # of two classes, the better one has at least half


def test_finished_photos_teach_their_classes(store: FeatureStore, tmp_path: Path) -> None:
    """Rows are shares of the classes in the labelled cells; what was learned from two photos labels a third,
    also where a stroke teaches one class alone. ValueError if there is nothing to learn from.
    """
    finished = []
    for index in range(2):
        photo, truth = drawing(index)
        path = tmp_path / f"{index}.png"
        write_label_map(path, truth)
        finished.append(seen(store, photo, tmp_path).finished(path, TABLE))
    sums = torch.cat([rows.targets for rows in finished]).sum(dim=1)
    assert ((sums > 0) & (sums < 1.0001)).all()
    photo, truth = drawing(11)
    view, labelled = seen(store, photo, tmp_path), truth < CLASSES
    none = np.full_like(truth, NONE)
    stroke = none.copy()
    stroke[2, :20] = truth[2, :20]
    for strokes in (none, stroke):
        found = suggest(view, len(TABLE.names), finished, strokes)
        assert (found.label_map == truth)[labelled].mean() > 0.95
    with pytest.raises(ValueError, match="nothing to learn from"):
        suggest(view, CLASSES, [], none)


def test_the_strokes_of_one_photo_outweigh_many_finished_ones() -> None:
    """All rows of finished photos together have weight 1 where those of strokes have STROKES_COUNT, however
    many there are; of too many, each photo gives as many.
    """
    rows = Rows(torch.zeros(6000, 4), torch.full((6000, 2), 0.5))
    strokes = Rows(torch.ones(10, 4), torch.eye(2).repeat(5, 1))
    together = suggestion._together([rows, rows], strokes)
    assert len(together.features) == suggestion.MOST_CELLS + 10
    old, new = together.targets[:-10].sum(), together.targets[-10:].sum()
    assert float(new / old) == pytest.approx(suggestion.STROKES_COUNT)
