"""What `pip install 'fewpairs[…]'` brings."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from service.pages.routes import BUILT

ROOT = Path(__file__).parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
FAISS = {"faiss-cpu", "faiss-gpu"}


def packages(extra: str) -> set[str]:
    """The names of the packages that an extra brings, those of the extras it names included."""
    found = set()
    for requirement in EXTRAS[extra]:
        named = re.fullmatch(r"fewpairs\[([\w,-]+)\]", requirement)
        if named:
            found |= set().union(*map(packages, named[1].split(",")))
        else:
            found |= set(re.findall(r"^[\w-]+", requirement))
    return found


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_one_build_of_faiss_at_most(extra: str) -> None:
    """faiss-cpu and faiss-gpu install the same module, so no extra brings both."""
    assert len(packages(extra) & FAISS) <= 1


@pytest.mark.parametrize(("cpu", "gpu"), [("embedded", "gpu"), ("worker", "worker-gpu")])
def test_the_gpu_extras_differ_in_faiss_alone(cpu: str, gpu: str) -> None:
    """The extras for GPUs are those for CPUs with faiss-gpu in place of faiss-cpu."""
    assert packages(cpu) ^ packages(gpu) == FAISS
    assert "faiss-gpu" in packages(gpu)


def test_faiss_that_is_missing_is_named_with_a_remedy(tmp_path: Path) -> None:
    """Without FAISS, importing what needs it says which commands install it."""
    (tmp_path / "faiss.py").write_text("raise ImportError('No module named faiss')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import models.selection"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith("ImportError: FAISS is not installed")
    for extra in ("models", "gpu"):
        assert f"pip install 'fewpairs[{extra}]'" in last


def test_the_wheel_has_the_pages(tmp_path: Path) -> None:
    """It holds index.html and every file that this asks for, as they were built."""
    index = BUILT / "index.html"
    if not index.exists():
        if "CI" in os.environ:
            pytest.fail("the pages are not built: make pages")
        pytest.skip("the pages are not built: make pages")
    folders = ["egg_info", "--egg-base", tmp_path, "build", "--build-base", tmp_path / "build"]
    wheel = ["bdist_wheel", "--dist-dir", tmp_path, "--bdist-dir", tmp_path / "bdist"]
    command = [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", *folders, *wheel]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        html = archive.read("service/pages/dist/index.html").decode()
        files = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', html)
        assert len(files) >= 2
        for file in files:
            assert archive.read(f"service/pages/dist/{file}") == (BUILT / file).read_bytes()


def test_make_run_starts_without_the_pages(tmp_path: Path) -> None:
    """If they cannot be built, here for want of their sources, the service starts all the same."""
    for file in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy2(ROOT / file, tmp_path)
    program = tmp_path / "bin" / "fewpairs"
    for made in (tmp_path / ".venv" / ".run", tmp_path / ".venv" / ".node", program):
        made.parent.mkdir(exist_ok=True)
        made.write_text("#!/bin/sh\necho started with $1\n")
    program.chmod(0o755)
    (tmp_path / "web" / "src").mkdir(parents=True)
    command = ["make", "run", f"BIN={program.parent}"]
    run = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=True)
    assert "index.html" in run.stderr
    assert "started with up" in run.stdout
