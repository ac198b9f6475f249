"""Sends many files at once. Skips files that the server has, and collects the files that it refuses."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from fewpairs.errors import FewpairsError
from fewpairs.photos import sha256
from fewpairs.transport import Transport

THREADS = 8
BATCH = 256
REFUSALS = frozenset({400, 409, 413, 415, 422})
"""Statuses that are about one file; any other stops the upload."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of all files."""


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and a sentence that says why."""

    path: Path
    type: str
    reason: str


@dataclass
class Upload:
    """The outcome of an upload: counts of files, and the refused ones."""

    new: int = 0
    unchanged: int = 0
    replaced: int = 0
    rejected: list[Refusal] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.new + self.unchanged + self.replaced + len(self.rejected)

    def add(self, outcome: str | Refusal) -> None:
        if isinstance(outcome, Refusal):
            self.rejected.append(outcome)
        else:
            setattr(self, outcome, getattr(self, outcome) + 1)


def upload_images(
    transport: Transport, pool_id: str, paths: Sequence[Path], split: str, on_progress: Progress | None = None
) -> Upload:
    """Send photos under their file names. Photos that the server has are not sent again."""

    def put(path: Path) -> str | Refusal:
        url = f"/pools/{pool_id}/images/{quote(_name(path), safe='')}"
        return _put(transport, url, path, params={"split": split})

    upload = Upload()
    unique = _without_namesakes(paths, upload)
    for start in range(0, len(unique), BATCH):
        batch = unique[start : start + BATCH]
        missing, held = _missing(transport, pool_id, split, batch)
        upload.unchanged += held
        _send(put, missing, upload, on_progress, len(paths))
        if on_progress:
            on_progress(upload.done, len(paths))
    return upload


def _missing(transport: Transport, pool_id: str, split: str, batch: Sequence[Path]) -> tuple[list[Path], int]:
    """The files to send, and the number of files that the server has.

    Unreadable files, and names that the pool has with other bytes or in the other split, are sent all the
    same: sending them gives the reason why they are refused.
    """

    def digest(path: Path) -> str | None:
        try:
            return sha256(path)
        except OSError:
            return None

    digests = dict(zip(batch, _parallel(digest, batch), strict=True))
    files = [{"name": _name(path), "sha256": digest} for path, digest in digests.items() if digest]
    listing = {"split": split, "files": files}
    try:
        answer = transport.json("POST", f"/pools/{pool_id}/missing", json=listing)
    except FewpairsError as error:
        if error.status != 422:
            raise
        return list(batch), 0  # a name is not valid: sending the files tells which
    to_send = {*answer["missing"], *answer["conflicts"]}
    missing = [path for path in batch if digests[path] is None or _name(path) in to_send]
    return missing, len(batch) - len(missing)


def upload_label_maps(
    transport: Transport,
    pool_id: str,
    paths: Sequence[Path],
    source: str,
    on_progress: Progress | None = None,
) -> Upload:
    """Send unpaired label maps under their file names. Label maps that the server has are not sent again."""
    listed = transport.items(f"/pools/{pool_id}/labels", source=source)
    held = {item["name"]: item["original_sha256"] for item in listed}

    def put(path: Path) -> str | Refusal:
        name = _name(path)
        if name in held and held[name] == sha256(path):
            return "unchanged"
        url = f"/pools/{pool_id}/labels/{quote(name, safe='')}"
        return _put(transport, url, path, params={"source": source})

    upload = Upload()
    _send(put, _without_namesakes(paths, upload), upload, on_progress, len(paths))
    return upload


def upload_annotations(
    transport: Transport,
    pool_id: str,
    paths: Sequence[Path],
    replace: bool = False,
    on_progress: Progress | None = None,
) -> Upload:
    """Send each label map as the annotation of the image of the same stem (`0001.png` for `0001.jpg`)."""
    images: dict[str, list[dict[str, Any]]] = {}
    for image in transport.items(f"/pools/{pool_id}/images"):
        images.setdefault(Path(image["name"]).stem, []).append(image)

    def put(path: Path) -> str | Refusal:
        matches = images.get(Path(_name(path)).stem, [])
        if not matches:
            return Refusal(path, "no-image", "The pool has no image of this stem.")
        if len(matches) > 1:
            names = ", ".join(image["name"] for image in matches)
            return Refusal(path, "ambiguous-stem", f"More than one image has this stem: {names}.")
        return _annotate(transport, matches[0], path, replace)

    upload = Upload()
    _send(put, paths, upload, on_progress, len(paths))
    return upload


def _annotate(transport: Transport, image: dict[str, Any], path: Path, replace: bool) -> str | Refusal:
    """One conditional PUT. After a 412 the bytes are compared: our own request may have been repeated."""
    url = f"/images/{image['id']}/annotation"

    def put(precondition: dict[str, str]) -> str | Refusal | None:
        try:
            return _put(transport, url, path, headers=precondition)
        except FewpairsError as error:
            if error.status == 412:
                return None
            raise

    def held() -> tuple[str, bool]:
        current = transport.request("GET", url, params={"original": 1})
        return current.headers["ETag"], hashlib.sha256(current.content).hexdigest() == sha256(path)

    if image["annotation_revision"] is None and (outcome := put({"If-None-Match": "*"})):
        return outcome
    etag, is_same = held()
    if is_same:
        return "unchanged"
    if not replace:
        revision = etag.strip('"')
        reason = f"Its image has another label map (revision {revision}): keep it, or use --replace."
        return Refusal(path, "annotation-exists", reason)
    outcome = put({"If-Match": etag})
    if isinstance(outcome, Refusal):
        return outcome
    if outcome or held()[1]:
        return "replaced"
    return Refusal(
        path, "stale-revision", "Somebody else has just replaced its label map: look at the new one."
    )


def _put(transport: Transport, url: str, path: Path, **options: Any) -> str | Refusal:
    try:
        response = transport.request("PUT", url, file=path, **options)
    except FewpairsError as error:
        if error.status not in REFUSALS:
            raise
        return Refusal(path, error.type, error.detail)
    except OSError as error:
        return Refusal(path, "unreadable", f"The file cannot be read: {error.strerror}.")
    return "new" if response.status_code == 201 else "unchanged"


def _name(path: Path) -> str:
    """The file's name in NFC, as the server keeps it: file systems differ in how they write accents."""
    return unicodedata.normalize("NFC", path.name)


def _without_namesakes(paths: Iterable[Path], upload: Upload) -> list[Path]:
    """The first file of each name. A pool has one image of a name, so the others are refused."""
    first: dict[str, Path] = {}
    for path in paths:
        kept = first.setdefault(_name(path), path)
        if kept is not path:
            upload.add(Refusal(path, "name-taken", f"{kept} has the same name: give each file its own."))
    return list(first.values())


def _send(
    put: Callable[[Path], str | Refusal],
    paths: Sequence[Path],
    upload: Upload,
    on_progress: Progress | None,
    total: int,
) -> None:
    """Put the files, add their outcomes to `upload`, and report progress after each."""
    for outcome in _parallel(put, paths):
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
