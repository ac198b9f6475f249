"""Processes that run what users send open no files but those that they need."""

import subprocess
import sys
from pathlib import Path

import pytest

from processes.without_files import version

ROOT = Path(__file__).parent.parent
ATTEMPTS = """
import sys
from pathlib import Path
for path in map(Path, sys.argv[1:]):
    for act in (path.read_text, lambda: sorted(path.iterdir()), lambda: path.write_text("new"), path.unlink):
        try:
            act()
        except OSError as error:
            print(error.strerror, end=", ")
        else:
            print("done", end=", ")
print(flush=True)
"""


@pytest.mark.skipif(version() < 1, reason="this kernel has no Landlock")
def test_only_what_is_readable_is_read_and_nothing_is_written(tmp_path: Path) -> None:
    """No program is started, either; a missing path is no hindrance."""
    names = ("file", "other", "folder/inside", "folders/inside")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    readable = [tmp_path / name for name in ("file", "folder", "missing")]
    code = (
        "import subprocess, sys\n"
        "from pathlib import Path\n"
        "from processes.without_files import forbid_files\n"
        f"assert forbid_files(*map(Path, {[str(path) for path in readable]}))\n"
        f"exec({ATTEMPTS!r})\n"
        "try:\n"
        "    subprocess.run([sys.executable, '-V'])\n"
        "except PermissionError as error:\n"
        "    print(error.strerror, end='')\n"
    )
    attempted = [str(tmp_path / name) for name in (*names, "folder", "")]
    ran = subprocess.run(
        [sys.executable, "-c", code, *attempted], cwd=ROOT, capture_output=True, text=True, check=True
    )
    no, folder = "Permission denied", "Is a directory"
    *answers, started = ran.stdout.replace("\n", "").split(", ")
    assert started == no
    assert [answers[place : place + 4] for place in range(0, len(answers), 4)] == [
        ["done", "Not a directory", no, no],
        [no, "Not a directory", no, no],
        ["done", "Not a directory", no, no],
        [no, "Not a directory", no, no],
        [folder, "done", folder, no],
        [no, no, folder, no],
    ]
    assert [(tmp_path / name).read_text() for name in names] == list(names)
