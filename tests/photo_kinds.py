"""Photos as people have them: files of many kinds, each with what a person sees or the refusal."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tests.label_map_kinds import chunk

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 48, 32
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
LAB_D50 = {RED: (138, 209, 198), GREEN: (224, 49, 209), BLUE: (75, 196, 16), WHITE: (255, 128, 128)}
"""The sRGB colours in CIE Lab under D50, the white of profiles, in bytes: L · 2.55, a + 128, b + 128."""
ORIENTATION = 0x0112
SUBFILE_TYPE, DNG_VERSION, PHOTOMETRIC = 254, 50706, 262
BYTE, SHORT, LONG = 1, 3, 4
AS_STORED: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda seen: seen,
    2: lambda seen: seen[:, ::-1],
    3: lambda seen: seen[::-1, ::-1],
    4: lambda seen: seen[::-1],
    5: lambda seen: seen.transpose(1, 0, 2),
    6: lambda seen: seen.transpose(1, 0, 2)[::-1],
    7: lambda seen: seen.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda seen: seen.transpose(1, 0, 2)[:, ::-1],
}
"""The stored pixels of an upright photo, by EXIF orientation: where the photo's row 0 and column 0 are."""


@dataclass
class Kind:
    """A file that is taken, how far the colours may be from `seen()`, and the type that is served."""

    content: bytes
    tolerance: int = 0
    media_type: str = "image/png"


@dataclass
class Refused:
    content: bytes
    problem: str
    words: tuple[str, ...] = ()


def seen() -> Pixels:
    """The photo of all kinds, RGB (32, 48, 3): red and green above blue and white."""
    return quadrants(RED, GREEN, BLUE, WHITE)


def quadrants(*colors: tuple[int, ...]) -> Pixels:
    """Four colours: top left, top right, bottom left, bottom right."""
    corners = np.array(colors, np.uint8).reshape(2, 2, -1)
    return corners.repeat(HEIGHT // 2, 0).repeat(WIDTH // 2, 1)


def file(image: Image.Image | Pixels, format: str = "PNG", **options: Any) -> bytes:
    stream = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, format, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    notes = Image.Exif()
    notes[ORIENTATION] = orientation
    return notes


def turned(orientation: int, format: str = "PNG", **options: Any) -> bytes:
    """The photo stored as a camera held otherwise stores it, with the note that says so."""
    stored = np.ascontiguousarray(AS_STORED[orientation](seen()))
    return file(stored, format, exif=exif(orientation), **options)


def jpeg(content: Image.Image | Pixels, **options: Any) -> Kind:
    return Kind(file(content, "JPEG", quality=95, subsampling=0, **options), 12, "image/jpeg")


def inks() -> Image.Image:
    """The photo in inks, as they would be without a profile."""
    return Image.merge("CMYK", [*Image.fromarray(255 - seen()).split(), Image.new("L", (WIDTH, HEIGHT))])


def other_inks() -> Image.Image:
    """The photo in the inks of `profile`: cyan is red, magenta green, yellow blue."""
    plates = quadrants((255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 0))
    return Image.merge("CMYK", [Image.fromarray(plates[..., plate]) for plate in range(4)])


def profile() -> bytes:
    """A colour profile (ICC 2.4) of four inks that nobody has: a table of 2⁴ Lab colours."""
    inks = {8: RED, 4: GREEN, 2: BLUE, 0: WHITE}
    colors = [LAB_D50[inks[node]] if node in inks else (0, 128, 128) for node in range(16)]
    table = b"".join(bytes(color) for color in colors)
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 * (place % 4 == 0) for place in range(9)))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + straight * 4 + table + straight * 3
    white = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    start = 128 + 4 + 12
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x", start + len(lut), 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp"
    )
    return (header + white).ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", start, len(lut)) + lut


def ycck() -> bytes:
    """The inks as most print programs store them in a JPEG: luma, chroma and black."""
    *colored, black = inks().split()
    planes = [
        Image.eval(plane, lambda value: 255 - value)
        for plane in Image.merge("RGB", colored).convert("YCbCr").split()
    ]
    content = file(Image.merge("CMYK", [*planes, black]), "JPEG", quality=95, subsampling=0)
    transform = content.index(b"Adobe") + 11
    return content[:transform] + b"\x02" + content[transform + 1 :]


def lab() -> bytes:
    values = quadrants(*LAB_D50.values())
    return file(Image.merge("LAB", [Image.fromarray(values[..., part]) for part in range(3)]), "TIFF")


def palette(alphas: bytes | int) -> bytes:
    """A palette PNG of the photo; its fifth entry, which no pixel has, is black."""
    image = Image.fromarray(quadrants((0,), (1,), (2,), (3,))[..., 0], "P")
    image.putpalette([channel for color in (RED, GREEN, BLUE, WHITE, (0, 0, 0)) for channel in color])
    return file(image, transparency=alphas)


