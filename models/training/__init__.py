"""Training a translator in a run directory that survives being killed."""

from models.training.run_directory import RunDirectory, RunInUse
from models.training.trainer import TrainingDiverged, UnusableRun, learning_rate_factor, train

__all__ = [
    "TRAINING_VERSION",
    "RunDirectory",
    "RunInUse",
    "TrainingDiverged",
    "UnusableRun",
    "learning_rate_factor",
    "train",
]

TRAINING_VERSION = 1
"""Raised whenever the same spec and files would train another model: the golden losses then change."""
