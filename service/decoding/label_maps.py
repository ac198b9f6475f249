"""Read label maps as people have them, in numbers or in colours, into the one form that counts.

This form is a grey 8-bit PNG of positions in the class table. Like `service.decoding.validation`, this runs
in the processes of `service.decoding.decoders` and needs nothing but Pillow.
"""

from dataclasses import dataclass

from PIL import Image

from formats.canonical import EMPTY, Canonical, canonical, wrong_size
from models.images.seen import orientation, turned
from service.decoding.classes import (
    Classes,
    Color,
    by_color,
    by_number,
    by_palette,
    first_pixel,
    opaque_pixels,
    unknown_color,
)
from service.decoding.validation import Checked, bits, check_still, media_type, opened, photo
from service.http.problems import (
    LabelMapAmbiguous,
    LabelMapEmpty,
    LabelMapFormat,
    LabelMapMode,
    LabelMapSize,
    LabelMapUnknownClass,
    UnsupportedBitDepth,
)

FORMATS = ("PNG", "BMP", "TIFF", "WEBP")
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0


@dataclass(frozen=True)
class CheckedLabelMap(Checked):
    """An accepted label map. In a pool without classes it is an RGB image and `canonical` is None."""

    canonical: Canonical | None = None


def label_map(
    path: str, classes: Classes | None, size: tuple[int, int] | None, may_be_empty: bool = False
) -> CheckedLabelMap:
    """Read a label map of classes; without classes, check an RGB image. Raises a Problem.

    `size` is the required (width, height). `may_be_empty`: every pixel may be unlabelled.
    """
    if classes is None:
        checked = photo(path)
        _check_size((checked.width, checked.height), size)
        return CheckedLabelMap(checked.media_type, checked.width, checked.height)
    with opened(path) as image:
        kind = _checked_kind(image, path)
        packing = bits(image, path)
        upright = turned(image, orientation(image))
        _check_size(upright.size, size)
        indices = _indices(upright, packing, classes)
    return CheckedLabelMap(kind, indices.width, indices.height, _canonical(indices, classes, may_be_empty))


@dataclass(frozen=True)
class Positions(Checked):
    """A label map that counts already."""

    class_pixels: list[int]
    unlabelled_pixels: int


def positions(path: str, classes: int, ignore: int) -> Positions:
    """Check a label map that a service has made: a PNG of positions in a class table. Raises a Problem."""
    with opened(path) as image:
        check_still(image)
        if media_type(image) != "image/png" or image.mode not in ("L", "P") or bits(image, path) != 8:
            raise LabelMapMode("The label map is no PNG with one channel of 8 bits.")
        image.load()
        counts = image.histogram()
        if unknown := [value for value in range(classes, 256) if counts[value] and value != ignore]:
            raise LabelMapUnknownClass(f"The label map has pixels of {unknown[0]}, which is no class.")
        size = image.width, image.height
        return Positions("image/png", *size, class_pixels=counts[:classes], unlabelled_pixels=counts[ignore])


def _checked_kind(image: Image.Image, path: str) -> str:
    """The media type of a file whose pixels are exact. Raises a Problem for others."""
    check_still(image)
    if image.format not in FORMATS:
        raise LabelMapFormat(
            f"The label map is {image.format}, which changes pixels when it saves them: save it as PNG."
        )
    deep = bits(image, path) > 8
    is_wide = deep and image.mode.startswith("I;16")
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA") and not is_wide:
        raise LabelMapMode(
            f"The label map has the colour mode {image.mode}: save it as PNG, in the class colours (RGB) or "
            "with one channel of class numbers."
        )
    if deep and not is_wide:
        raise UnsupportedBitDepth(
            "The label map has several channels of 16 bits: save it as an 8-bit PNG, in the class colours."
        )
    if image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # type: ignore[attr-defined]
        raise LabelMapMode(
            "The TIFF stores white as 0, so that programs read different numbers from it: save it as PNG."
        )
    return media_type(image)


def _check_size(found: tuple[int, int], size: tuple[int, int] | None) -> None:
    if not size or found == size:
        return
    raise LabelMapSize(wrong_size(found, size))


