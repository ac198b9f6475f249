"""The `fewpairs` command."""

from fewpairs.cli import evaluating, experiment, files, local, models, pools, selecting, training
from fewpairs.cli.common import app

__all__ = ["app", "evaluating", "experiment", "files", "local", "models", "pools", "selecting", "training"]
