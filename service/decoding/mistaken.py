"""Recognise label maps among files that are sent as photos."""

from collections.abc import Set
from functools import reduce

from PIL import Image, ImageChops

from service.http.problems import LooksLikeLabelMap

Value = int | tuple[int, int, int]
NO_VALUES: frozenset[Value] = frozenset()
MOST_VALUES = 512
"""More than a class table has numbers or colours; photos have more, and are left early."""
LEAST_FLAT = 0.9
"""The share of pixels that are as the one beside them; noise keeps that of photos far below."""


def check_no_label_map(image: Image.Image, values: Set[Value]) -> None:
    """Raise LooksLikeLabelMap if the image has nothing but these numbers of classes in its one channel, or
    these colours of classes, in flat areas.

    An image of one value is neither a photo nor a label map and is not questioned.
    """
    kind, channels = "values", image
    if image.mode in ("LA", "PA"):
        channels = image.getchannel(0)
    elif image.mode in ("RGB", "RGBA"):
        kind, channels = "colours", image if image.mode == "RGB" else image.convert("RGB")
    elif image.mode not in ("L", "P"):
        return
    used = {value for _, value in channels.getcolors(MOST_VALUES) or ()}
    if len(used) < 2 or image.width == 1 or not used <= values or _flat(channels) < LEAST_FLAT:
        return
    where, meaning = ("its one channel has", "numbers") if kind == "values" else ("it has", "colours")
    raise LooksLikeLabelMap(
        f"The file looks like a label map and not like a photo: {where} flat areas of {len(used)} {kind}, "
        f"all of them {meaning} of classes. Send it as the annotation of its photo (`fewpairs annotate`); if "
        "it is a photo, send it with ?allow_label_maps=true (`fewpairs upload --allow-label-maps`)."
    )


def _flat(image: Image.Image) -> float:
    """The share of pixels (of a row, without the first) that are as the one on their left."""
    plain = Image.frombytes("L", image.size, image.tobytes()) if image.mode == "P" else image
    left, right = (plain.crop((x, 0, x + image.width - 1, image.height)) for x in (0, 1))
    unlike = reduce(ImageChops.lighter, ImageChops.difference(left, right).split())
    return unlike.histogram()[0] / (left.width * left.height)