def with_alpha(alpha: int, format: str = "PNG", **options: Any) -> bytes:
    """The photo with this alpha in its first pixel and 255 elsewhere."""
    layer = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    layer[0, 0] = alpha
    return file(np.dstack([seen(), layer]), format, **options)


def grey_with_alpha(alpha: int) -> bytes:
    grey = Image.new("LA", (WIDTH, HEIGHT), (90, 255))
    grey.putpixel((0, 0), (90, alpha))
    return file(grey)


def phone(orientation: int) -> bytes:
    """A JPEG with a second view behind the photo."""
    stored = Image.fromarray(np.ascontiguousarray(AS_STORED[orientation](seen())))
    other = Image.new("RGB", (WIDTH, HEIGHT), (90, 0, 90))
    options = {"save_all": True, "append_images": [other], "quality": 95, "subsampling": 0}
    return file(stored, "MPO", exif=exif(orientation), **options)


def with_broken_notes() -> bytes:
    """A JPEG whose EXIF is cut off."""
    return file(seen(), "JPEG", quality=95, subsampling=0, exif=b"Exif\0\0II*\0\x08\0\0\0\x99\0")


def boxes(*brands: bytes) -> bytes:
    """The first box of a HEIC, AVIF or video, and nothing that can be decoded."""
    body = brands[0] + bytes(4) + b"".join(brands)
    return struct.pack(">I4s", 8 + len(body), b"ftyp") + body + bytes(200)


def raw(format: str = "TIFF", **tags: tuple[int, Any]) -> bytes:
    """A small preview in a TIFF, as raw files begin, with these tags ("t254": kind and value)."""
    directory = ImageFileDirectory_v2()
    for name, (kind, value) in tags.items():
        directory.tagtype[int(name[1:])] = kind
        directory[int(name[1:])] = value
    return file(seen(), format, tiffinfo=directory)


