from pathlib import Path

import pytest

from models.encoders import load_encoder


@pytest.fixture(scope="session")
def exported_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the exported encoder, so that no worker has to export it between two kills."""
    folder = tmp_path_factory.mktemp("encoders")
    load_encoder("efficientnet_lite0", device="cpu", cache_dir=folder)
    return folder
