"""Bad files of every kind, each with the type of problem that the service has to answer."""

import functools
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.service.steps import RGB, encoded, label_map, photo, png


@functools.cache
def png_bomb(side: int) -> bytes:
    """A PNG of side² black RGB pixels, made only once because it takes seconds."""
    rows = zlib.compressobj(1)
    data = b"".join(rows.compress(b"\0" * (1 + 3 * side)) for _ in range(side)) + rows.flush()
    return png(side, side, 8, RGB, data)


def animated(format: str) -> bytes:
    frames = [Image.new("RGB", (32, 24), (shade, 0, 0)) for shade in (0, 90, 180)]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:])


def deep_png() -> bytes:
    """A 16-bit RGB PNG, which Pillow can read but not write."""
    return png(32, 24, 16, RGB, zlib.compress(b"".join(b"\0" + b"\x12\x34" * 3 * 32 for _ in range(24))))


def of_mode(mode: str, format: str) -> bytes:
    return encoded(Image.new(mode, (32, 24)), format)


BAD_PHOTOS: dict[str, tuple[Callable[[], bytes], str]] = {
    "truncated JPEG": (lambda: photo(size=(320, 240))[:-200], "truncated-image"),
    "truncated PNG": (lambda: photo(format="PNG", size=(320, 240))[:-200], "truncated-image"),
    "nothing": (lambda: b"", "not-an-image"),
    "text": (lambda: b"These are not the pixels you are looking for.\n" * 20, "not-an-image"),
    "decompression bomb": (lambda: png_bomb(13_000), "too-many-pixels"),
    "animated GIF": (lambda: animated("GIF"), "animated-image"),
    "animated PNG": (lambda: animated("PNG"), "animated-image"),
    "animated WebP": (lambda: animated("WEBP"), "animated-image"),
    "pages of a TIFF": (lambda: animated("TIFF"), "animated-image"),
    "still GIF": (lambda: photo(format="GIF"), "unsupported-format"),
    "JPEG 2000": (lambda: photo(format="JPEG2000"), "unsupported-format"),
    "16-bit grey TIFF": (lambda: of_mode("I;16", "TIFF"), "unsupported-bit-depth"),
    "16-bit RGB PNG": (deep_png, "unsupported-bit-depth"),
    "float TIFF": (lambda: of_mode("F", "TIFF"), "unsupported-bit-depth"),
    "black and white PNG": (lambda: of_mode("1", "PNG"), "unsupported-bit-depth"),
    "transparent PNG": (lambda: of_mode("RGBA", "PNG"), "transparent-image"),
    "transparent WebP": (lambda: of_mode("RGBA", "WEBP"), "transparent-image"),
    "transparent palette": (
        lambda: encoded(Image.new("P", (32, 24)), "PNG", transparency=0),
        "transparent-image",
    ),
}


def zipped(entries: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return content.getvalue()


def zip_with_link(entries: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        for name, data in entries.items():
            archive.writestr(name, data)
    return content.getvalue()


def tarred(entries: dict[str, bytes], mode: str = "w") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:  # type: ignore[call-overload]
        for kind, name in (
            (tarfile.SYMTYPE, "soft.jpg"),
            (tarfile.LNKTYPE, "hard.jpg"),
            (tarfile.FIFOTYPE, "f"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


ESCAPES = ["../up.jpg", "a/../../up.jpg", "/etc/abs.jpg", "C:\\drive.jpg", "..\\back.jpg"]


def lying_zip() -> bytes:
    """A zip whose directory says that 64 MiB of zeros are 100 bytes."""
    content = bytearray(zipped({"bomb.jpg": bytes(64 * 1024 * 1024)}))
    real, claimed = struct.pack("<I", 64 * 1024 * 1024), struct.pack("<I", 100)
    return bytes(content.replace(real, claimed))


def gzip_of_zeros(size: int) -> bytes:
    compressor = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return (
        b"".join(compressor.compress(bytes(1024 * 1024)) for _ in range(size // 1024**2)) + compressor.flush()
    )


BAD_ARCHIVES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "zip bomb": (lambda: zipped({"ok.jpg": photo(), "b.jpg": bytes(64 << 20)}), "zip", "archive-bomb"),
    "gzip bomb": (lambda: gzip_of_zeros(64 << 20), "gzip", "archive-bomb"),
    "text": (lambda: b"no archive " * 100, "zip", "archive-unreadable"),
    "truncated zip": (lambda: zipped({"a.jpg": photo(size=(300, 300))})[:-100], "zip", "archive-unreadable"),
    "truncated gzip": (lambda: tarred({"a.jpg": photo()}, "w:gz")[:-100], "gzip", "archive-unreadable"),
    "truncated tar": (
        lambda: tarred({"a.jpg": photo(size=(300, 300))})[:2000],
        "x-tar",
        "archive-unreadable",
    ),
}


BAD_LABEL_MAPS: dict[str, tuple[Callable[[], bytes], str]] = {
    "wrong size": (lambda: label_map(size=(24, 32)), "label-map-size"),
    "unknown class": (lambda: label_map(7), "label-map-unknown-class"),
    "unknown 16-bit class": (
        lambda: encoded(Image.new("I;16", (32, 24), 256), "PNG"),
        "label-map-unknown-class",
    ),
    "JPEG": (lambda: photo(), "label-map-format"),
    "GIF": (lambda: of_mode("P", "GIF"), "unsupported-format"),
    "animated PNG": (lambda: animated("PNG"), "animated-image"),
    "nothing labelled": (lambda: encoded(Image.new("L", (32, 24), 255), "PNG"), "label-map-empty"),
    "transparent": (lambda: of_mode("RGBA", "PNG"), "label-map-empty"),
    "other colours": (lambda: photo(format="PNG"), "label-map-unknown-color"),
    "16-bit colours": (deep_png, "unsupported-bit-depth"),
    "floats": (lambda: of_mode("F", "TIFF"), "label-map-mode"),
    "truncated": (lambda: label_map()[:-30], "truncated-image"),
    "text": (lambda: b"0 0 0 1 1 1", "not-an-image"),
    "bomb": (lambda: png_bomb(13_000), "too-many-pixels"),
}


BAD_CLASS_TABLES: dict[str, Any] = {
    "no classes": {"classes": []},
    "a colour of two numbers": {"classes": [{"name": "a", "color": [1, 2]}]},
    "a colour beyond 255": {"classes": [{"name": "a", "color": [1, 2, 256]}]},
    "one name twice": {"classes": [{"name": "a", "color": [1, 2, 3]}, {"name": "a", "color": [1, 2, 4]}]},
    "one colour twice": {"classes": [{"name": "a", "color": [1, 2, 3]}, {"name": "b", "color": [1, 2, 3]}]},
    "ignore is a class": {"ignore": 0, "classes": [{"name": "a", "color": [1, 2, 3]}]},
    "a word": "cmyk",
    "nothing": None,
}
