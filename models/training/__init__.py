"""Training a translator in a run directory that survives being killed."""

from models.training.run_directory import RunDirectory, RunInUse
from models.training.trainer import TrainingDiverged, UnusableRun, learning_rate_factor, train

__all__ = ["RunDirectory", "RunInUse", "TrainingDiverged", "UnusableRun", "learning_rate_factor", "train"]
