"""One class for each way to refuse a request (RFC 9457). `service.http.render` answers with them.

The API shows a class's name as the problem's type, `NotFound` as `/problems/not-found`, and its docstring as
the title.
"""

import re
from typing import Any, ClassVar


class Problem(Exception):
    """A refusal: `detail` says what is wrong with this request and what to do about it."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]

    def __init_subclass__(cls, status: int) -> None:
        cls.status = status
        cls.slug = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        cls.title = (cls.__doc__ or "").removesuffix(".")

    def __init__(self, detail: str, **extras: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extras = extras
        self.headers: dict[str, str] = {}

    def with_headers(self, **headers: str) -> "Problem":
        """Add response headers; a name has `_` in place of `-`."""
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self


class BadRequest(Problem, status=400):
    """The request cannot be understood."""


class Unauthenticated(Problem, status=401):
    """The service has to know who asks."""


class Forbidden(Problem, status=403):
    """This is not allowed to whoever asks."""


class ForeignSite(Problem, status=403):
    """A page of another site made this request."""


class HostNotAllowed(Problem, status=421):
    """This service does not answer under this host name."""


class NotFound(Problem, status=404):
    """There is nothing at this address."""


class Gone(Problem, status=410):
    """It was deleted."""


class MethodNotAllowed(Problem, status=405):
    """This address does not accept this method."""


class RequestTimeout(Problem, status=408):
    """The request did not arrive in time."""


class TooManyRequests(Problem, status=429):
    """One may not use so much of the service at a time."""


class UnsupportedMediaType(Problem, status=415):
    """This address does not accept a body of this type."""


class Validation(Problem, status=422):
    """A parameter or a field of the body is not valid."""


class InternalError(Problem, status=500):
    """The service failed; the request can be repeated."""


class Unavailable(Problem, status=503):
    """The service cannot do this now; try again in a moment."""


def stopping() -> Problem:
    """The answer to a request that the end of the service cuts off."""
    return Unavailable(
        "The service is being stopped, and nothing of this request was kept: send it again in a moment."
    ).with_headers(Retry_After="5")


class BytesMissing(Problem, status=503):
    """The service cannot find the bytes that it has kept."""


class DiskFull(Problem, status=507):
    """The disk is full; nothing of this upload was kept."""


class QuotaReached(Problem, status=507):
    """You have added as much as one principal may."""


# Accounts


class TooManyAttempts(Problem, status=429):
    """Too many wrong passwords were sent for this name."""


class UserNameTaken(Problem, status=409):
    """Another user has this name."""


# Names and pools


class InvalidName(Problem, status=422):
    """The name cannot be used."""


class PoolNameTaken(Problem, status=409):
    """Another pool has this name."""


class InvalidClassTable(Problem, status=422):
    """The class table is not valid."""


class ClassInUse(Problem, status=409):
    """Something uses the class."""


class ClassTableChanged(Problem, status=409):
    """The class table has changed while the request was read."""


class NameTaken(Problem, status=409):
    """This name is already used for other content."""


class WouldLeak(Problem, status=409):
    """The test split would not be a test any more."""


# Files


class FileTooLarge(Problem, status=413):
    """The body is larger than this server accepts."""


class UploadTooLarge(Problem, status=413):
    """The request has more files, or more costly ones, than one request may have."""


class NotAnImage(Problem, status=422):
    """The file is not an image."""


class UnsupportedFormat(Problem, status=422):
    """This service does not accept images of this format."""


class TruncatedImage(Problem, status=422):
    """The image is incomplete or damaged."""


class TooManyPixels(Problem, status=422):
    """The image has too many pixels."""


class UndecodableImage(Problem, status=422):
    """Decoding the file takes too much memory or time."""


class AnimatedImage(Problem, status=422):
    """The file holds more than one picture."""


class UnsupportedBitDepth(Problem, status=422):
    """The image does not have 8 bits per channel."""


class UnsupportedColorMode(Problem, status=422):
    """The image has colours that cannot be converted."""


class TransparentImage(Problem, status=422):
    """The image is transparent in places."""


class LooksLikeLabelMap(Problem, status=422):
    """The file looks like a label map, and photos are asked for."""


class LabelMapFormat(Problem, status=422):
    """A label map must be of a format that keeps pixels exactly."""


class LabelMapMode(Problem, status=422):
    """A label map must have class colours or one channel of class numbers."""


class PhotoSize(Problem, status=422):
    """The photo and the one that it replaces have different sizes."""


class LabelMapSize(Problem, status=422):
    """The label map and its image have different sizes."""


class LabelMapUnknownClass(Problem, status=422):
    """The label map contains a number that is not a class."""


class LabelMapUnknownColor(Problem, status=422):
    """The label map contains a colour that is not a class's."""


