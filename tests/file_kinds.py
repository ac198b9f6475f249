"""Names and archives of photos as people have them: what is taken of them, and why the rest is not."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from tests import drawings

ZIP, TAR = "application/zip", "application/x-tar"


def photo(seed: int) -> bytes:
    """A photo that differs from those of other seeds."""
    return drawings.png(drawings.drawing(seed)[0])


def label_map(seed: int) -> bytes:
    """Classes 0 and 1, in numbers."""
    return drawings.png(drawings.drawing(seed)[1] % 2)


NAMES_TAKEN = {
    "a folder": ["day1/0001.png", "day2/0001.png"],
    "three folders": ["2024/05/1.png", "2024/06/1.png", "1.png"],
    "the accents of a Mac": ["cafe\u0301.png", "u\u0308ber/e\u0301te\u0301.png"],
    "a narrow space in a screenshot's name": ["Screenshot 2024-05-01 at 9.41.00\u202fAM.png"],
    "an emoji of several characters": ["\U0001f469\u200d\U0001f3a8.png", "\u2764\ufe0f.png"],
    "a Persian word with a non-joiner": ["\u0645\u06cc\u200c\u0634\u0648\u062f.png"],
    "a Hindi word with a joiner behind a virama": ["\u0915\u094d\u200d\u0937.png"],
    "signs of addresses": ["50%25 off?.png", "a#b/c&d;e.png"],
    "dots": ["..hidden.not..png", "a/...png"],
}
NAMES_REFUSED = {
    "a right-to-left override": ("holiday\u202egnp.png", "U+202E"),
    "a left-to-right mark": ("day\u200e/1.png", "U+200E"),
    "an isolate": ("\u2066a\u2069.png", "U+2066"),
    "a zero-width space": ("street\u200b.png", "U+200B ZERO WIDTH SPACE"),
    "a byte order mark": ("\ufeffstreet.png", "U+FEFF"),
    "a joiner between letters": ("str\u200deet.png", "U+200D"),
    "a variation selector behind a letter": ("street\ufe0f.png", "U+FE0F"),
    "a filler": ("street\u3164.png", "U+3164"),
    "a soft hyphen": ("str\u00adeet.png", "U+00AD"),
    "a space at its end": ("street.png ", "U+0020"),
    "a space at a folder's end": ("day1 /street.png", "U+0020"),
    "a wide space at its beginning": ("\u3000street.png", "U+3000"),
    "a NUL": ("a\0b.png", "U+0000"),
    "a line break": ("a\nb.png", "U+000A"),
    "300 characters": ("n" * 296 + ".png", "300"),
    "folders of 300 characters": ("day/" * 74 + "1.png", "301"),
    "a backslash": ("day1\\1.png", "backslash"),
    "a folder above": ("../1.png", "path"),
    "a folder above in the middle": ("a/../1.png", "path"),
    "no folder": ("day1//1.png", "path"),
    "this folder": ("./1.png", "path"),
    "a slash at its beginning": ("/1.png", "path"),
    "a slash at its end": ("day1/", "path"),
    "a drive": ("C:/1.png", "path"),
}


@dataclass
class Archive:
    """An archive, and what becomes of its files; or the type and a word of the refusal of all of it."""

    content: bytes
    media_type: str = ZIP
    stored: set[str] = field(default_factory=set)
    rejected: Mapping[str, str] = field(default_factory=dict)
    """What the reasons for the files' rejection contain, by the names that are shown."""
    junk: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    refusal: tuple[str, str] | None = None