def _indices(image: Image.Image, packing: int, classes: Classes) -> Image.Image:
    """Positions in the class table (L). `packing` is the number of bits per channel in the file."""
    if image.mode == "1":
        white = 255 if _has_black_and_white(classes) else 1
        return _of_grey(image.convert("L").point([min(value, white) for value in range(256)]), None, classes)
    if image.mode.startswith("I;16"):
        return by_number(image, None, classes)
    if image.mode == "L":
        stretch = 255 // (2**packing - 1)  # Pillow stretches grey of fewer than 8 bits to 0…255
        plain = image if stretch == 1 else image.point([value // stretch for value in range(256)])
        return _of_grey(plain, None, classes)
    if image.mode == "LA":
        alpha = image.getchannel("A")
        if set(_used(alpha)) <= {0, 255}:
            return _of_grey(image.getchannel("L"), opaque_pixels(alpha), classes)
        return _of_colors(image.convert("RGBA"), classes)
    if image.mode == "P":
        return _of_palette(image, classes)
    return _of_colors(image.convert("RGBA") if "transparency" in image.info else image, classes)


def _of_grey(values: Image.Image, opaque: Image.Image | None, classes: Classes) -> Image.Image:
    """Grey pixels are numbers, unless only as colours they are classes, or are black and white classes."""
    used = set(_used(values, opaque))
    greys = {color[0]: place for color, place in classes.colors.items() if len(set(color)) == 1}
    numbered, colored = used <= classes.numbers.keys(), used <= greys.keys()
    if used <= {0, 255} and _has_black_and_white(classes):
        black, zero = classes.colors[BLACK], classes.numbers.get(0, classes.colors[BLACK])
        if used == {0} and black != zero:
            raise LabelMapAmbiguous(
                f"All pixels are 0, which is the colour of {classes.name_of(black)} and the number of "
                f"{classes.name_of(zero)}: save the label map as RGB, in the class colours."
            )
        numbered = False
    if colored and not numbered:
        positions, _ = by_color(Image.merge("RGB", [values] * 3), classes)
        if opaque:
            positions.paste(classes.ignore, mask=opaque.point([255 - value for value in range(256)]))
        return positions
    _check_not_black_and_white(used, classes)
    return by_number(values, opaque, classes)


def _of_palette(image: Image.Image, classes: Classes) -> Image.Image:
    """Colours count where they say otherwise than the entries' numbers."""
    colors = _palette(image)
    used = _used(image)
    values = image.point(list(range(256)), "L")
    if all(colors[entry] == (entry, entry, entry) for entry in used):
        return _of_grey(values, None, classes)
    labelled = [entry for entry in used if entry != classes.ignore]
    if all(_agrees(entry, colors[entry], classes) for entry in labelled):
        return by_number(values, None, classes)
    seen = _without_unlabelled(image, colors, classes)
    if not all(color is None or color in classes.colors for color in (seen[entry] for entry in used)):
        unrelated = not any(
            colors[entry] in classes.colors and not (entry == 0 and _agrees(0, BLACK, classes))
            for entry in labelled
        )
        if unrelated or all(len(set(colors[entry])) == 1 for entry in used):
            _check_not_black_and_white(set(used), classes)
            return by_number(values, None, classes)
    return by_palette(image, seen, classes)


def _of_colors(image: Image.Image, classes: Classes) -> Image.Image:
    """An RGB or RGBA image in class colours; or, if it is grey, in numbers."""
    positions, unknown = by_color(image, classes)
    first = first_pixel(unknown)
    if first is None:
        return positions
    red, green, blue, *alpha = image.split()
    is_grey = red.tobytes() == green.tobytes() == blue.tobytes()
    is_clear = all(set(_used(channel)) <= {0, 255} for channel in alpha)
    if is_grey and is_clear and set(_used(red)) <= classes.numbers.keys():
        return _of_grey(red, opaque_pixels(alpha[0]) if alpha else None, classes)
    pixel = image.getpixel(first)
    assert isinstance(pixel, tuple)
    raise unknown_color(first, (pixel[0], pixel[1], pixel[2]), unknown, classes)


def _check_not_black_and_white(used: set[int], classes: Classes) -> None:
    """Refuse a mask of black and white that means two classes, not a class and unlabelled pixels."""
    if used == {0, 255} and len(classes.names) == 2 and classes.numbers.get(255) == classes.ignore:
        one, other = classes.names
        numbers = " and ".join(map(str, classes.numbers_of_classes()))
        raise LabelMapAmbiguous(
            f"The pixels are 0 and 255, and 255 means unlabelled, so that no pixel would be {other}. If 255 "
            f"is {other}, save the label map with the numbers {numbers}. If it is unlabelled, save the label "
            f"map as RGBA: {one} in its colour, unlabelled pixels transparent."
        )


def _has_black_and_white(classes: Classes) -> bool:
    return all(classes.colors.get(color, classes.ignore) != classes.ignore for color in (BLACK, WHITE))


def _agrees(entry: int, color: Color, classes: Classes) -> bool:
    """Whether the number and the colour of a palette's entry mean the same."""
    place = classes.numbers.get(entry)
    return place is not None and classes.colors.get(color, classes.ignore) == place


def _palette(image: Image.Image) -> dict[int, Color]:
    channels = image.getpalette("RGB") or []
    channels += [0] * (768 - len(channels))
    red, green, blue = channels[0::3], channels[1::3], channels[2::3]
    return dict(enumerate(zip(red, green, blue, strict=True)))


def _without_unlabelled(
    image: Image.Image, colors: dict[int, Color], classes: Classes
) -> dict[int, Color | None]:
    """The colours of a palette, with None for entries that are unlabelled: wholly transparent, or the ignore
    index in a colour that is no class's.
    """
    transparency = image.info.get("transparency", b"")
    clear = (
        {transparency}
        if isinstance(transparency, int)
        else {entry for entry, alpha in enumerate(transparency) if alpha == 0}
    )
    if colors[classes.ignore] not in classes.colors:
        clear.add(classes.ignore)
    return {entry: None if entry in clear else color for entry, color in colors.items()}


def _used(values: Image.Image, mask: Image.Image | None = None) -> list[int]:
    return [value for value, count in enumerate(values.histogram(mask)) if count]


def _canonical(indices: Image.Image, classes: Classes, may_be_empty: bool) -> Canonical:
    made = canonical(indices, len(classes.names), classes.ignore)
    if made.is_empty and not may_be_empty:
        raise LabelMapEmpty(EMPTY)
    return made
