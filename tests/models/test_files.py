from __future__ import annotations

from pathlib import Path

import pytest

from models.files import atomic_write


def test_two_writers_of_one_file_never_mix(tmp_path: Path) -> None:
    """Each writer installs only its own bytes, even if another one begins and ends meanwhile."""
    target = tmp_path / "new folder" / "spec.json"
    with atomic_write(target) as slow, slow.open("wb", buffering=0) as file:
        file.write(b"slow, ")
        with atomic_write(target) as fast:
            fast.write_bytes(b"fast")
        file.write(b"to the end")
        assert target.read_bytes() == b"fast"
    assert target.read_bytes() == b"slow, to the end"
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """If the block raises, the old file stays, and the temporary file is removed."""
    target = tmp_path / "result.json"
    target.write_text("old")
    with pytest.raises(TypeError), atomic_write(target) as temporary, temporary.open("w") as file:
        file.write(b"half")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_text() == "old"
