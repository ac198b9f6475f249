"""The tests marked `gpu`, by name, passed or failed.

    python -m benchmarks.gpu_tests

Only the files with such tests are loaded, without the fixtures of the whole suite, so neither a database nor
the service has to be installed. Several processes share the tests, because compilers take most of the time. A
file whose packages are missing counts as skipped.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measuring import Report, device_named

ROOT = Path(__file__).parent.parent
MARK = "pytest.mark.gpu"
PYTEST = [sys.executable, "-m", "pytest", "--noconftest", "-p", "no:cacheprovider"]
PYTEST += ["-o", "addopts=", "-o", "filterwarnings=default"]
OUTCOME = re.compile(r"^(tests/\S+?::\S+) (PASSED|FAILED|SKIPPED|ERROR)\b", re.MULTILINE)
UNREADABLE = re.compile(r"ERROR collecting (tests/\S+) _.*?^E +(.+?)$", re.MULTILINE | re.DOTALL)
REASON = re.compile(r"^(?:FAILED|ERROR) (tests/\S+)(?: - (.*))?$", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--processes", type=int, default=max(1, min(4, (os.cpu_count() or 1) // 4)))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/gpu_tests.json"))
    arguments = parser.parse_args()
    device = device_named(arguments.device)
    report = Report(arguments.out, device)
    tests, unreadable = collected(files_with_gpu_tests())
    for file, reason in unreadable.items():
        report.put("test", file, result=named(reason))
    if device.type != "cuda":
        for test in tests:
            report.put("test", test, result="skipped: needs a CUDA device")
        return
    shares = [tests[start :: arguments.processes] for start in range(arguments.processes)]
    with ThreadPoolExecutor(arguments.processes) as threads:
        list(threads.map(lambda share: add_outcomes(report, share), shares))


def add_outcomes(report: Report, tests: list[str]) -> None:
    """Run the tests and add each to the report as soon as its result is known."""
    for test, result in outcomes(tests):
        report.put("test", test, result=result)


def files_with_gpu_tests() -> list[str]:
    """The test files that use the mark, relative to the project's root."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in files if MARK in file.read_text(encoding="utf-8")]


def collected(files: list[str]) -> tuple[list[str], dict[str, str]]:
    """The tests marked `gpu` in these files, and the files that cannot be imported with the reason."""
    command = [*PYTEST, "--collect-only", "-q", "-m", "gpu", "--continue-on-collection-errors", *files]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    tests = re.findall(r"^(tests/\S+::\S+)$", text, re.MULTILINE)
    return tests, dict(UNREADABLE.findall(text))


def outcomes(tests: list[str]) -> Iterator[tuple[str, str]]:
    """Each test with its result, as soon as it is known; failed ones again at the end, with the reason."""
    if not tests:
        return
    command = [*PYTEST, "-v", "--tb=line", "-r", "fE", *tests]
    wide = os.environ | {"COLUMNS": "1000"}  # or reasons are cut off
    waiting = set(tests)
    with subprocess.Popen(
        command, cwd=ROOT, env=wide, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            if outcome := OUTCOME.match(line):
                yield outcome[1], outcome[2].lower()
                waiting.discard(outcome[1])
            elif (summary := REASON.match(line.rstrip())) and summary[1] in tests:
                yield summary[1], named(summary[2] or "")
    for test in waiting:
        yield test, f"failed: pytest ended with {process.returncode} before it"


def named(reason: str) -> str:
    """The result of a failure: `skipped` if a package is missing, else `failed`, with the reason."""
    return f"{'skipped' if 'No module named' in reason or 'not installed' in reason else 'failed'}: {reason}"


if __name__ == "__main__":
    main()
