"""Name a file that is not taken by its first bytes, whatever its name says, and say how to convert it."""

import os
from pathlib import Path

from PIL import Image, TiffImagePlugin

from service.http.problems import NotAnImage, UnsupportedFormat

TAKEN = "Send JPEG, PNG, WebP, AVIF, TIFF or BMP."
EMPTY = "The file is empty, it has 0 bytes: copy the whole file again."
HEAD_BYTES = 64
TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SUBFILE_TYPE, PHOTOMETRIC, DNG_VERSION = 254, 262, 50706
REDUCED = 1
"""The bit of SUBFILE_TYPE that says: this is a small version of another picture in the file."""
SENSOR_DATA = (32803, 34892)
"""PHOTOMETRIC of what a sensor measured, before or after its colours are put together."""

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
HEIF_BRANDS = HEIC_BRANDS | {b"mif1", b"msf1"}
AVIF_BRANDS = {b"avif", b"avis"}
HEIC = (
    "HEIC, as many phones save photos: convert it to JPEG, for example with `magick IN.heic OUT.jpg` "
    "(ImageMagick)."
)
RAW = (
    "{name}, the data of a camera's sensor: develop it in a photo program, for example with "
    "`darktable-cli IN OUT.jpg`, and send the result."
)
JPEG_XL = "JPEG XL: convert it, for example with `djxl IN.jxl OUT.png` (libjxl)."
OTHER_TIFF = (
    "a TIFF of an uncommon kind, or damaged: save it as 8-bit RGB, for example with "
    "`magick IN.tif PNG24:OUT.png`."
)
VIDEO = "a video: send some of its frames, for example from `ffmpeg -i IN -vf fps=1 OUT%04d.png`."
HEADS = {
    b"\xff\x0a": JPEG_XL,
    b"\0\0\0\x0cJXL \r\n\x87\n": JPEG_XL,
    b"FUJIFILMCCD-RAW": RAW.format(name="RAF"),
    b"IIRO": RAW.format(name="ORF"),
    b"IIRS": RAW.format(name="ORF"),
    b"MMOR": RAW.format(name="ORF"),
    b"IIU\0": RAW.format(name="RW2"),
    b"FOVb": RAW.format(name="X3F"),
    b"%PDF-": "PDF: save its pictures as separate files, for example with `pdfimages -png IN.pdf OUT`.",
    b"\x1a\x45\xdf\xa3": VIDEO,
    **dict.fromkeys(TIFF_HEADS, OTHER_TIFF),
}


def check_not_raw(path: str) -> None:
    """Refuse a camera's raw file that is a TIFF: a program that reads it as one sees a small preview."""
    with Path(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.startswith(TIFF_HEADS):
        return
    if head[8:10] == b"CR":
        raise _unsupported(RAW.format(name="CR2"))
    tags = _first_tags(path)
    if DNG_VERSION in tags:
        raise _unsupported(RAW.format(name="DNG"))
    if tags.get(SUBFILE_TYPE, 0) == REDUCED or tags.get(PHOTOMETRIC) in SENSOR_DATA:
        raise _unsupported(RAW.format(name="a raw file"))


def unread(path: str) -> NotAnImage | UnsupportedFormat:
    """Why Pillow reads no picture from this file."""
    if not os.path.getsize(path):
        return NotAnImage(EMPTY)
    with Path(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    for start, what in HEADS.items():
        if head.startswith(start):
            return _unsupported(what)
    if head[4:8] == b"ftyp":
        return _unsupported(_in_boxes(head))
    try:
        with Image.open(path) as image:
            return UnsupportedFormat(f"The file is {image.format}. {TAKEN}")
    except Exception:
        return NotAnImage(f"The file is not an image of a known format, whatever its name says. {TAKEN}")


def _in_boxes(head: bytes) -> str:
    """What a file is whose first box lists its brands, after the box's length and kind."""
    listed = head[8 : int.from_bytes(head[:4], "big")]
    first, brands = listed[:4], {listed[at : at + 4] for at in range(0, len(listed), 4)}
    if first == b"crx ":
        return RAW.format(name="CR3")
    if brands & AVIF_BRANDS:
        return "AVIF, but cannot be decoded: save it again, for example as PNG."
    if first in HEIF_BRANDS or brands & HEIC_BRANDS:
        return HEIC
    return VIDEO


def _first_tags(path: str) -> dict[int, object]:
    """The tags of a TIFF's first picture; none if they cannot be read."""
    try:
        with Path(path).open("rb") as file:
            is_big = file.read(3)[2:] == b"+"
            file.seek(0)
            directory = TiffImagePlugin.ImageFileDirectory_v2(file.read(16 if is_big else 8))
            file.seek(directory.next)
            directory.load(file)
        return dict(directory)
    except Exception:  # Pillow will say what is wrong with the file
        return {}


def _unsupported(what: str) -> UnsupportedFormat:
    return UnsupportedFormat(f"The file is {what}")
