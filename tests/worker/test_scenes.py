"""Scenes jobs: a pool of drawn photos, of which those for tests are labelled."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes import CLASSES, write
from store import annotations, images
from store.tables import Image as ImageRow
from tests.worker.factories import Pools
from worker.run import run

FOLDERS = {"train": "train", "test": "val"}


@pytest.mark.parametrize("labelled", ["test", "all"])
def test_the_scenes_are_those_that_are_written_into_a_folder(
    pools: Pools, shutdown: threading.Event, tmp_path: Path, labelled: str
) -> None:
    """The same seed gives the same photos in the same splits, with the same label maps for those that get
    one; a second job with the same seed adds nothing.
    """
    write(tmp_path / "drawn", 4, seed=3)
    pool_id = pools.pool(class_table=CLASSES)
    for _ in range(2):
        job_id = pools.job(pool_id, "scenes", {"count": 4, "seed": 3, "labelled": labelled})
        run(job_id, pools.tools, shutdown)
        assert pools.get(job_id).state == "succeeded", pools.get(job_id).error
    with pools.tools.database.read() as session:
        found = {image.name: image for image in images.of_pool(session, pool_id)}
        drawn = {image.name: row for image, row in annotations.of_pool(session, pool_id)}
    assert {split: sum(image.split == split for image in found.values()) for split in FOLDERS} == {
        "train": 3,
        "test": 1,
    }
    for name, image in found.items():
        index = name.removeprefix("scene-3-").removesuffix(".jpg")
        folder = tmp_path / "drawn" / FOLDERS[image.split]
        assert content(pools, image) == (folder / "images" / f"{index}.jpg").read_bytes()
        assert (name in drawn) == (labelled == "all" or image.split == "test")
        if name in drawn:
            with pools.tools.blobs.open(drawn[name].sha256) as file:
                made = np.asarray(Image.open(file))
            assert np.array_equal(made, np.asarray(Image.open(folder / "labels" / f"{index}.png")))


def content(pools: Pools, row: ImageRow) -> bytes:
    with pools.tools.blobs.open(row.sha256) as file:
        return file.read()
