"""Recognise label maps among files that are sent as photos."""

from collections.abc import Set

from PIL import Image, ImageChops

from service.http.problems import LooksLikeLabelMap

NO_NUMBERS: frozenset[int] = frozenset()
LEAST_FLAT = 0.9
"""The share of pixels that are as the one beside them; noise keeps that of photos far below."""


def check_no_label_map(image: Image.Image, numbers: Set[int]) -> None:
    """Raise LooksLikeLabelMap if the image has one channel of these numbers of classes, in flat areas.

    An image of one value is neither a photo nor a label map and is not questioned.
    """
    if image.mode not in ("L", "P", "LA", "PA") or image.width == 1:
        return
    channel = image if image.mode in ("L", "P") else image.getchannel(0)
    values = Image.frombytes("L", channel.size, channel.tobytes())
    used = {value for value, count in enumerate(values.histogram()) if count}
    if len(used) == 1 or not used <= numbers:
        return
    left, right = (values.crop((x, 0, x + image.width - 1, image.height)) for x in (0, 1))
    equal = ImageChops.difference(left, right).histogram()[0]
    if equal >= LEAST_FLAT * left.width * left.height:
        raise LooksLikeLabelMap(
            "The file looks like a label map and not like a photo: its one channel has flat areas of "
            f"{len(used)} values, all of them numbers of classes. Send it as the annotation of its photo; if "
            "it is a photo, send it with ?allow_label_maps=true (`fewpairs upload --allow-label-maps`)."
        )
