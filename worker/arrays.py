"""Arrays of float16 numbers as blobs."""

import io

import numpy as np
import numpy.typing as npt

from store import blobs


def kept(store: blobs.Blobs, features: npt.NDArray[np.floating]) -> str:
    """Keep the features as a blob. Returns its SHA-256."""
    return blobs.put(store, [packed(features)]).sha256


def packed(features: npt.NDArray[np.floating]) -> bytes:
    """The features as a `.npy` file of float16, which can hold all of them: see `EmbeddedBatch`."""
    content = io.BytesIO()
    np.save(content, features.astype(np.float16), allow_pickle=False)
    return content.getvalue()


def array(store: blobs.Blobs, sha256: str) -> npt.NDArray[np.float16]:
    """The array in a blob. Raises BlobMissing and BlobDamaged."""
    content: npt.NDArray[np.float16] = np.load(io.BytesIO(blobs.read(store, sha256)), allow_pickle=False)
    return content
