"""Everything that has to be measured on a GPU, in one command and one JSON file.

    python -m benchmarks.gpu --out gpu.json

1 tests      the tests marked `gpu`
2 steps      a training step against a plain one
3 embedding  photos a second from JPEG files to embeddings
4 selection  k-means and medoids of up to a million images, on the GPU and on the CPU
5 trainings  two whole trainings: mean IoU over time
6 finetune   trainings from a pretrained network, with and without unpaired photos: mean IoU over time

Each part is a command of its own, which runs in a process of its own. A part that fails or runs out of time
keeps its rows and does not stop the others; a part whose packages are missing counts as skipped. The file is
written after every part. A part may take its share of `--budget` and whatever the parts before it left over.
docs/gpu.md lists the packages and the goals. `--quick` runs the same code on tiny sizes, to test it.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu_answers import answers
from benchmarks.measuring import device_named, say, table, write_json
from models.machine import describe_machine
from processes.lifeline import spawn

GRACE_S = 5
"""A part that is told to end has this long to do so."""


@dataclass(frozen=True)
class Part:
    """A command, the share of the budget that it may take, and its arguments in full and `--quick`."""

    name: str
    module: str
    share: float
    full: str
    quick: str


PARTS = (
    Part("tests", "benchmarks.gpu_tests", 0.16, "", ""),
    Part(
        "steps",
        "benchmarks.training_step",
        0.28,
        "--methods hybrid pix2pix cyclegan --sizes 256 --batches 1 8 --repeats 3",
        "--methods hybrid pix2pix --sizes 64 --channels 4 --repeats 1 --variants eager plain_pool bfloat16",
    ),
    Part(
        "embedding",
        "benchmarks.embedding",
        0.14,
        "--sizes 480x360 1920x1080 --count 2048 --different 16 --repeats 3",
        "--sizes 64x48 --count 16 --repeats 1 --encoders efficientnet_lite0",
    ),
    Part(
        "selection",
        "benchmarks.selection_scale",
        0.14,
        "--images 100000 1000000 --budgets 100 1000",
        "--images 1000 2000 --budgets 10 --dimension 64",
    ),
    Part(
        "trainings",
        "benchmarks.full_training",
        0.14,
        "--seconds {seconds}",
        "--methods hybrid --recipe tiny --channels 4 --scenes 8 --pairs 4 --seconds 2",
    ),
    Part(
        "finetune",
        "benchmarks.full_training",
        0.14,
        "--methods finetune --encoder resnet50 --size 512 --consistency 0 1 --seconds {seconds}",
        "--methods finetune --recipe tiny --size 64 --consistency 1 --scenes 8 --pairs 4 --seconds 2",
    ),
)

TRAINING_S, PREPARATION_S = 90, 40
"""The time of each of two trainings, and of everything else in their part, mostly compilation."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    numbers = ",".join(str(number) for number, _ in enumerate(PARTS, 1))
    parser.add_argument("--parts", default=numbers, help="their numbers, such as 2,3")
    parser.add_argument("--budget", type=float, default=480, metavar="SECONDS")
    parser.add_argument("--device", default="auto", choices=("auto", "cuda", "cpu"))
    parser.add_argument("--data", type=Path, metavar="DIR", help="train on these photos, not on drawn scenes")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/gpu.json"))
    arguments = parser.parse_args()
    named = dict(zip(numbers.split(","), PARTS, strict=True))
    if unknown := set(arguments.parts.split(",")) - named.keys():
        parser.error(f"there is no part {min(unknown)}: choose from {numbers}")
    parts = [named[number] for number in arguments.parts.split(",")]
    more = {}
    if arguments.data:
        more = {name: ["--data", str(arguments.data.resolve())] for name in ("trainings", "finetune")}
    machine = describe_machine(device_named(arguments.device))
    document = {"device": machine["device"], "machine": machine, "quick": arguments.quick, "parts": {}}
    for part, report in run(parts, arguments.device, arguments.budget, arguments.quick, more):
        document["parts"][part.name] = report
        document["answers"] = answers(document["parts"])
        write_json(arguments.out, document)
        say(f"\n{part.name}: {report['status']}, {report['seconds']:.0f} s\n{table(report.get('rows', []))}")
    say(f"\n{document['device']}\n{table(document['answers'])}")


def run(
    parts: Sequence[Part], device: str, budget: float, quick: bool, more: Mapping[str, list[str]]
) -> Iterator[tuple[Part, dict[str, Any]]]:
    """Run one part after the other, with `more` arguments by their names; yields each with its report."""
    begun, shares = time.monotonic(), sum(part.share for part in parts)
    granted = 0.0
    # Parts share compiled code, and what a part that is ended leaves behind goes with the folder.
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TMPDIR": folder}
        if quick:
            environment["OMP_NUM_THREADS"] = "1"  # more threads would wait for each other on such sizes
        for part in parts:
            granted += budget * part.share / shares
            limit = begun + granted - time.monotonic()
            given = part.quick if quick else part.full
            seconds = min(TRAINING_S, max(1, (limit - PREPARATION_S) / 2))
            command = [*given.format(seconds=seconds).split(), *more.get(part.name, [])]
            yield part, _report(part, [*command, "--device", device], environment, limit)


def _report(part: Part, arguments: list[str], environment: dict[str, str], limit: float) -> dict[str, Any]:
    """The rows of a part, however it ends, with its `status` and its `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        out, log = Path(folder) / "report.json", Path(folder) / "log"
        command = [sys.executable, "-m", part.module, *arguments, "--out", str(out)]
        start = time.monotonic()
        with log.open("wb") as output:
            process = spawn(command, environment=environment, output=output.fileno())
            status = _waited(process, limit)
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if process.returncode and not status:
            last = lines[-1] if lines else f"exit code {process.returncode}"
            is_missing = last.startswith(("ModuleNotFoundError", "ImportError"))
            status = f"{'skipped' if is_missing else 'failed'}: {last}"
        report = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
        return {"status": status or "complete", "seconds": time.monotonic() - start} | report


def _waited(process: "subprocess.Popen[bytes]", limit: float) -> str | None:
    """What to say of a process that had to be ended; None for one that ended by itself."""
    try:
        process.wait(max(limit, 0))
    except subprocess.TimeoutExpired:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.wait(GRACE_S)
        return f"out of time after {limit:.0f} s"
    return None


if __name__ == "__main__":
    main()
