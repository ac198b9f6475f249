"""Pack what was sent, with the limits of uploads, into a plain zip that an import job can rely on."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from folders.junk import is_junk
from formats.catalog import IMPORT_SUFFIXES
from service.decoding.archive_reader import ArchiveReader
from service.http.problems import NameTaken, Problem, Unavailable
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
        with service.decoders.archive(sent, service.blobs) as reader:
            return _copied(service, reader, archive)


def _copied(service: Service, sent: ArchiveReader, packed: zipfile.ZipFile) -> list[dict[str, Any]]:
    left_out: list[dict[str, Any]] = []
    taken = set()
    for member in sent.members:
        if not _may_count(member.name):
            continue
        if member.refusal:
            left_out.append({"file": member.name, **vars(member.refusal)})
            continue
        try:
            if member.name in taken:
                raise NameTaken("The archive has an earlier file of this name: keep one of them.")
            with service.blobs.incoming() as copy:
                for chunk in sent.content(member):
                    copy.write(chunk)
                copy.flush()
                packed.write(copy.path, member.name)
            taken.add(member.name)
        except Unavailable:
            raise
        except Problem as problem:
            left_out.append({"file": member.name, "type": problem.slug, "reason": problem.detail})
    return left_out


def _may_count(path: str) -> bool:
    return not is_junk(path) and PurePosixPath(path).suffix.lower() in IMPORT_SUFFIXES
