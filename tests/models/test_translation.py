from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from models.artifacts import ModelSpec, load_model, save_model
from models.export import export_onnx
from models.networks import Generator, initialise
from models.palette import ClassTable
from models.translation import Translator
from tests.models.runs import TABLE, scene, small_spec


def generator(channels: int = 2, blocks: int = 2) -> Generator:
    network = Generator(channels, blocks)
    initialise(network, torch.Generator().manual_seed(0))
    for parameter in network.parameters():
        parameter.data *= 3  # so that the untrained output is not almost grey
    return network


def write_model(folder: Path, table: ClassTable | None) -> Generator:
    network = generator()
    folder.mkdir()
    save_model(folder, {"photo_to_label": network}, ModelSpec(small_spec("hybrid"), table))
    return network


@pytest.mark.parametrize("table", [TABLE, None])
def test_a_saved_model_loads_as_it_was(tmp_path: Path, table: ClassTable | None) -> None:
    """Weights, spec and class table survive saving, and the files hold no pickle."""
    network = write_model(tmp_path / "model", table)
    loaded, spec = load_model(tmp_path / "model")
    assert spec == ModelSpec(small_spec("hybrid"), table)
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "photo_to_label.safetensors",
        "spec.json",
    ]


def test_a_model_of_an_unknown_method_is_refused(tmp_path: Path) -> None:
    """A spec naming a method that does not exist raises ValueError and lists those that do."""
    write_model(tmp_path / "model", TABLE)
    path = tmp_path / "model" / "spec.json"
    value = json.loads(path.read_text())
    value["training"]["method"] = "later"
    path.write_text(json.dumps(value))
    with pytest.raises(ValueError, match="unknown method 'later'; there are hybrid"):
        load_model(tmp_path / "model")


def test_onnx_equals_torch_at_any_batch_size(tmp_path: Path) -> None:
    """onnxruntime computes what torch computes, for one image and for several, within 1e-4."""
    network = generator(4, 3)
    export_onnx(network, 32, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    assert [(i.name, i.shape[1:]) for i in session.get_inputs()] == [("photo", [3, 32, 32])]
    for batch in (1, 3):
        photo = np.random.default_rng(batch).uniform(-1, 1, size=(batch, 3, 32, 32)).astype(np.float32)
        (translation,) = session.run(["translation"], {"photo": photo})
        with torch.no_grad():
            expected = network(torch.from_numpy(photo)).numpy()
        assert expected.std() > 0.05
        np.testing.assert_allclose(translation, expected, atol=1e-4)


def test_exporting_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    """Training can go on after an export: mode and gradients are untouched."""
    network = generator().train()
    export_onnx(network, 32, tmp_path / "model.onnx")
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def by_hand(network: nn.Module, photo: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The steps of §4.1.2 one by one with Pillow and NumPy."""
    small = np.asarray(Image.fromarray(photo).resize((32, 32), Image.Resampling.BICUBIC))
    x = torch.from_numpy(small.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)
    with torch.no_grad():
        y = network(x)[0].numpy().transpose(1, 2, 0)
    drawn = Image.fromarray(np.rint((y + 1) * 127.5).astype(np.uint8))
    return np.asarray(drawn.resize((width, height), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("size", [None, (30, 50)])
def test_translation_equals_the_steps_by_hand(tmp_path: Path, size: tuple[int, int] | None) -> None:
    """RGB and label map, at the photo's size or another, equal the protocol computed step by step."""
    network = write_model(tmp_path / "model", TABLE)
    photo, _ = scene(0)
    translation = Translator.load(tmp_path / "model", "cpu").translate(photo, size)
    expected = by_hand(network, photo, *(size or (48, 64)))
    assert np.array_equal(translation.rgb, expected)
    distances = ((expected[:, :, None].astype(int) - np.array(TABLE.colors)) ** 2).sum(axis=3)
    assert translation.label_map is not None
    assert np.array_equal(translation.label_map, distances.argmin(axis=2))
    assert len(np.unique(translation.label_map)) > 1
    nearest, second = np.sort(np.sqrt(distances), axis=2)[:, :, :2].transpose(2, 0, 1)
    assert translation.doubtful_share == pytest.approx((nearest > 0.8 * second).mean())


def test_rgb_pools_have_no_label_map(tmp_path: Path) -> None:
    """Without a class table there is only the RGB translation."""
    write_model(tmp_path / "model", None)
    translation = Translator.load(tmp_path / "model", "cpu").translate(scene(0)[0])
    assert translation.rgb.shape == (48, 64, 3)
    assert translation.label_map is None
    assert translation.doubtful_share is None


def test_the_library_needs_no_service() -> None:
    """Importing training and evaluation loads no web framework, database or task queue."""
    code = (
        "import sys, models.training, models.evaluation;"
        "print({'fastapi', 'sqlalchemy', 'celery', 'service', 'store', 'worker'} & set(sys.modules))"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == "set()"
