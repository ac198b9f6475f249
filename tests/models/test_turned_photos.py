"""Photos that are stored turned, with the EXIF note that says so, are used upright."""

from pathlib import Path

import numpy as np
from PIL import Image
from torch import nn

from models.evaluation import EvaluationItem, evaluate
from models.training.aspect_data import sized_photo
from models.training.trainer import train
from models.translation.translator import Translator
from tests.models.runs import TABLE, small_spec, write_run, write_scenes
from tests.photo_kinds import AS_STORED, exif


def turn(photo: Path, orientation: int) -> None:
    """Store the photo as a camera held otherwise does; people see the same."""
    stored = np.ascontiguousarray(AS_STORED[orientation](np.asarray(Image.open(photo))))
    Image.fromarray(stored).save(photo, exif=exif(orientation))


def test_a_training_on_turned_photos_is_one_on_upright_photos(tmp_path: Path) -> None:
    """The weights and the sample sheet, which shows photos and translations, are the same to the last bit."""
    runs = [
        write_run(tmp_path / name, small_spec("pix2pix", total_steps=3)) for name in ("upright", "turned")
    ]
    for number, photo in enumerate(sorted((tmp_path / "turned" / "data").glob("photo*.png"))):
        turn(photo, 5 + number)
    for run in runs:
        train(run, "cpu")
    for file in ("photo_to_label.safetensors", "samples.png"):
        upright, turned = ((run / "model" / file).read_bytes() for run in runs)
        assert upright == turned, file


def test_an_evaluation_of_turned_photos_is_one_of_upright_photos(tmp_path: Path) -> None:
    """A photo is translated upright, to the size of its label map; trainings at its aspect see it so too."""
    [pair] = write_scenes(tmp_path, 1)
    translator = Translator(nn.Identity(), 32, TABLE)
    scores, sizes = [], []
    for orientation in (1, 6):
        turn(pair[0], orientation)
        scores.append(evaluate(translator, [EvaluationItem("scene", *pair)]))
        sizes.append(sized_photo(pair[0], 64))
    assert scores[0] == scores[1]
    assert sizes[0].equal(sizes[1])
