"""What every encoder promises: the project's own, timm's, and each kind of ONNX file."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from models.encoders import PHOTO_SIZE, Encoder
from tests.models.encoding import EVERY_ENCODER, encoder_for_tests, weights_for_tests

Photos = npt.NDArray[np.uint8]


@pytest.fixture(scope="module", params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=EVERY_ENCODER)
def encoder(request: pytest.FixtureRequest, device: str, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return encoder_for_tests(request.param, tmp_path_factory, device)


@pytest.fixture(scope="module")
def photos() -> Photos:
    """Five photos: noise at five scales, from smooth to rough."""
    rng = np.random.default_rng(0)
    tiles = [rng.integers(0, 256, (size, size, 3), np.uint8) for size in (4, 16, 32, 64, PHOTO_SIZE)]
    return np.stack(
        [tile.repeat(PHOTO_SIZE // len(tile), 0).repeat(PHOTO_SIZE // len(tile), 1) for tile in tiles]
    )


def test_one_embedding_for_each_photo(encoder: Encoder, photos: Photos) -> None:
    """Embeddings are finite float32 of the encoder's dimension, and different photos have different ones."""
    embeddings = encoder.encode(photos)
    assert embeddings.shape == (5, encoder.dimension)
    assert embeddings.dtype == np.float32
    assert np.isfinite(embeddings).all()
    distances = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=2)
    assert distances[~np.eye(5, dtype=bool)].min() > 1e-2 * np.linalg.norm(embeddings, axis=1).max()


def test_the_same_photo_has_the_same_embedding(encoder: Encoder, photos: Photos) -> None:
    """Encoding is repeatable, and other photos of the batch have no influence beyond rounding."""
    embeddings = encoder.encode(photos)
    assert np.array_equal(encoder.encode(photos), embeddings)
    alone = np.concatenate([encoder.encode(photo[None]) for photo in photos])
    rounding = 1e-4 if encoder.device == "cpu" else 2e-2  # a GPU may compute in bfloat16
    assert np.allclose(alone, embeddings, rtol=rounding, atol=rounding * np.abs(embeddings).max())


def test_several_threads_may_encode_at_once(encoder: Encoder, photos: Photos) -> None:
    """Each thread gets the same embeddings as if it were alone."""
    embeddings = encoder.encode(photos)
    with ThreadPoolExecutor(3) as threads:
        assert all(np.array_equal(found, embeddings) for found in threads.map(encoder.encode, [photos] * 6))


def test_photos_are_left_as_they_are(encoder: Encoder, photos: Photos) -> None:
    """Read-only and strided photos are accepted, and no photo is changed."""
    before = photos.copy()
    locked = photos.view()
    locked.flags.writeable = False
    expected = encoder.encode(photos)
    assert np.array_equal(encoder.encode(locked), expected)
    assert np.array_equal(encoder.encode(np.asfortranarray(photos)[::1]), expected)
    assert np.array_equal(photos, before)


def test_no_photos_have_no_embeddings(encoder: Encoder, photos: Photos) -> None:
    """An empty batch gives an array without rows."""
    assert encoder.encode(photos[:0]).shape == (0, encoder.dimension)


def test_other_arrays_are_refused(encoder: Encoder, photos: Photos) -> None:
    """Floats, another size, another layout and a single photo get a ValueError that shows the right shape."""
    wrongs: list[Any] = [photos.astype(np.float32), photos[:, :224], photos.transpose(0, 3, 1, 2), photos[0]]
    for wrong in wrongs:
        with pytest.raises(ValueError, match=r"uint8 of shape \(N, 256, 256, 3\)"):
            encoder.encode(wrong)


def test_the_digest_is_that_of_the_weights(
    encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The digest of the weights, which receipts contain, is the SHA-256 of the weights file."""
    file = weights_for_tests(encoder.name, tmp_path_factory)
    assert encoder.weights_digest == hashlib.sha256(file.read_bytes()).hexdigest()
