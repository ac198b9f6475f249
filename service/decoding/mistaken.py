"""Recognise label maps among files that are sent as photos."""

from PIL import Image, ImageChops

from service.http.problems import LooksLikeLabelMap

MOST_VALUES = 64
"""More values in one channel than a label map has, and fewer than a grey photo."""
LEAST_FLAT = 0.9
"""The share of pixels that are as the one beside them; noise keeps that of photos far below."""


def check_no_label_map(image: Image.Image) -> None:
    """Raise LooksLikeLabelMap if the image has one channel of a few values in flat areas.

    An image of one value is neither a photo nor a label map and is not questioned.
    """
    if image.mode not in ("L", "P", "LA", "PA") or image.width == 1:
        return
    channel = image if image.mode in ("L", "P") else image.getchannel(0)
    values = channel.getcolors(MOST_VALUES)
    if values is None or len(values) == 1:
        return
    numbers = Image.frombytes("L", channel.size, channel.tobytes())
    left, right = (numbers.crop((x, 0, x + image.width - 1, image.height)) for x in (0, 1))
    equal = ImageChops.difference(left, right).histogram()[0]
    if equal >= LEAST_FLAT * left.width * left.height:
        raise LooksLikeLabelMap(
            f"The file looks like a label map and not like a photo: one channel of {len(values)} values in "
            "flat areas. Send it as the annotation of its photo; if it is a photo, send it with "
            "?allow_label_maps=true (`fewpairs upload --allow-label-maps`)."
        )
