"""The `fewpairs` command."""

from fewpairs.cli import files, local, models, pools, selecting, training
from fewpairs.cli.common import app

__all__ = ["app", "files", "local", "models", "pools", "selecting", "training"]
