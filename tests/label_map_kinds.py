"""Label maps as people have them: files of many kinds, each with what it means or why it is refused."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Ids = NDArray[np.uint8]
Color = tuple[int, int, int]

FIELD, BARN, POND, PATH = (150, 170, 60), (140, 30, 40), (30, 90, 160), (200, 190, 170)
COLORS = np.array([FIELD, BARN, POND, PATH], np.uint8)
UNLABELLED = 255
FARM: dict[str, Any] = {
    "ignore": UNLABELLED,
    "classes": [
        {"name": name, "color": list(color)}
        for name, color in zip(("field", "barn", "pond", "path"), (FIELD, BARN, POND, PATH), strict=True)
    ],
}
WITH_IGNORE_COLOR = FARM | {"ignore_color": [0, 0, 0]}
NUMBERED: dict[str, Any] = {
    "ignore": UNLABELLED,
    "ignore_ids": [0, 40],
    "classes": [
        {"id": 10 * place + 10, "name": f"kind {place}", "color": color.tolist()}
        for place, color in enumerate(COLORS)
        if place < 3
    ],
}
WIDE_NUMBERS = {"classes": [FARM["classes"][0] | {"id": 1000}, FARM["classes"][1] | {"id": 300}]}
TWO = {"classes": FARM["classes"][:2]}
BLACK_AND_WHITE = {
    "classes": [{"name": "paper", "color": [255, 255, 255]}, {"name": "ink", "color": [0, 0, 0]}],
}
HEIGHT, WIDTH = 18, 28
GREY_KIND, PALETTE_KIND = 0, 3
ADAM7 = (
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
)
"""Of each pass: its first row and column, and the steps to the next."""
PERMUTATIONS = ([1, 2, 3, 0], [3, 2, 1, 0], [0, 2, 1, 3])


@dataclass
class Kind:
    """A file, the class table it is meant for, and what it means: ids, or the words of a refusal."""

    content: bytes
    ids: Ids | None = None
    table: dict[str, Any] = field(default_factory=lambda: FARM)
    problem: str = ""
    words: tuple[str, ...] = ()
    pixel: list[int] | None = None


Made = Callable[[], Kind]


def ids() -> Ids:
    """Positions of four classes (18, 28): a field with a barn, a pond and a path."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    drawn[2:9, 3:12] = 1
    drawn[(y - 11) ** 2 + (x - 19) ** 2 < 30] = 2
    drawn[14:, 5:9] = 3
    return drawn


def holed() -> Ids:
    """The same, of which a part is unlabelled."""
    drawn = ids()
    drawn[:4, 10:] = UNLABELLED
    return drawn


def file(image: Image.Image | Ids, format: str = "PNG", **options: Any) -> bytes:
    stream = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, format, **options)
    return stream.getvalue()


def painted(drawn: Ids, unlabelled: Color = (0, 0, 0)) -> NDArray[np.uint8]:
    colors = np.full((256, 3), unlabelled, np.uint8)
    colors[: len(COLORS)] = COLORS
    return colors[drawn]


def with_alpha(drawn: Ids, colors: NDArray[np.uint8]) -> Image.Image:
    """The colours, wholly transparent where the label map is unlabelled."""
    return Image.fromarray(np.dstack([colors, np.where(drawn == UNLABELLED, 0, 255).astype(np.uint8)]))


def palette(drawn: Ids, colors: Any) -> Image.Image:
    image = Image.fromarray(drawn).convert("P")
    image.putdata(drawn.ravel().tolist())
    image.putpalette(np.array(colors, np.uint8).ravel().tolist())
    return image


def permuted(order: list[int], more: int = 0) -> bytes:
    """A palette PNG whose entry `order[k]` has the colour of class k; `more` entries are not used."""
    colors = np.zeros((4 + more, 3), np.uint8)
    colors[order] = COLORS
    return file(palette(np.array(order, np.uint8)[ids()], colors))