def zipped(members: Mapping[str | bytes, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip; a name in bytes is written as it is, without the flag that says UTF-8."""
    content, as_they_are = io.BytesIO(), {}
    with zipfile.ZipFile(content, "w", method) as archive:
        for number, (name, data) in enumerate(members.items()):
            stand_in = name
            if isinstance(name, bytes):
                stand_in = chr(ord("A") + number) * len(name)
                as_they_are[stand_in.encode()] = name
            archive.writestr(str(stand_in), data)
    written = content.getvalue()
    for stand_in, name in as_they_are.items():
        written = written.replace(stand_in, name)
    return written


def zip_with_kind(name: str, mode: int, others: Mapping[str, bytes]) -> bytes:
    """A zip whose first member has these bits of a Unix file's mode."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, "/etc/hostname")
        for other, data in others.items():
            archive.writestr(other, data)
    return content.getvalue()


def zip_listing_one_member_often(data: bytes, times: int) -> bytes:
    plain = zipped({"a.png": data})
    start = plain.index(b"PK\x01\x02")
    end = plain.index(b"PK\x05\x06")
    entry = plain[start:end]
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, times, times, len(entry) * times, start, 0)
    return plain[:start] + entry * times + tail


def zip_with_nested_member() -> bytes:
    """A zip with a member whose bytes are a whole local entry of their own, which is listed as well."""
    inner = zipped({"inner.png": photo(2)})
    inner_entry = inner[: inner.index(b"PK\x01\x02")]
    outer = bytearray(zipped({"outer.png": inner_entry, "inner.png": photo(2)}))
    at = outer.index(b"inner.png") - 30
    second = outer.rindex(b"PK\x01\x02")
    outer[second + 42 : second + 46] = struct.pack("<I", at)
    return bytes(outer)


def damaged(archive: bytes, name: bytes) -> bytes:
    """The zip with the compressed bytes of a member overwritten."""
    at = archive.index(name) + len(name) + 16
    return archive[:at] + b"\xff" * 40 + archive[at + 40 :]


def tar_entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)


def tar(*entries: bytes) -> bytes:
    return b"".join(entries) + bytes(2 * tarfile.BLOCKSIZE)


def with_size(entry: bytes, size: int) -> bytes:
    """A tar's entry with another size, in base 256, so that it may be negative."""
    header = bytearray(entry[: tarfile.BLOCKSIZE])
    header[124:136] = b"\xff" + (size & ((1 << 88) - 1)).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + entry[tarfile.BLOCKSIZE :]


def pax(records: bytes) -> bytes:
    return tar_entry("./PaxHeaders/a", records, tarfile.XHDTYPE)


