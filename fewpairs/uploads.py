"""Sends many files at once. Skips files that the server has, and collects the files that it refuses."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import quote

from fewpairs.errors import FewpairsError
from fewpairs.sources import File, Found, Refusal, unreadable
from fewpairs.stretch import NotStretched
from fewpairs.transport import Transport
from folders.archives import ArchiveError
from folders.matching import match

THREADS = 8
BATCH = 256
REFUSALS = frozenset({400, 409, 413, 415, 422})
"""Statuses that are about one file; any other stops the upload."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of all files."""


@dataclass
class Upload:
    """The outcome of an upload: counts of files, and the files that were not taken."""

    new: int = 0
    unchanged: int = 0
    replaced: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    skipped: list[Refusal] = field(default_factory=list)
    """Files that were not meant to be sent, such as texts among photos."""
    junk: int = 0
    """Hidden files and others that operating systems leave behind."""
    copies: list[Refusal] = field(default_factory=list)
    """Photos that were taken, but have the bytes of others in the pool, so that they are never picked."""
    photos: int = 0
    """Files among label maps that are photos of the pool."""
    matched: Counter[str] = field(default_factory=Counter)
    """How many label maps found their photos by which part of their names."""
    stretched: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Names of 16-bit photos that were sent with 8 bits, each with the values that became black and white."""

    @property
    def done(self) -> int:
        return self.new + self.unchanged + self.replaced + len(self.rejected)

    def with_others(self, found: Found, sent: Sequence[File], why: str = "") -> Self:
        """Add what was found and not sent; `why` is the reason for images."""
        told = {*(file.path for file in sent), *(refusal.path for refusal in found.skipped)}
        others = [file.path for file in found.files if file.path not in told]
        self.skipped = [*found.skipped, *(Refusal(path, "other-folder", why) for path in others)]
        self.rejected += found.rejected
        self.junk = found.junk
        return self

    def add(self, outcome: str | Refusal) -> None:
        if isinstance(outcome, Refusal):
            self.rejected.append(outcome)
        else:
            setattr(self, outcome, getattr(self, outcome) + 1)


def upload_images(
    transport: Transport,
    pool_id: str,
    files: Sequence[File],
    split: str,
    on_progress: Progress | None = None,
    allow_label_maps: bool = False,
) -> Upload:
    """Send photos under their names. Photos that the server has are not sent again."""

    def put(file: File) -> str | Refusal:
        url = f"/pools/{pool_id}/images/{quote(file.name)}"
        return _put(transport, url, file, note_copy, params=params)

    def note_copy(file: File, image: dict[str, Any]) -> None:
        if of := image.get("copy_of"):
            upload.copies.append(Refusal(file.path, "copy", f"It has the same bytes as {of}."))

    upload = Upload()
    params = {"split": split, "allow_label_maps": allow_label_maps}
    unique = _without_namesakes(files, upload)
    for start in range(0, len(unique), BATCH):
        batch = unique[start : start + BATCH]
        originals, copies = _missing(transport, pool_id, split, batch)
        upload.unchanged += len(batch) - len(originals) - len(copies)
        for missing in (originals, copies):
            _send(put, missing, upload, on_progress, len(files))
        if on_progress:
            on_progress(upload.done, len(files))
    return upload


def _missing(
    transport: Transport, pool_id: str, split: str, batch: Sequence[File]
) -> tuple[list[File], list[File]]:
    """The files that the server lacks: the first of each content, and the others, which are sent after these.

    Unreadable files, and names that the pool has with other bytes or in the other split, are sent all the
    same: sending them gives the reason why they are refused.
    """
    digests = dict(zip((file.name for file in batch), _parallel(_digest, batch), strict=True))
    listed = [{"name": name, "sha256": digest} for name, digest in digests.items() if digest]
    answer = transport.json("POST", f"/pools/{pool_id}/missing", json={"split": split, "files": listed})
    to_send = {*answer["missing"], *answer["conflicts"]}
    missing = [file for file in batch if digests[file.name] is None or file.name in to_send]
    firsts = {digest: name for name, digest in reversed(digests.items()) if digest}
    copies = [file for file in missing if firsts.get(digests[file.name] or "", file.name) != file.name]
    return [file for file in missing if file not in copies], copies


def upload_label_maps(
    transport: Transport,
    pool_id: str,
    files: Sequence[File],
    source: str,
    on_progress: Progress | None = None,
) -> Upload:
    """Send unpaired label maps under their names. Label maps that the server has are not sent again."""
    listed = transport.items(f"/pools/{pool_id}/labels", source=source)
    held = {item["name"]: item["original_sha256"] for item in listed}

    def put(file: File) -> str | Refusal:
        if file.name in held and held[file.name] == _sha256(file):
            return "unchanged"
        url = f"/pools/{pool_id}/labels/{quote(file.name)}"
        return _put(transport, url, file, params={"source": source})

    upload = Upload()
    _send(put, _without_namesakes(files, upload), upload, on_progress, len(files))
    return upload


def upload_annotations(
    transport: Transport,
    pool_id: str,
    files: Sequence[File],
    pairs: Mapping[str, str] | None = None,
    replace: bool = False,
    on_progress: Progress | None = None,
) -> Upload:
    """Send each label map as the annotation of the photo that `folders.matching` finds for it.

    `pairs` are names of photos by names of label maps; they come first. Files with the bytes of a photo of
    the pool are no label maps, and left out: people draw label maps into the folder of the photos.
    """
    upload = Upload()
    images = {image["name"]: image for image in transport.items(f"/pools/{pool_id}/images")}
    photos = {image["sha256"] for image in images.values()}
    unique = _without_namesakes(files, upload)
    digests = list(_parallel(_digest, unique))
    upload.photos = sum(digest in photos for digest in digests)
    unique = [file for file, digest in zip(unique, digests, strict=True) if digest not in photos]
    matches = {found.label_map: found for found in match([file.name for file in unique], images, pairs)}
    upload.matched = Counter(found.by for found in matches.values() if found.photo)

    def put(file: File) -> str | Refusal:
        found = matches[file.name]
        if found.photo is None:
            return Refusal(file.path, found.problem, found.reason)
        return _annotate(transport, images[found.photo], file, replace)

    _send(put, unique, upload, on_progress, len(files) - upload.photos)
    return upload


def _annotate(transport: Transport, image: dict[str, Any], file: File, replace: bool) -> str | Refusal:
    """One conditional PUT. After a 412 the bytes are compared: our own request may have been repeated."""
    url = f"/images/{image['id']}/annotation"

    def put(precondition: dict[str, str]) -> str | Refusal | None:
        try:
            return _put(transport, url, file, headers=precondition)
        except FewpairsError as error:
            if error.status == 412:
                return None
            raise

    def held() -> tuple[str, bool]:
        current = transport.request("GET", url, params={"original": 1})
        return current.headers["ETag"], hashlib.sha256(current.content).hexdigest() == _sha256(file)

    if image["annotation_revision"] is None and (outcome := put({"If-None-Match": "*"})):
        return outcome
    etag, is_same = held()
    if is_same:
        return "unchanged"
    if not replace:
        revision = etag.strip('"')
        reason = f"Its image has another label map (revision {revision}): keep it, or use --replace."
        return Refusal(file.path, "annotation-exists", reason)
    outcome = put({"If-Match": etag})
    if isinstance(outcome, Refusal):
        return outcome
    if outcome or held()[1]:
        return "replaced"
    return Refusal(
        file.path, "stale-revision", "Somebody else has just replaced its label map: look at the new one."
    )


def _put(
    transport: Transport,
    url: str,
    file: File,
    on_answer: Callable[[File, dict[str, Any]], None] | None = None,
    **options: Any,
) -> str | Refusal:
    try:
        response = transport.request("PUT", url, content=file.read, **options)
    except FewpairsError as error:
        if error.status not in REFUSALS:
            raise
        return Refusal(file.path, error.type, error.detail)
    except (OSError, ArchiveError) as error:
        return unreadable(file.path, error)
    except NotStretched as error:
        return Refusal(file.path, "not-stretched", str(error))
    if on_answer:
        on_answer(file, response.json())
    return "new" if response.status_code == 201 else "unchanged"


def _sha256(file: File) -> str:
    digest = hashlib.sha256()
    for piece in file.read():
        digest.update(piece)
    return digest.hexdigest()


def _digest(file: File) -> str | None:
    """The SHA-256, or None if the file cannot be read: sending it says why."""
    try:
        return _sha256(file)
    except (OSError, ArchiveError, NotStretched):
        return None


def _without_namesakes(files: Iterable[File], upload: Upload) -> list[File]:
    """The first file of each name. A pool has one image of a name, so the others are refused."""
    first: dict[str, File] = {}
    for file in files:
        kept = first.setdefault(file.name, file)
        if kept is not file:
            reason = f"{kept.path} has the same name, {file.name}: send it under another one."
            upload.add(Refusal(file.path, "name-taken", reason))
    return list(first.values())


def _send(
    put: Callable[[File], str | Refusal],
    files: Sequence[File],
    upload: Upload,
    on_progress: Progress | None,
    total: int,
) -> None:
    """Put the files, add their outcomes to `upload`, and report progress after each."""
    for outcome in _parallel(put, files):
        upload.add(outcome)
        if on_progress:
            on_progress(upload.done, total)


def _parallel(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Results in order. The first error ends it, and work that has not started is dropped."""
    with ThreadPoolExecutor(THREADS) as threads:
        try:
            yield from threads.map(work, items)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
