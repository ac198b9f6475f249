"""Pictures that jobs keep as blobs."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from store import blobs


def put_png(store: blobs.Blobs, pixels: npt.NDArray[np.uint8]) -> blobs.Blob:
    """Keep a label map (H, W), or an RGB image (H, W, 3), as a PNG blob."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    return blobs.put(store, [content.getvalue()])
