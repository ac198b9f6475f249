"""`model` as a command."""

import json
from pathlib import Path

from fewpairs import Model
from tests.fewpairs.conftest import Run


def test_model_download_gives_the_kept_bytes(run: Run, trained: Model, tmp_path: Path) -> None:
    """Every file of the model is written, with the size that the service names."""
    result = run("model", "download", trained.id, "--out", tmp_path / "model")
    assert result.exit_code == 0, result.output
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "model").iterdir()}
    assert sizes == {file["name"]: file["size_bytes"] for file in trained.files}
    assert "photo_to_label.safetensors" in sizes


def test_latest_is_the_newest_model_trained_in_the_pool(run: Run, trained: Model, tmp_path: Path) -> None:
    """`latest` finds the model that was trained last, even if another was imported later."""
    (tmp_path / "later.onnx").write_bytes(b"onnx")
    assert run("model", "import", tmp_path / "later.onnx", "--pool", "trained").exit_code == 0
    shown = json.loads(run("model", "show", "latest", "--pool", "trained").stdout)
    assert shown["id"] == trained.id
    assert trained.id in run("model", "list", "--pool", "trained").output
