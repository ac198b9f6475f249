from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from models.catalog import METHODS, MethodFacts, TrainingSpec
from models.images.palette import ClassTable
from models.training.methods.cyclegan import CycleGAN
from models.training.networks import Generator, initialise
from models.translation.artifacts import ModelSpec, load_model, save_model
from models.translation.export import export_onnx
from models.translation.translator import Translator
from tests.models.runs import TABLE, scene, small_spec


def generator(channels: int = 2, blocks: int = 2, seed: int = 0) -> Generator:
    network = Generator(channels, blocks)
    initialise(network, torch.Generator().manual_seed(seed))
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
    """A spec with an unknown method raises ValueError, which lists the known methods."""
    write_model(tmp_path / "model", TABLE)
    path = tmp_path / "model" / "spec.json"
    value = json.loads(path.read_text())
    value["training"]["method"] = "later"
    path.write_text(json.dumps(value))
    with pytest.raises(ValueError, match="unknown method 'later'; there are hybrid"):
        load_model(tmp_path / "model")


def test_onnx_equals_torch_at_any_batch_size(tmp_path: Path) -> None:
    """onnxruntime gives torch's result within 1e-4, for one image and for several."""
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
    """Training can go on after an export: mode and gradients are not changed."""
    network = generator().train()
    export_onnx(network, 32, tmp_path / "model.onnx")
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def by_hand(
    network: nn.Module,
    image: NDArray[np.uint8],
    height: int,
    width: int,
    resampling: Image.Resampling = Image.Resampling.BICUBIC,
) -> NDArray[np.uint8]:
    """The steps of §4.1.2 one by one with Pillow and NumPy. Of an image with transparency, the transparent
    pixels are 0.
    """
    small = np.asarray(Image.fromarray(image).resize((32, 32), resampling))
    scaled = small[:, :, :3].astype(np.float32) / 127.5 - 1
    if image.shape[2] == 4:
        scaled = scaled * (small[:, :, 3:] >= 128)
    x = torch.from_numpy(scaled.transpose(2, 0, 1)[None])
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
    assert translation.doubtful is not None
    assert translation.doubtful.mean() == pytest.approx((nearest > 0.8 * second).mean())


class Classifier(CycleGAN):
    """A method that learns classes, smaller than any real one."""

    @staticmethod
    def generator(spec: TrainingSpec, class_table: ClassTable | None) -> nn.Module:
        assert class_table
        return nn.Conv2d(3, len(class_table.names), 1)


def test_models_of_methods_that_learn_classes_load_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The method decides how the output is read, also with three classes; such a model makes no photos."""
    facts = MethodFacts(implementation=f"{__name__}:Classifier", summary="", learns_classes=True)
    monkeypatch.setitem(METHODS, "classifier", facts)
    spec = ModelSpec(small_spec("hybrid"), TABLE)
    spec = replace(spec, training=replace(spec.training, method="classifier"))
    network = Classifier.generator(spec.training, TABLE)
    save_model(tmp_path, {"photo_to_label": network}, spec)
    photo, _ = scene(0)
    loaded = Translator.load(tmp_path, "cpu")
    assert loaded.learns_classes
    expected = Translator(network, 32, TABLE, learns_classes=True).translate(photo).label_map
    assert np.array_equal(loaded.translate(photo).label_map, expected)
    with pytest.raises(ValueError, match="trained with classifier translates photos to labels only"):
        Translator.load(tmp_path, "cpu", "labels_to_photos")


@pytest.mark.parametrize("resize", ["bicubic", "nearest"])
def test_label_maps_become_photos(tmp_path: Path, resize: str) -> None:
    """The other direction uses the other network, and resizes label maps as its training did."""
    there, back = generator(), generator(seed=1)
    spec = small_spec("hybrid", label_resize=resize)
    save_model(tmp_path, {"photo_to_label": there, "label_to_photo": back}, ModelSpec(spec, TABLE))
    colored = TABLE.draw(scene(0)[1])
    drawn = Translator.load(tmp_path, "cpu", "labels_to_photos").draw(colored)
    resampling = Image.Resampling[resize.upper()]
    assert np.array_equal(drawn, by_hand(back, colored, 48, 64, resampling))
    assert not np.array_equal(drawn, by_hand(there, colored, 48, 64, resampling))


def test_directions_are_not_mixed_up(tmp_path: Path) -> None:
    """An unknown direction, or predicting classes with a model that draws photos, raises ValueError."""
    save_model(
        tmp_path,
        {"photo_to_label": generator(), "label_to_photo": generator()},
        ModelSpec(small_spec("hybrid"), TABLE),
    )
    with pytest.raises(ValueError, match="there are photos_to_labels, labels_to_photos"):
        Translator.load(tmp_path, "cpu", "sideways")
    with pytest.raises(ValueError, match="no label map to predict"):
        Translator.load(tmp_path, "cpu", "labels_to_photos").translate(scene(0)[0])


def test_translating_switches_dropout_off_and_on_again() -> None:
    """A network in training mode translates without dropout and is in training mode afterwards."""
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0.5)).train()
    translator = Translator(network, 32, None)
    photo, _ = scene(0)
    assert np.array_equal(translator.draw(photo), translator.draw(photo))
    assert all(module.training for module in network.modules())


def test_rgb_pools_have_no_label_map(tmp_path: Path) -> None:
    """Without a class table there is only the RGB translation."""
    write_model(tmp_path / "model", None)
    translation = Translator.load(tmp_path / "model", "cpu").translate(scene(0)[0])
    assert translation.rgb.shape == (48, 64, 3)
    assert translation.label_map is None
    assert translation.doubtful is None


def test_the_library_needs_no_service() -> None:
    """Importing training and evaluation loads no web framework, database or task queue."""
    code = (
        "import sys, models.training, models.evaluation;"
        "print({'fastapi', 'sqlalchemy', 'celery', 'service', 'store', 'worker'} & set(sys.modules))"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == "set()"
