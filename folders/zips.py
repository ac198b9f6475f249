"""The names of the files of a zip, which tools write in many encodings."""

import zipfile

from folders.names import not_utf8

UTF8_FLAG = 0x800
PYTHON_READS_AS = "cp437"
"""How zipfile decodes names without the flag; every byte has a character in it."""


def name_of(info: zipfile.ZipInfo) -> str:
    """The name of an entry, with `/` between folders. Raises BadName.

    Many tools write UTF-8 without the flag that says so.
    """
    name = info.orig_filename
    if not info.flag_bits & UTF8_FLAG:
        raw = name.encode(PYTHON_READS_AS)
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            raise not_utf8(raw) from None
    return name.replace("\\", "/")


def shown(info: zipfile.ZipInfo) -> str:
    """The name as it can be printed, with the bytes that are no ASCII as `\\x83`."""
    if info.flag_bits & UTF8_FLAG:
        return info.orig_filename
    raw = info.orig_filename.encode(PYTHON_READS_AS)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("ascii", "backslashreplace")
