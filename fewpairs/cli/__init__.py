"""The `fewpairs` command."""

from fewpairs.cli import (
    assigning,
    evaluating,
    experiment,
    explaining,
    files,
    local,
    models,
    pools,
    selecting,
    similar,
    training,
)
from fewpairs.cli.common import app

__all__ = [
    "app",
    "assigning",
    "evaluating",
    "experiment",
    "explaining",
    "files",
    "local",
    "models",
    "pools",
    "selecting",
    "similar",
    "training",
]