MAC_JUNK = {"__MACOSX/set/._a.png": b"\0\5\x16\7", "__MACOSX/._set": b"\0\5\x16\7", "set/.DS_Store": b"Bud1"}
WINDOWS_JUNK = {"set/Thumbs.db": b"\xd0\xcf", "set/DESKTOP.INI": b"[.ShellClassInfo]"}
ARCHIVES: dict[str, Callable[[], Archive]] = {
    "UTF-8 names without the flag": lambda: Archive(
        zipped({"Straße_é.png".encode(): photo(0), "日本/東京.png".encode(): photo(1)}),
        stored={"Straße_é.png", "日本/東京.png"},
    ),
    "UTF-8 names with the flag": lambda: Archive(
        zipped({"Straße_é.png": photo(0), "日本/東京.png": photo(1)}),
        stored={"Straße_é.png", "日本/東京.png"},
    ),
    "Shift-JIS names, of which one holds a backslash": lambda: Archive(
        zipped(
            {"ソ.png".encode("cp932"): photo(0), "写真1.png".encode("cp932"): photo(1), "good.png": photo(2)}
        ),
        stored={"good.png"},
        rejected={"\\x83\\.png": "83 5c 2e", "\\x8e\\xca\\x90^1.png": "8e ca 90 5e"},
    ),
    "a name of Western Windows": lambda: Archive(
        zipped({"caf\u00e9.png".encode("cp1252"): photo(0), "b.png": photo(1)}),
        stored={"b.png"},
        rejected={"caf\\xe9.png": "63 61 66 e9"},
    ),
    "a tar with a name that is not UTF-8": lambda: Archive(
        tar(tar_entry("caf\udce9.png", photo(0)), tar_entry("b.png", photo(1))),
        TAR,
        stored={"b.png"},
        rejected={"caf\\xe9.png": "63 61 66 e9"},
    ),
    "backslashes between folders, as old programs of Windows write": lambda: Archive(
        zipped({b"day1\\0001.png": photo(0), b"day2\\0001.png": photo(1)}),
        stored={"day1/0001.png", "day2/0001.png"},
    ),
    "./ in front of every name": lambda: Archive(
        tar(tar_entry("./", kind=tarfile.DIRTYPE), tar_entry("./day1/1.png", photo(0))),
        TAR,
        stored={"day1/1.png"},
    ),
    "look-alike names": lambda: Archive(
        zipped({"a.png": photo(0), "a\u200b.png": photo(1), "b .png": photo(2), "c.png ": photo(3)}),
        stored={"a.png", "b .png"},
        rejected={"a\u200b.png": "U+200B", "c.png ": "U+0020"},
    ),
    "one file name in three folders": lambda: Archive(
        zipped({f"cam{n}/0001.png": photo(n) for n in range(3)}),
        stored={f"cam{n}/0001.png" for n in range(3)},
    ),
    "what a Mac and Windows add": lambda: Archive(
        zipped({"set/a.png": photo(0), **MAC_JUNK, **WINDOWS_JUNK, "set/b.png": photo(1)}),
        stored={"set/a.png", "set/b.png"},
        junk=5,
    ),
    "images and labels": lambda: Archive(
        zipped({"ds/images/1.png": photo(0), "ds/labels/1.png": photo(1), "ds/labels/2.png": photo(2)}),
        stored={"ds/images/1.png"},
        left_out={"ds/labels": 2},
    ),
    "Cityscapes": lambda: Archive(
        tar(
            tar_entry("leftImg8bit/train/aachen/a_leftImg8bit.png", photo(0)),
            tar_entry("gtFine/train/aachen/a_gtFine_labelIds.png", photo(1)),
        ),
        TAR,
        stored={"leftImg8bit/train/aachen/a_leftImg8bit.png"},
        left_out={"gtFine": 1},
    ),
    "photos and a folder of masks": lambda: Archive(
        zipped({"1.png": photo(0), "2.png": photo(1), "masks/1.png": photo(2)}),
        stored={"1.png", "2.png"},
        left_out={"masks": 1},
    ),
    "train, and its masks beside it": lambda: Archive(
        zipped({"train/1.png": photo(0), "train_masks/1.png": photo(1), "val/1.png": photo(2)}),
        stored={"train/1.png", "val/1.png"},
        left_out={"train_masks": 1},
    ),
    "a folder of masks alone, which may be photos": lambda: Archive(
        zipped({"masks/1.png": photo(0)}), stored={"masks/1.png"}
    ),
    "one member listed often": lambda: Archive(
        zip_listing_one_member_often(photo(0), 20), refusal=("archive-unreadable", "overlap")
    ),
    "a member inside another": lambda: Archive(
        zip_with_nested_member(), refusal=("archive-unreadable", "overlap")
    ),
    "members outside": lambda: Archive(
        zipped(
            {
                **{"../../evil.png": photo(0), "/abs.png": photo(1), b"C:\\x.png": photo(2)},
                **{b"..\\w.png": photo(3), "a/../../up.png": photo(4), "ok/good.png": photo(5)},
            }
        ),
        stored={"ok/good.png"},
        rejected=dict.fromkeys(
            ["../../evil.png", "/abs.png", "C:\\x.png", "..\\w.png", "a/../../up.png"], "outside"
        ),
    ),
    "a symbolic link": lambda: Archive(
        zip_with_kind("link.png", 0o120777, {"good.png": photo(0)}),
        stored={"good.png"},
        rejected={"link.png": "link"},
    ),
    "a device": lambda: Archive(
        zip_with_kind("tty.png", 0o020666, {"good.png": photo(0)}),
        stored={"good.png"},
        rejected={"tty.png": "special file"},
    ),
    "links in a tar": lambda: Archive(
        tar(
            tar_entry("soft.png", kind=tarfile.SYMTYPE),
            tar_entry("hard.png", kind=tarfile.LNKTYPE),
            tar_entry("good.png", photo(0)),
        ),
        TAR,
        stored={"good.png"},
        rejected={"soft.png": "link", "hard.png": "link"},
    ),
    "a tar with a negative size": lambda: Archive(
        tar(with_size(tar_entry("a.png"), -1), tar_entry("b.png", photo(0))),
        TAR,
        refusal=("archive-unreadable", "size -1"),
    ),
    "a tar whose pax header gives a negative size": lambda: Archive(
        tar(pax(b"11 size=-1\n"), tar_entry("a.png", photo(0))),
        TAR,
        refusal=("archive-unreadable", "size -1"),
    ),
    "a tar with a header of digits": lambda: Archive(
        tar(pax(b"0" * 200_000), tar_entry("a.png", photo(0))),
        TAR,
        refusal=("archive-unreadable", "200,000 bytes"),
    ),
    "a tar with a long name of 200,000 characters": lambda: Archive(
        tar(
            tar_entry("././@LongLink", b"n" * 200_000, tarfile.GNUTYPE_LONGNAME), tar_entry("a.png", photo(0))
        ),
        TAR,
        refusal=("archive-unreadable", "200,000 bytes"),
    ),
    "a tar of nothing but headers": lambda: Archive(
        tar(*[pax(b"12 comment=\n")] * 3000), TAR, refusal=("archive-unreadable", "create it again")
    ),
    "damaged bzip2": lambda: Archive(
        damaged(zipped({f"{n}.png": photo(n) for n in range(3)}, zipfile.ZIP_BZIP2), b"1.png"),
        stored={"0.png", "2.png"},
        rejected={"1.png": "create it again"},
    ),
    "damaged LZMA": lambda: Archive(
        damaged(zipped({f"{n}.png": photo(n) for n in range(3)}, zipfile.ZIP_LZMA), b"1.png"),
        stored={"0.png", "2.png"},
        rejected={"1.png": "create it again"},
    ),
    "damaged deflate": lambda: Archive(
        damaged(zipped({f"{n}.png": photo(n) for n in range(3)}, zipfile.ZIP_DEFLATED), b"1.png"),
        stored={"0.png", "2.png"},
        rejected={"1.png": "create it again"},
    ),
}


