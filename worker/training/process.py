"""The training subprocess: `python -m worker.training.process RUN_DIR DEVICE SILENCE_S CACHE_DIR [WEIGHTS]`.

`worker.training.supervisor` starts it. It ends with exit code 0 and `result.json`; or with `error.json`,
the reason that another attempt would meet again; or with neither when it crashed or was killed.
"""

import json
import logging
import sys
import time
from pathlib import Path

from models.encoders import WeightsUnavailable
from models.encoders.supplied import supplying
from models.training.run_directory import RunDirectory, RunInUse
from models.training.trainer import TrainingDiverged, UnusableRun, train
from processes.lifeline import end_with_stdin

ERROR_FILE = "error.json"


def main(run_dir: Path, device: str, silence_s: float, cache_dir: Path, weights: Path | None = None) -> int:
    """`weights` is the file that the operator supplies for the encoder of the training, if any."""
    # No training goes on whose worker may have lost the job, not even next to a worker that is only stopped.
    end_with_stdin(silence_s)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("models").setLevel(logging.INFO)  # how far a download of weights is
    encoder = RunDirectory(run_dir).spec().encoder
    try:
        with supplying(encoder, weights, cache_dir):
            _train_when_free(run_dir, device)
        return 0
    except WeightsUnavailable as error:
        return _give_up(run_dir, "weights-unavailable", error)
    except TrainingDiverged as error:
        return _give_up(run_dir, "training-diverged", error)
    except UnusableRun as error:
        return _give_up(run_dir, "invalid-training-spec", error)


def _train_when_free(run_dir: Path, device: str) -> None:
    while True:
        try:
            train(run_dir, device=device)
            return
        except RunInUse as in_use:
            # By the child of a worker that has lost the job and does not know it yet.
            sys.stderr.write(f"waiting: {in_use}\n")
            time.sleep(1.0)


def _give_up(run_dir: Path, type: str, error: Exception) -> int:
    (run_dir / ERROR_FILE).write_text(json.dumps({"type": type, "detail": str(error)}), encoding="utf-8")
    return 1


if __name__ == "__main__":
    run_dir, device, silence_s, *files = sys.argv[1:]
    sys.exit(main(Path(run_dir), device, float(silence_s), *map(Path, files)))