class LabelMapAmbiguous(Problem, status=422):
    """The label map can be read in two ways."""


class InvalidImport(Problem, status=422):
    """The import cannot be made as described."""


class InvalidExport(Problem, status=422):
    """The export cannot be made as described."""


class LabelMapEmpty(Problem, status=422):
    """The label map has no labelled pixel."""


class ArchiveUnreadable(Problem, status=422):
    """The archive cannot be read."""


class ArchiveUnsafeEntry(Problem, status=422):
    """The archive contains an entry that is not a regular file inside it."""


class InvalidArchive(Problem, status=422):
    """The archive of a pool cannot be used."""


class ArchiveTooNew(Problem, status=422):
    """The archive was made by a newer version of Fewpairs."""


class ArchiveIncomplete(Problem, status=409):
    """Parts of the archive have not arrived yet."""


class ArchiveGone(Problem, status=410):
    """The archive is not kept any more."""


class PoolExists(Problem, status=409):
    """The pool is on this server already."""


class RangeNotSatisfiable(Problem, status=416):
    """The file is shorter than the range that was asked for."""


class ArchiveBomb(Problem, status=422):
    """The archive unpacks to more than this server accepts."""


# Selections


class InvalidBudget(Problem, status=422):
    """The budget is not a number from 1 to 10,000."""


class BudgetExceedsPool(Problem, status=409):
    """The budget is larger than the number of images that can be picked."""


class PoolEmpty(Problem, status=409):
    """The pool has no image for this request."""


class PoolNotEmbedded(Problem, status=409):
    """Some images are not embedded yet."""


class ImageNotEmbedded(Problem, status=409):
    """The image could not be embedded."""


class InvalidSelection(Problem, status=422):
    """The selection cannot be made as described."""


# Assignments


class NoSelection(Problem, status=409):
    """The pool has no selection."""


class NoFreePick(Problem, status=409):
    """No pick is free."""


class AssignmentEnded(Problem, status=409):
    """The assignment has ended."""


# Annotations


class PreconditionRequired(Problem, status=428):
    """The request must say which revision it replaces."""


class StaleRevision(Problem, status=412):
    """There is a newer revision."""


class AnnotationExists(Problem, status=412):
    """The image already has an annotation."""


# Jobs and models


class InvalidTraining(Problem, status=422):
    """The training cannot be made as described."""


class InvalidEvaluation(Problem, status=422):
    """The evaluation cannot be made as described."""


class InvalidModel(Problem, status=422):
    """The file is not a model."""


class NoSuchDirection(Problem, status=409):
    """The model does not translate in this direction."""


class NoAnnotations(Problem, status=409):
    """No image is annotated."""


class NoUnpairedLabelMaps(Problem, status=409):
    """The pool has no label map to learn from."""


class IdempotencyKeyReused(Problem, status=422):
    """The Idempotency-Key belongs to another request."""


class NotCancellable(Problem, status=409):
    """Jobs of this kind cannot be cancelled."""


class NotDeletable(Problem, status=409):
    """The job cannot be deleted."""


class NotFinishable(Problem, status=409):
    """The job cannot be finished early."""


class NotRepeatable(Problem, status=409):
    """The job cannot be ordered again."""


class TooManyWebhooks(Problem, status=409):
    """The pool has as many webhooks as a pool may have."""


class NothingToLearnFrom(Problem, status=409):
    """A suggestion needs a finished photo or a stroke to learn from."""


class NoClasses(Problem, status=409):
    """The pool has no classes."""


class NoModel(Problem, status=409):
    """The pool has no model yet."""


class SuggestionReplaced(Problem, status=409):
    """A newer request took the place of this one."""


class JobNotFinished(Problem, status=409):
    """The job has not ended yet."""


class JobFailed(Problem, status=409):
    """The job ended without a result."""


PHOTO_PROBLEMS: tuple[type[Problem], ...] = (
    NotAnImage,
    UnsupportedFormat,
    TruncatedImage,
    TooManyPixels,
    UndecodableImage,
    AnimatedImage,
    UnsupportedBitDepth,
    UnsupportedColorMode,
    TransparentImage,
    FileTooLarge,
    DiskFull,
    QuotaReached,
)
LABEL_MAP_PROBLEMS: tuple[type[Problem], ...] = (
    LabelMapFormat,
    LabelMapMode,
    LabelMapUnknownClass,
    LabelMapUnknownColor,
    LabelMapAmbiguous,
    LabelMapEmpty,
    *PHOTO_PROBLEMS,
)

BY_SLUG: dict[str, type[Problem]] = {problem.slug: problem for problem in Problem.__subclasses__()}
