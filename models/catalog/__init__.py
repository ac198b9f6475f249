"""The vocabulary of training and selection, from which every room takes names, ranges, defaults and texts.

options      TrainingSpec, the options of a training
methods      the training methods
recipes      the sizes of training, and `build`, which makes the spec of a recipe for a method
strategies   the selection strategies
predictions  the directions of a model, and the views of a photo that it predicts from

Only the standard library is imported, so that the service and the command line can read it without PyTorch.
"""

from models.catalog.methods import METHODS, MethodFacts, method_facts
from models.catalog.options import LARGEST_SIDE, OPTIONS, TrainingSpec
from models.catalog.predictions import (
    DEFAULT_TEST_TIME,
    DIRECTIONS,
    LABELS_TO_PHOTOS,
    PHOTOS_TO_LABELS,
    TEST_TIME,
)
from models.catalog.recipes import DEFAULT_RECIPE, RECIPES, build
from models.catalog.strategies import ADVISED, DEFAULT_STRATEGY, PAIRWISE, STRATEGIES

__all__ = [
    "ADVISED",
    "DEFAULT_RECIPE",
    "DEFAULT_STRATEGY",
    "DEFAULT_TEST_TIME",
    "DIRECTIONS",
    "LABELS_TO_PHOTOS",
    "LARGEST_SIDE",
    "METHODS",
    "OPTIONS",
    "PAIRWISE",
    "PHOTOS_TO_LABELS",
    "RECIPES",
    "STRATEGIES",
    "TEST_TIME",
    "MethodFacts",
    "TrainingSpec",
    "build",
    "method_facts",
]
