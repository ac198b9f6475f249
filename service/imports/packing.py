"""Pack what was sent, with the limits of uploads, into a plain zip that an import job can rely on."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from folders.junk import is_junk
from formats.catalog import IMPORT_SUFFIXES
from service.decoding import archives
from service.http.problems import NameTaken, Problem
from service.runtime import Service
from store.blobs import Incoming
from store.zips import zipped

JSON_BEGINS = (b"{", b"[")
JSON_NAME = "import.json"


def pack(service: Service, sent: Path, packed: Incoming) -> list[dict[str, Any]]:
    """Write the files of a zip, a tar or a single JSON into a zip. Returns those that were left out.

    Files that operating systems add, and photos in formats that no import reads, are left out without a word.
    Raises ArchiveBomb or ArchiveUnreadable.
    """
    with sent.open("rb") as file:
        is_json = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(JSON_BEGINS)
    with zipped(packed) as archive:
        if is_json:
            archive.write(sent, JSON_NAME)
            return []
        with archives.gunzipped(sent, service.blobs, service.settings) as plain:
            return _copied(service, plain, archive)


def _copied(service: Service, sent: Path, packed: zipfile.ZipFile) -> list[dict[str, Any]]:
    left_out: list[dict[str, Any]] = []
    taken = set()
    wanted = [member for member in service.decoders.members(sent) if _may_count(member.name)]
    for member, content in archives.unpack(sent, wanted):
        if member.refusal:
            left_out.append({"file": member.name, **vars(member.refusal)})
            continue
        try:
            if member.name in taken:
                raise NameTaken("The archive has an earlier file of this name: keep one of them.")
            with service.blobs.incoming() as copy:
                for chunk in content:
                    copy.write(chunk)
                copy.flush()
                packed.write(copy.path, member.name)
            taken.add(member.name)
        except Problem as problem:
            left_out.append({"file": member.name, "type": problem.slug, "reason": problem.detail})
    return left_out


def _may_count(path: str) -> bool:
    return not is_junk(path) and PurePosixPath(path).suffix.lower() in IMPORT_SUFFIXES
