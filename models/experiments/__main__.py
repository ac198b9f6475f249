"""Trains and scores one run of an experiment, in a process of its own.

Exits with 1 and a sentence if that fails, and with IN_USE if another process is training the run. Ends when
its standard input does.
"""

import argparse
import sys
from pathlib import Path

from models.catalog import PHOTOS_TO_LABELS
from models.encoders import WeightsUnavailable
from models.experiments.dataset import Dataset
from models.experiments.scoring import IN_USE, train_and_score
from models.training.run_directory import RunDirectory, RunInUse
from models.training.trainer import TrainingDiverged
from processes.lifeline import end_with_stdin


def main() -> None:
    """Parse the command line, train and score."""
    parser = argparse.ArgumentParser(prog="python -m models.experiments", description=__doc__)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--direction", default=PHOTOS_TO_LABELS)
    parser.add_argument("--scorer", type=Path, help="run directory of the model that reads generated photos")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    end_with_stdin()
    scorer = RunDirectory(arguments.scorer) if arguments.scorer else None
    try:
        train_and_score(
            RunDirectory(arguments.run_dir),
            Dataset(arguments.data),
            arguments.direction,
            scorer,
            arguments.device,
        )
    except RunInUse:
        sys.exit(IN_USE)
    except (TrainingDiverged, WeightsUnavailable, ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


main()