def saved(image: Image.Image, format: str = "PNG") -> bytes:
    content = io.BytesIO()
    image.save(content, format)
    return content.getvalue()


def _in_palette(numbers: Image.Image) -> Image.Image:
    image = Image.frombytes("P", numbers.size, numbers.tobytes())
    image.putpalette([channel for number in range(256) for channel in (number * 37 % 256, 99, 255 - number)])
    return image


def _grey_photo() -> Image.Image:
    return Image.fromarray(drawings.drawing(5)[0]).convert("L")


def _ids() -> Image.Image:
    return Image.fromarray(drawings.drawing(5)[1] % 2)


def _in_colors(lighter: int = 0) -> Image.Image:
    colors = [[channel + lighter for channel in entry["color"]] for entry in drawings.CLASS_TABLE["classes"]]
    return Image.fromarray(np.array(colors, np.uint8)[drawings.drawing(5)[1] % 3])


LABEL_MAPS: dict[str, Callable[[], bytes]] = {
    "numbers in grey": lambda: saved(_ids()),
    "numbers in grey and opaque alpha": lambda: saved(_ids().convert("LA")),
    "numbers in a palette": lambda: saved(_in_palette(_ids())),
    "a mask of black and white": lambda: saved(_ids().point(lambda value: 255 * (value == 1))),
    "numbers in a BMP": lambda: saved(_ids(), "BMP"),
    "colours of classes": lambda: saved(_in_colors()),
    "colours of classes and opaque alpha": lambda: saved(_in_colors().convert("RGBA"), "TIFF"),
}
"""Files that look like label maps when they are sent as photos."""
NO_LABEL_MAPS: dict[str, Callable[[], bytes]] = {
    "a grey photo": lambda: saved(_grey_photo()),
    "a grey photo of few values": lambda: saved(_grey_photo().point(lambda value: value // 8 * 8)),
    "a photo reduced to a palette": lambda: saved(Image.fromarray(drawings.drawing(5)[0]).quantize(32)),
    "a scan of two greys": lambda: saved(_ids().point(lambda value: 200 - 150 * value)),
    "flat areas in other colours": lambda: saved(_in_colors(lighter=1)),
    "one grey": lambda: saved(Image.new("L", (32, 24), 90)),
    "flat colours": lambda: saved(Image.new("RGB", (32, 24), (0, 90, 0))),
    "a grey JPEG": lambda: saved(_grey_photo(), "JPEG"),
}


@dataclass
class Folder:
    """A folder to upload, what is stored of it, and what has to be said about the rest."""

    files: Mapping[str, bytes | Path]
    """Bytes, or the target of a symbolic link; the folder is `given`."""
    stored: set[str]
    said: tuple[str, ...] = ()
    annotated: set[str] = field(default_factory=set)
    tested: set[str] = field(default_factory=set)
    """Photos of the test split."""
    refused: bool = False
    """Whether an image could not be taken, so that the command fails."""


FOLDERS: dict[str, Callable[[], Folder]] = {
    "a phone's": lambda: Folder(
        {
            **{"given/IMG_1.png": photo(1), "given/IMG_2.jpe": jpeg(2), "given/IMG_3": jpeg(3)},
            **{"given/IMG_4.HEIC": b"\0\0\0\x18ftypheic" + bytes(40), "given/IMG_5.jpg": b""},
            **{"given/notes.txt": b"met Tuesday\n", "given/.thumbnails/1.jpg": jpeg(4)},
        },
        stored={"IMG_1.png", "IMG_2.jpe", "IMG_3"},
        said=("IMG_4.HEIC", "IMG_5.jpg", "notes.txt", "1 hidden or system file"),
        refused=True,
    ),
    "links to folders": lambda: Folder(
        {
            **{"given/first.png": photo(1), "given/images": Path("../elsewhere")},
            **{
                "elsewhere/a.png": photo(2),
                "elsewhere/b.png": photo(3),
                "elsewhere/up": Path("../given/images"),
            },
        },
        stored={"first.png", "images/a.png", "images/b.png"},
        said=("images/up", "a link to a folder that it is in"),
    ),
    "images and labels": lambda: Folder(
        {
            **{f"given/images/{n}.png": photo(n) for n in range(3)},
            **{f"given/labels/{n}_mask.png": label_map(n) for n in range(2)},
            **{"given/classes.json": b"{}", "given/labels/.DS_Store": b"Bud1"},
        },
        stored={"images/0.png", "images/1.png", "images/2.png"},
        annotated={"images/0.png", "images/1.png"},
        said=(
            "3 train photos",
            "2 label maps in labels",
            "classes.json",
            "1 hidden or system file",
            "2 by ending",
        ),
    ),
    "train and val, with equal names": lambda: Folder(
        {
            **{f"given/train/{n}.png": photo(n) for n in range(2)},
            **{f"given/val/{n}.png": photo(10 + n) for n in range(2)},
            **{f"given/val_labels/{n}.png": label_map(10 + n) for n in range(2)},
        },
        stored={"train/0.png", "train/1.png", "val/0.png", "val/1.png"},
        annotated={"val/0.png", "val/1.png"},
        tested={"val/0.png", "val/1.png"},
        said=("2 train photos", "2 test photos", "2 label maps in val_labels"),
    ),
    "Cityscapes": lambda: Folder(
        {
            "given/leftImg8bit/train/ulm/u_leftImg8bit.png": photo(1),
            "given/gtFine/train/ulm/u_gtFine_labelIds.png": label_map(1),
            "given/gtFine/train/ulm/u_gtFine_instanceIds.png": label_map(1),
            "given/gtFine/train/ulm/u_gtFine_color.png": photo(1),
            "given/gtFine/train/ulm/u_gtFine_polygons.json": b"{}",
        },
        stored={"leftImg8bit/train/ulm/u_leftImg8bit.png"},
        annotated={"leftImg8bit/train/ulm/u_leftImg8bit.png"},
        said=("gtFine", "u_gtFine_instanceIds.png", "u_gtFine_color.png", "u_gtFine_polygons.json"),
    ),
    "one file name in nested folders": lambda: Folder(
        {f"given/{day}/cam{n}/0001.png": photo(n + 5 * len(day)) for day in ("a", "bb") for n in range(2)},
        stored={f"{day}/cam{n}/0001.png" for day in ("a", "bb") for n in range(2)},
    ),
}


def jpeg(seed: int) -> bytes:
    return saved(Image.fromarray(drawings.drawing(seed)[0]), "JPEG")


def write_folder(files: Mapping[str, bytes | Path], folder: Path) -> Path:
    """Write the files and links below `folder`; returns the folder that is `given`."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.symlink_to(content)
    return folder / "given"
