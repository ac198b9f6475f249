"""`python -m models.training RUN_DIR` trains in a run directory; exits with 1 and a sentence if it cannot."""

import argparse
import sys
from pathlib import Path

from models.training.run_directory import RunInUse
from models.training.trainer import TrainingDiverged, train


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder with spec.json and manifest.json")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    arguments = parser.parse_args()
    try:
        train(arguments.run_dir, arguments.device)
    except (RunInUse, TrainingDiverged, ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


main()
