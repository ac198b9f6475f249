"""A photo seen through the colours of its label map."""

from pathlib import Path
from typing import Any

from PIL import Image

STRENGTH = 0.55


def blend(photo: Path, label_map: Path, class_table: dict[str, Any]) -> Image.Image:
    """The photo with each pixel drawn towards the colour of its class; what is ignored stays as it is."""
    with Image.open(photo) as opened:
        base = opened.convert("RGB")
    with Image.open(label_map) as opened:
        indices = opened.resize(base.size, Image.Resampling.NEAREST)
    colours = [channel for entry in class_table["classes"] for channel in entry["color"]]
    painted = indices.convert("L")
    painted.putpalette(colours)
    strength = indices.convert("L").point(
        [0 if i == class_table["ignore"] else round(255 * STRENGTH) for i in range(256)]
    )
    return Image.composite(painted.convert("RGB"), base, strength)
