"""Turn uploads into photos of a pool: check them, store their bytes, then add their rows in batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from uuid import UUID

from folders.archives import Entry
from folders.junk import is_junk
from folders.layout import label_map_folders, splits_of
from service.decoding.budget import Budget
from service.decoding.classes import Classes
from service.decoding.formats import EMPTY
from service.decoding.mistaken import NO_VALUES, Value
from service.deletion import holds_name
from service.http import names
from service.http.limits import too_large
from service.http.problems import NameTaken, NotAnImage, Problem, QuotaReached, Unavailable, UploadTooLarge
from service.images import multipart
from service.images.schemas import LeftOut, Rejected, Upload, Uploaded
from service.lookups import found_pool
from service.runtime import Service
from store import images, references, tables
from store.blobs import Incoming
from store.images import Added
from store.states import TRAIN

BATCH = 100
LABEL_MAPS = (
    "By its name the folder holds the label maps of the photos beside it, so its files are not taken as "
    "photos. Send them as annotations; if they are photos, send the archive with ?allow_label_maps=true."
)
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class Destination:
    """Where photos go."""

    pool_id: UUID
    split: str | None
    """None: of an archive with folders of both, what their names say; of other photos, train."""
    allow_label_maps: bool
    """Whether files are taken that look like label maps, or are in folders of label maps."""
    values: frozenset[Value]
    """The numbers and colours in label maps; none if they are allowed, or if the pool has no classes."""

    @classmethod
    def of(cls, service: Service, pool_id: UUID, split: str | None, allow_label_maps: bool) -> "Destination":
        """Raises NotFound if there is no such pool."""
        with service.database.read() as session:
            classes = Classes.of(found_pool(session, pool_id).class_table)
        asked = classes if not allow_label_maps else None
        values: frozenset[Value] = NO_VALUES
        if asked:
            values = values.union(asked.numbers, asked.colors)
        return cls(pool_id, split, allow_label_maps, values)


def accept(service: Service, to: Destination, name: str, incoming: Incoming) -> Added:
    """Add one photo. Raises a Problem, and then nothing is changed."""
    photo = _kept(service, to, name, incoming)
    [added] = _add(service, to.pool_id, [photo])
    if added.outcome == "conflict":
        raise _name_taken(added, photo.split)
    return added


def accept_archive(service: Service, to: Destination, archive: Path) -> Upload:
    """Add every photo of a zip or tar. Raises a Problem, and changes nothing, if the archive is bad."""
    intake = Intake(service, to)
    intake.archive(archive)
    return intake.answer()


def accept_form(service: Service, to: Destination, body: Path, content_type: str) -> Upload:
    """Add every file of a multipart body; for a file that is a zip or tar, the photos in it."""
    intake = Intake(service, to)
    for name, content in multipart.files(body, content_type):
        if intake.is_full:
            break
        if name.lower().endswith(ARCHIVE_ENDINGS):
            intake.archive_file(name, content)
        else:
            intake.photo(name, content)
    return intake.answer()


def without_label_maps(names: Iterable[str]) -> tuple[list[LeftOut], list[str]]:
    """The folders of label maps among files, and the names of the files that are in none of them."""
    names = list(names)
    folders = label_map_folders(names)
    within = tuple(f"{folder}/" for folder in folders)
    left_out = [LeftOut(folder=folder, files=count, reason=LABEL_MAPS) for folder, count in folders.items()]
    return left_out, [name for name in names if not name.startswith(within)]


class Intake:
    """Takes photos one by one and adds them in batches; notes a bad photo and goes on with the others."""

    def __init__(self, service: Service, to: Destination) -> None:
        self._service, self._to = service, to
        self._budget = Budget(service.settings)
        self.is_full = False
        """Whether the request may have no further file."""
        self._batch: list[tables.Image] = []
        self._answer = Upload(accepted=[], unchanged=0, rejected=[], left_out=[], junk=0)

    def photo(self, name: str, content: Iterator[bytes], split: str = TRAIN) -> None:
        """Add a photo, to `split` if the request does not say to which."""
        if is_junk(name):
            self._answer.junk += 1
            return
        try:
            self._service.quotas.require_room(len(self._batch) + 1)
            self._budget.next_file()
            first = next(content, b"")
            if not first:
                raise NotAnImage(EMPTY)
            with self._service.blobs.incoming() as incoming:
                self._write(chain([first], content), incoming, "max_image_bytes", "scale the photo down")
                to = replace(self._to, split=self._to.split or split)
                photo = _kept(self._service, to, name, incoming, self._budget)
            self._budget.accepted(photo.width * photo.height)
            self._batch.append(photo)
        except (UploadTooLarge, QuotaReached) as problem:
            self.is_full = True
            self._reject(name, problem)
        except Unavailable:
            raise
        except Problem as problem:
            self._reject(name, problem)
        if len(self._batch) >= BATCH:
            self._add_batch()

    def archive(self, path: Path) -> None:
        with self._service.decoders.archive(path, self._service.blobs) as archive:
            members = self._without_label_maps(archive.members)
            splits = splits_of(member.name for member in members if not member.is_junk)
            for member in members:
                if self.is_full:
                    break
                if member.is_junk:
                    self._answer.junk += 1
                elif member.refusal:
                    refusal = Rejected(name=member.name, **vars(member.refusal))
                    self._answer.rejected.append(refusal)
                else:
                    self.photo(member.name, archive.content(member), splits[member.name])

    def _without_label_maps(self, members: Sequence[Entry]) -> list[Entry]:
        if self._to.allow_label_maps:
            return list(members)
        self._answer.left_out, names = without_label_maps(
            member.name for member in members if not member.is_junk
        )
        photos = set(names)
        return [member for member in members if member.is_junk or member.name in photos]

    def archive_file(self, name: str, content: Iterable[bytes]) -> None:
        """Add the photos of an archive among other files; if the archive is bad, only it is rejected."""
        try:
            with self._service.blobs.incoming() as incoming:
                self._write(content, incoming, "max_archive_bytes", "send the photos in several archives")
                incoming.flush()
                self.archive(incoming.path)
        except Unavailable:
            raise
        except Problem as problem:
            self._reject(name, problem)

    def answer(self) -> Upload:
        self._add_batch()
        return self._answer

    def _write(self, content: Iterable[bytes], incoming: Incoming, limit: str, instead: str) -> None:
        settings = self._service.settings
        for chunk in content:
            if incoming.size + len(chunk) > getattr(settings, limit):
                raise too_large(settings, limit, instead)
            incoming.write(chunk)

    def _reject(self, name: str, problem: Problem) -> None:
        self._answer.rejected.append(Rejected(name=name, type=problem.slug, reason=problem.detail))

    def _add_batch(self) -> None:
        batch, self._batch = self._batch, []
        for photo, added in zip(batch, _add(self._service, self._to.pool_id, batch), strict=True):
            if added.outcome == "created":
                self._answer.accepted.append(Uploaded.added(added))
            elif added.outcome == "unchanged":
                self._answer.unchanged += 1
            else:
                self._reject(photo.name, _name_taken(added, photo.split))


def _kept(
    service: Service, to: Destination, name: str, incoming: Incoming, budget: Budget | None = None
) -> tables.Image:
    """Check a photo and store its bytes. Raises a Problem."""
    name = names.checked_path(name)
    if incoming.size == 0:
        raise NotAnImage(EMPTY)
    incoming.flush()
    checked = service.decoders.photo(incoming.path, to.values, budget)
    blob = incoming.keep()
    split = to.split or TRAIN
    return tables.Image(name=name, split=split, sha256=blob.sha256, size_bytes=blob.size, **vars(checked))


def _add(service: Service, pool_id: UUID, photos: Sequence[tables.Image]) -> list[Added]:
    if not photos:
        return []
    with service.database.write() as session:
        service.require_blobs(*(photo.sha256 for photo in photos))
        added, full = images.add(session, service.settings, pool_id, photos)
        refused = [
            photo.sha256 for photo, one in zip(photos, added, strict=True) if one.outcome == "conflict"
        ]
        references.leave(session, refused)
    created = [photo for photo, one in zip(photos, added, strict=True) if one.outcome == "created"]
    service.quotas.note(len(created), sum(photo.size_bytes for photo in created))
    service.ring(*full)
    return added


def _name_taken(added: Added, split: str) -> NameTaken:
    if added.image.gone_at is not None:
        return NameTaken(holds_name(added.image))
    if added.image.split != split:
        return NameTaken(
            f"{added.image.name} is already in the {added.image.split} split, and an image is in one split "
            "only: send this photo under another name."
        )
    return NameTaken(
        f"{added.image.name} is already in the pool with other bytes: send this photo under another name.",
        sha256=added.image.sha256,
    )