def deep(values: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG of grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4) values, which Pillow does not write."""
    kind = {1: 0, 3: 2, 4: 6}[values[0, 0].size]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def ramp(*shape: int) -> NDArray[np.uint16]:
    """Values from 0 up to 7 times their number (32, 48, …), which wrap at 2¹⁶."""
    values = np.arange(HEIGHT * WIDTH * int(np.prod(shape))) * 7
    return values.astype(np.uint16).reshape(HEIGHT, WIDTH, *shape)


Made = Callable[[], Kind]

TAKEN: dict[str, Made] = {
    **{
        f"turned {orientation}, JPEG": lambda orientation=orientation: Kind(
            turned(orientation, "JPEG", quality=95, subsampling=0), 12, "image/jpeg"
        )
        for orientation in range(2, 9)
    },
    "turned 5, PNG": lambda: Kind(turned(5)),
    "turned 6, TIFF": lambda: Kind(turned(6, "TIFF"), 0, "image/tiff"),
    "turned 7, WebP": lambda: Kind(turned(7, "WEBP", lossless=True), 0, "image/webp"),
    "turned 8, AVIF": lambda: Kind(turned(8, "AVIF", quality=95, subsampling="4:4:4"), 12, "image/avif"),
    "turned 6, a phone's second view behind it": lambda: Kind(phone(6), 12, "image/jpeg"),
    "a phone's second view behind it": lambda: Kind(phone(1), 12, "image/jpeg"),
    "an orientation that EXIF does not know": lambda: Kind(file(seen(), exif=exif(9))),
    "EXIF that is cut off": lambda: Kind(with_broken_notes(), 12, "image/jpeg"),
    "opaque alpha": lambda: Kind(with_alpha(255)),
    "opaque alpha, WebP": lambda: Kind(with_alpha(255, "WEBP", lossless=True), 0, "image/webp"),
    "opaque alpha, TIFF": lambda: Kind(with_alpha(255, "TIFF"), 0, "image/tiff"),
    "a transparent colour that no pixel has": lambda: Kind(file(seen(), transparency=(1, 2, 3))),
    "a transparent palette entry that no pixel has": lambda: Kind(palette(4)),
    "a palette with opaque alphas": lambda: Kind(palette(b"\xff" * 4)),
    "inks without a profile, JPEG": lambda: jpeg(inks()),
    "inks without a profile, TIFF": lambda: Kind(file(inks(), "TIFF"), 12, "image/tiff"),
    "inks with their profile, JPEG": lambda: jpeg(other_inks(), icc_profile=profile()),
    "inks with their profile, TIFF": lambda: Kind(
        file(other_inks(), "TIFF", icc_profile=profile()), 12, "image/tiff"
    ),
    "inks with a profile that is cut off": lambda: jpeg(inks(), icc_profile=profile()[:90]),
    "inks as luma and chroma": lambda: Kind(ycck(), 12, "image/jpeg"),
    "Lab": lambda: Kind(lab(), 26, "image/tiff"),
    "AVIF": lambda: Kind(file(seen(), "AVIF", quality=95, subsampling="4:4:4"), 12, "image/avif"),
    "AVIF with opaque alpha": lambda: Kind(
        with_alpha(255, "AVIF", quality=95, subsampling="4:4:4"), 12, "image/avif"
    ),
}
STRETCH = ("--stretch", "magick")
REFUSED: dict[str, Callable[[], Refused]] = {
    "transparent": lambda: Refused(
        with_alpha(0), "transparent-image", ("in 1 of its 1,536 pixels", "-flatten")
    ),
    "hardly transparent": lambda: Refused(with_alpha(254), "transparent-image"),
    "transparent, grey": lambda: Refused(grey_with_alpha(90), "transparent-image"),
    "transparent, WebP": lambda: Refused(with_alpha(90, "WEBP", lossless=True), "transparent-image"),
    "a transparent colour": lambda: Refused(file(seen(), transparency=RED), "transparent-image", ("384",)),
    "a transparent palette entry": lambda: Refused(palette(3), "transparent-image", ("384",)),
    "a palette with an alpha": lambda: Refused(palette(b"\xff\xff\x50"), "transparent-image", ("384",)),
    "16 bits, grey": lambda: Refused(deep(ramp()), "unsupported-bit-depth", STRETCH),
    "16 bits, RGB": lambda: Refused(deep(ramp(3)), "unsupported-bit-depth", STRETCH),
    "16 bits, RGBA": lambda: Refused(deep(ramp(4)), "unsupported-bit-depth", STRETCH),
    "16 bits, TIFF": lambda: Refused(file(Image.fromarray(ramp()), "TIFF"), "unsupported-bit-depth", STRETCH),
    "numbers with a point": lambda: Refused(
        file(Image.fromarray(ramp().astype(np.float32)), "TIFF"),
        "unsupported-bit-depth",
        ("but 32:", "magick"),
    ),
    "one bit": lambda: Refused(
        file(Image.fromarray(seen()[..., 0] > 0)), "unsupported-bit-depth", ("but 1:", "magick")
    ),
    **{
        f"HEIC, {brands}": lambda brands=brands: Refused(
            boxes(*brands), "unsupported-format", ("HEIC", "magick")
        )
        for brands in ((b"heic", b"mif1"), (b"mif1", b"miaf", b"heix"), (b"hevc", b"msf1"))
    },
    "AVIF that is cut off": lambda: Refused(file(seen(), "AVIF")[:-50], "truncated-image", ("incomplete",)),
    "AVIF without a picture": lambda: Refused(boxes(b"avif", b"mif1"), "unsupported-format", ("AVIF",)),
    "JPEG XL": lambda: Refused(b"\xff\x0a" + bytes(90), "unsupported-format", ("JPEG XL", "djxl")),
    "JPEG XL in boxes": lambda: Refused(
        b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(90), "unsupported-format", ("JPEG XL", "djxl")
    ),
    "DNG": lambda: Refused(
        raw(t254=(LONG, 1), t50706=(BYTE, b"\1\4\0\0")), "unsupported-format", ("DNG", "darktable-cli")
    ),
    "DNG that begins with its largest picture": lambda: Refused(
        raw(t50706=(BYTE, b"\1\4\0\0")), "unsupported-format", ("DNG",)
    ),
    "a raw TIFF that begins with a preview": lambda: Refused(
        raw(t254=(LONG, 1)), "unsupported-format", ("raw", "sensor")
    ),
    "CR2": lambda: Refused(b"II*\0\x10\0\0\0CR\2\0" + bytes(90), "unsupported-format", ("CR2",)),
    "CR3": lambda: Refused(boxes(b"crx ", b"isom"), "unsupported-format", ("CR3",)),
    "RAF": lambda: Refused(b"FUJIFILMCCD-RAW 0201" + bytes(90), "unsupported-format", ("RAF",)),
    "a video": lambda: Refused(boxes(b"isom", b"mp42"), "unsupported-format", ("video", "ffmpeg")),
    "another TIFF": lambda: Refused(b"II*\0" + bytes(90), "unsupported-format", ("TIFF",)),
    "nothing": lambda: Refused(b"", "not-an-image", ("empty", "0 bytes")),
    "half a JPEG": lambda: Refused(CUT[: len(CUT) // 2], "truncated-image", ("incomplete",)),
    "half a PNG": lambda: Refused(file(seen())[:-40], "truncated-image", ("incomplete",)),
}
CUT = file(np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8), "JPEG")
