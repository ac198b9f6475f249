from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import confusion_matrix
from torch import Tensor, nn

from models.catalog import LABELS_TO_PHOTOS
from models.evaluation import EvaluationItem, evaluate_photos
from models.images.palette import ClassTable
from models.images.photos import read_label_map
from models.training.networks import Generator, initialise
from models.translation.translator import Translator
from tests.models.runs import TABLE, write_scenes


class Constant(nn.Module):
    """Logits of three classes that always favour the first class."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tensor([1.0, 0.0, -1.0])[None, :, None, None].expand(len(x), 3, *x.shape[2:])


def items(folder: Path, height: int = 48, width: int = 64) -> list[EvaluationItem]:
    scenes = write_scenes(folder, 3, seed=3, height=height, width=width)
    return [EvaluationItem(f"scene {i}", photo, label) for i, (photo, label) in enumerate(scenes)]


def drawing(network: nn.Module, table: ClassTable | None = TABLE) -> Translator:
    return Translator(network, 32, table, direction=LABELS_TO_PHOTOS)


def truths(scenes: list[EvaluationItem]) -> NDArray[np.uint8]:
    return np.stack([read_label_map(item.label_map) for item in scenes])


def test_photos_that_show_their_labels_score_one(tmp_path: Path) -> None:
    """A translator that passes label maps on, and a scorer that reads class colours, score 1 in
    everything.
    """
    evaluation = evaluate_photos(
        drawing(nn.Identity()), Translator(nn.Identity(), 32, TABLE), items(tmp_path, 32, 32)
    )
    scores = evaluation.pixel_accuracy, evaluation.mean_accuracy, evaluation.mean_iou
    assert scores == (1, 1, 1)
    assert evaluation.doubtful_share == 0


def test_a_scorer_blind_to_the_photo_scores_the_share_of_its_answer(tmp_path: Path) -> None:
    """A scorer that always predicts class 0 is right where the truth is class 0, among pixels not ignored."""
    scenes = items(tmp_path)
    truth = truths(scenes)
    share = (truth == 0).sum() / (truth != 255).sum()
    evaluation = evaluate_photos(
        drawing(nn.Identity()), Translator(Constant(), 32, TABLE, learns_classes=True), scenes
    )
    assert evaluation.pixel_accuracy == pytest.approx(share)
    assert evaluation.mean_accuracy == pytest.approx(1 / 3)
    assert evaluation.mean_iou == pytest.approx(share / 3)


def test_scores_equal_the_protocol_by_hand(tmp_path: Path) -> None:
    """A random network's scores equal those of §6.4, computed step by step with Pillow and scikit-learn."""
    network = Generator(2, 1)
    initialise(network, torch.Generator().manual_seed(0))
    for parameter in network.parameters():
        parameter.data *= 3
    scenes = items(tmp_path)
    seen: list[tuple[str, NDArray[np.uint8]]] = []
    evaluation = evaluate_photos(
        drawing(network),
        Translator(nn.Identity(), 16, TABLE),
        scenes,
        lambda name, photo, score: seen.append((name, photo)),
    )
    predicted = []
    for item, (name, photo) in zip(scenes, seen, strict=True):
        colored = np.zeros((48, 64, 4), dtype=np.uint8)  # transparent where ignored
        for index, color in enumerate(TABLE.colors):
            colored[read_label_map(item.label_map) == index] = (*color, 255)
        small = np.asarray(Image.fromarray(colored).resize((32, 32), Image.Resampling.BICUBIC))
        scaled = (small[:, :, :3].astype(np.float32) / 127.5 - 1) * (small[:, :, 3:] >= 128)
        x = torch.from_numpy(scaled.transpose(2, 0, 1)[None])
        with torch.no_grad():
            y = network(x)[0].numpy().transpose(1, 2, 0)
        drawn = Image.fromarray(np.rint((y + 1) * 127.5).astype(np.uint8))
        expected = drawn.resize((64, 48), Image.Resampling.BILINEAR)
        assert name == item.name
        assert np.array_equal(photo, np.asarray(expected))
        scored = expected.resize((16, 16), Image.Resampling.BICUBIC).resize(
            (64, 48), Image.Resampling.BILINEAR
        )
        distances = np.linalg.norm(
            np.asarray(scored)[:, :, None].astype(float) - np.array(TABLE.colors), axis=3
        )
        predicted.append(distances.argmin(axis=2))
    truth = truths(scenes)
    counted = truth != 255
    matrix = confusion_matrix(truth[counted], np.stack(predicted)[counted], labels=range(3))
    hits, pixels = np.diag(matrix), matrix.sum(axis=1)
    assert len(np.unique(np.stack(predicted))) > 1
    assert evaluation.pixel_accuracy == pytest.approx(hits.sum() / matrix.sum())
    assert evaluation.mean_accuracy == pytest.approx((hits / pixels).mean())
    assert evaluation.mean_iou == pytest.approx((hits / (pixels + matrix.sum(axis=0) - hits)).mean())


def test_what_cannot_be_scored_is_refused(tmp_path: Path) -> None:
    """A wrong direction of either model, different classes, no classes and no items raise ValueError."""
    scenes, scorer, model = items(tmp_path), Translator(nn.Identity(), 32, TABLE), drawing(nn.Identity())
    other = ClassTable(("sky", "tree", "road"), TABLE.colors)
    with pytest.raises(ValueError, match="needs a translator of direction labels_to_photos"):
        evaluate_photos(scorer, scorer, scenes)
    with pytest.raises(ValueError, match="no label map to predict"):
        evaluate_photos(model, model, scenes)
    for table in (other, None):
        with pytest.raises(ValueError, match="must predict the classes sky, road, tree"):
            evaluate_photos(model, Translator(nn.Identity(), 32, table), scenes)
    with pytest.raises(ValueError, match="has none"):
        evaluate_photos(drawing(nn.Identity(), None), scorer, scenes)
    with pytest.raises(ValueError, match="nothing to evaluate"):
        evaluate_photos(model, scorer, [])
