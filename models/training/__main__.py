"""`python -m models.training RUN_DIR` trains in a run directory; exits with 1 and a sentence if it cannot."""

import argparse
import sys
from pathlib import Path

from models.encoders import WeightsUnavailable
from models.encoders.supplied import supplying
from models.training.run_directory import RunDirectory, RunInUse
from models.training.trainer import TrainingDiverged, train


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder with spec.json and manifest.json")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("--weights", type=Path, help="a file with the weights of the spec's encoder")
    arguments = parser.parse_args()
    try:
        with supplying(RunDirectory(arguments.run_dir).spec().encoder, arguments.weights, None):
            train(arguments.run_dir, arguments.device)
    except (RunInUse, TrainingDiverged, WeightsUnavailable, ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


main()
