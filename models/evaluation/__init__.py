"""The paper's protocols: photos → labels (§4.1.2), satellite → map (§4.2.2), labels → photos (§6.4)."""

from models.evaluation.class_scores import Evaluation, ImageScore
from models.evaluation.constant import constant_baseline
from models.evaluation.protocols import EvaluationItem, OnImage, evaluate, evaluate_photos
from models.evaluation.rgb_scores import TOLERANCES, RgbEvaluation, RgbImageScore

EVALUATION_VERSION = 2
"""Raise it whenever the same model and images get other scores than before: experiments then score again."""

__all__ = [
    "EVALUATION_VERSION",
    "TOLERANCES",
    "Evaluation",
    "EvaluationItem",
    "ImageScore",
    "OnImage",
    "RgbEvaluation",
    "RgbImageScore",
    "constant_baseline",
    "evaluate",
    "evaluate_photos",
]