def interlaced(drawn: Ids, depth: int) -> bytes:
    """A grey PNG of packed pixels in Adam7's order, which Pillow does not write."""
    rows = b""
    for top, left, down, right in ADAM7:
        for row in drawn[top::down, left::right]:
            bits = "".join(f"{value:0{depth}b}" for value in row)
            bits += "0" * (-len(bits) % 8)
            rows += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, GREY_KIND, 0, 0, 1)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def turned() -> bytes:
    """Stored as a camera held upright stores it, with EXIF's note of it (orientation 6)."""
    note = Image.Exif()
    note[0x0112] = 6
    return file(np.ascontiguousarray(ids().T[::-1]), exif=note)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_gamma(png: bytes) -> bytes:
    """The PNG with a gAMA chunk of 1.0 behind its header."""
    return png[:33] + chunk(b"gAMA", struct.pack(">I", 100_000)) + png[33:]


def soft(pixels: int) -> Image.Image:
    """Class colours, of which the first `pixels` of the eighth row are blends."""
    blended = painted(ids()).astype(int)
    blended[7, 3 : 3 + pixels] = (blended[7, 3 : 3 + pixels] * 3 + np.array(FIELD)) // 4
    return Image.fromarray(blended.astype(np.uint8))


STRANGE_COLORS = [(7 * k % 251, 255 - k, 3 * k % 256) for k in range(256)]
GREYS = [(k, k, k) for k in range(256)]
EVEN_GREYS = [(60 * k, 60 * k, 60 * k) for k in range(4)]
RED_ONLY = np.dstack([ids(), np.zeros((HEIGHT, WIDTH, 2), np.uint8)])
IN_NUMBERS = np.array([10, 20, 30, 40], np.uint8)
TAKEN: dict[str, Made] = {
    "numbers in grey": lambda: Kind(file(ids()), ids()),
    "numbers in grey, partly unlabelled": lambda: Kind(file(holed()), holed()),
    "numbers in 16 bits": lambda: Kind(file(Image.fromarray(holed().astype(np.uint16))), holed()),
    "numbers in grey, interlaced, 4 bits": lambda: Kind(interlaced(ids(), 4), ids()),
    "numbers in grey, interlaced, 2 bits": lambda: Kind(interlaced(ids(), 2), ids()),
    "numbers in grey with a gamma": lambda: Kind(with_gamma(file(ids())), ids()),
    "numbers in grey with a transparent number": lambda: Kind(file(ids(), transparency=0), ids()),
    "numbers in grey and opaque alpha": lambda: Kind(file(Image.fromarray(ids()).convert("LA")), ids()),
    "numbers in grey, unlabelled transparent": lambda: Kind(
        file(Image.merge("LA", with_alpha(holed(), np.dstack([holed() % 9] * 3)).split()[2:])),
        holed(),
    ),
    "numbers in grey, turned by EXIF": lambda: Kind(turned(), ids()),
    "numbers in grey, EXIF cut off": lambda: Kind(file(ids(), exif=b"Exif\0\0II*\0\x08\0\0\0\x99\0"), ids()),
    "numbers in three equal channels": lambda: Kind(file(np.dstack([holed()] * 3)), holed()),
    "numbers in one bit": lambda: Kind(file(Image.fromarray(ids() == 1)), (ids() == 1).astype(np.uint8), TWO),
    "numbers in a palette of greys": lambda: Kind(file(palette(holed(), GREYS)), holed()),
    "numbers in a palette of few greys": lambda: Kind(file(palette(ids(), EVEN_GREYS)), ids()),
    "numbers in another palette": lambda: Kind(file(palette(holed(), STRANGE_COLORS)), holed()),
    "numbers in another palette, black first": lambda: Kind(
        file(palette(ids(), [(0, 0, 0), *STRANGE_COLORS[1:]])), ids()
    ),
    "numbers in a TIFF": lambda: Kind(file(holed(), "TIFF", compression="tiff_lzw"), holed()),
    "numbers in a 16-bit TIFF": lambda: Kind(file(Image.fromarray(ids().astype(np.uint16)), "TIFF"), ids()),
    "numbers in a BMP": lambda: Kind(file(ids(), "BMP"), ids()),
    "numbers of the table": lambda: Kind(
        file(IN_NUMBERS[ids()]), np.array([0, 1, 2, UNLABELLED], np.uint8)[ids()], NUMBERED
    ),
    "numbers of the table in 16 bits": lambda: Kind(
        file(Image.fromarray(np.array([1000, 300], np.uint16)[np.minimum(ids(), 1)])),
        np.minimum(ids(), 1),
        WIDE_NUMBERS,
    ),
    "colours": lambda: Kind(file(painted(ids())), ids()),
    "colours and the colour of unlabelled": lambda: Kind(file(painted(holed())), holed(), WITH_IGNORE_COLOR),
    "colours and opaque alpha": lambda: Kind(file(with_alpha(ids(), painted(ids()))), ids()),
    "colours, unlabelled transparent": lambda: Kind(file(with_alpha(holed(), painted(holed()))), holed()),
    "colours and a transparent colour": lambda: Kind(
        file(Image.fromarray(painted(holed(), (9, 9, 9))), transparency=(9, 9, 9)), holed()
    ),
    "colours in a BMP": lambda: Kind(file(painted(ids()), "BMP"), ids()),
    "colours in a palette BMP": lambda: Kind(file(palette(3 - ids(), COLORS[::-1]), "BMP"), ids()),
    "colours in a TIFF": lambda: Kind(file(painted(ids()), "TIFF", compression="tiff_deflate"), ids()),
    "colours in a palette TIFF": lambda: Kind(file(palette(3 - ids(), COLORS[::-1]), "TIFF"), ids()),
    "colours in a lossless WebP": lambda: Kind(file(painted(ids()), "WEBP", lossless=True), ids()),
    "colours in a transparent WebP": lambda: Kind(
        file(with_alpha(holed(), painted(holed())), "WEBP", lossless=True), holed()
    ),
    "colours of black and white in grey": lambda: Kind(
        file(np.where(ids() == 1, 0, 255).astype(np.uint8)), (ids() == 1).astype(np.uint8), BLACK_AND_WHITE
    ),
    "colours of black and white in one bit": lambda: Kind(
        file(Image.fromarray(ids() != 1)), (ids() == 1).astype(np.uint8), BLACK_AND_WHITE
    ),
    "colours of the palette, in the table's order": lambda: Kind(file(palette(ids(), COLORS)), ids()),
    "colours of the palette, in order, one transparent": lambda: Kind(
        file(palette(ids(), COLORS), transparency=0), ids()
    ),
    "colours of the palette, one class and unlabelled": lambda: Kind(
        file(palette(np.where(ids() == 0, 0, 255).astype(np.uint8), [*COLORS[:2], *[(0, 0, 0)] * 254])),
        np.where(ids() == 0, 0, 255).astype(np.uint8),
        TWO,
    ),
    "colours of the palette, 2 bits": lambda: Kind(file(palette(ids(), COLORS), bits=2), ids()),
    **{
        f"colours of the palette in the order {order}": lambda order=order: Kind(permuted(order), ids())
        for order in PERMUTATIONS
    },
    "colours of the palette, many unused": lambda: Kind(permuted([7, 2, 5, 0], 9), ids()),
    "colours of the palette, unlabelled transparent": lambda: Kind(
        file(palette(3 - ids(), COLORS[::-1]), transparency=3), np.where(ids() == 0, UNLABELLED, ids())
    ),
    **{
        f"colours reduced by method {method}": lambda method=method: Kind(
            file(Image.fromarray(painted(ids())).quantize(16, method)), ids()
        )
        for method in (Image.Quantize.MEDIANCUT, Image.Quantize.FASTOCTREE)
    },
}
REFUSED: dict[str, Made] = {
    "all unlabelled": lambda: Kind(file(np.full_like(ids(), 255)), problem="label-map-empty"),
    "all transparent": lambda: Kind(
        file(Image.new("RGBA", (WIDTH, HEIGHT))), problem="label-map-empty", words=("label some",)
    ),
    "all of the colour of unlabelled": lambda: Kind(
        file(np.zeros((HEIGHT, WIDTH, 3), np.uint8)),
        None,
        WITH_IGNORE_COLOR,
        "label-map-empty",
        ("unlabelled",),
    ),
    **{
        f"0 and 255 for two classes, {name}": lambda image=image: Kind(
            file(image), None, TWO, "label-map-ambiguous", ("255", "barn", "numbers 0 and 1", "RGBA")
        )
        for name, image in {
            "grey": Image.fromarray(np.where(ids() == 1, 255, 0).astype(np.uint8)),
            "RGB": Image.fromarray(np.where(ids() == 1, 255, 0).astype(np.uint8)).convert("RGB"),
            "a palette of greys": palette(np.where(ids() == 1, 255, 0).astype(np.uint8), GREYS),
        }.items()
    },
    "only black, where the colour and the number differ": lambda: Kind(
        file(np.zeros_like(ids())), None, BLACK_AND_WHITE, "label-map-ambiguous", ("ink", "paper")
    ),
    "one blended pixel": lambda: Kind(
        file(soft(1)),
        problem="label-map-unknown-color",
        words=("(3, 7)", "(142, 65, 45)", "barn (140, 30, 40)", "0.2 %", "anti-aliased"),
        pixel=[3, 7],
    ),
    "a blended border": lambda: Kind(
        file(soft(9)), problem="label-map-unknown-color", words=("(3, 7)", "1.8 %"), pixel=[3, 7]
    ),
    "a blended border, reduced to a palette": lambda: Kind(
        file(soft(9).quantize(16)), problem="label-map-unknown-color", words=("(3, 7)", "1.8 %"), pixel=[3, 7]
    ),
    "a partly transparent pixel": lambda: Kind(
        file(Image.fromarray(np.dstack([painted(ids()), np.where(ids() == 3, 128, 255).astype(np.uint8)]))),
        problem="label-map-unknown-color",
        words=("(5, 14)", "partly transparent"),
        pixel=[5, 14],
    ),
    "numbers in the red channel": lambda: Kind(
        file(RED_ONLY), problem="label-map-unknown-color", words=("(0, 0)", "100.0 %"), pixel=[0, 0]
    ),
    "a number that is no class": lambda: Kind(
        file(np.where(ids() == 2, 9, ids()).astype(np.uint8)),
        problem="label-map-unknown-class",
        words=("is 9", "0 to 3 (classes) and 255 (unlabelled)", "%"),
        pixel=[17, 6],
    ),
    "positions where the table has other numbers": lambda: Kind(
        file(ids() + 1),
        None,
        NUMBERED,
        "label-map-unknown-class",
        ("(0, 0) is 1", "10, 20, 30", "0, 40, 255"),
        [0, 0],
    ),
    "a 16-bit number that is no class": lambda: Kind(
        file(Image.fromarray(ids().astype(np.uint16) * 256)),
        problem="label-map-unknown-class",
        words=("(3, 2) is 256",),
        pixel=[3, 2],
    ),
    "another width": lambda: Kind(
        file(ids()[:, 1:]), problem="label-map-size", words=(f"{WIDTH - 1}×{HEIGHT}", f"{WIDTH}×{HEIGHT}")
    ),
    "the sides swapped": lambda: Kind(
        file(np.ascontiguousarray(ids().T)), problem="label-map-size", words=("EXIF", f"{HEIGHT}×{WIDTH}")
    ),
    "a JPEG": lambda: Kind(file(painted(ids()), "JPEG"), problem="label-map-format", words=("JPEG", "PNG")),
    "a lossy WebP": lambda: Kind(
        file(painted(ids()), "WEBP", quality=50), problem="label-map-unknown-color", words=("%",)
    ),
    "a TIFF in which white is 0": lambda: Kind(
        file(Image.fromarray(ids() == 1), "TIFF", tiffinfo={262: 0}), None, TWO, "label-map-mode", ("white",)
    ),
    "CMYK": lambda: Kind(
        file(Image.fromarray(painted(ids())).convert("CMYK"), "TIFF"),
        problem="label-map-mode",
        words=("CMYK",),
    ),
}
