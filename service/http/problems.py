"""One class for each way to refuse a request (RFC 9457). `service.http.render` answers with them."""

from typing import Any, ClassVar


class Problem(Exception):
    """A refusal: `detail` says what is wrong with this request and what to do about it."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, **extras: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extras = extras
        self.headers: dict[str, str] = {}

    def with_headers(self, **headers: str) -> "Problem":
        """Add response headers; a name has `_` in place of `-`."""
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self


class BadRequest(Problem):
    status, slug = 400, "bad-request"
    title = "The request cannot be understood"


class NotFound(Problem):
    status, slug = 404, "not-found"
    title = "There is nothing at this address"


class MethodNotAllowed(Problem):
    status, slug = 405, "method-not-allowed"
    title = "This address does not accept this method"


class UnsupportedMediaType(Problem):
    status, slug = 415, "unsupported-media-type"
    title = "This address does not accept a body of this type"


class Validation(Problem):
    status, slug = 422, "validation"
    title = "A parameter or a field of the body is not valid"


class InternalError(Problem):
    status, slug = 500, "internal-error"
    title = "The service failed; the request can be repeated"


class Unavailable(Problem):
    status, slug = 503, "unavailable"
    title = "The service cannot do this now; try again in a moment"


class DiskFull(Problem):
    status, slug = 507, "disk-full"
    title = "The disk is full; nothing of this upload was kept"


# Names and pools


class InvalidName(Problem):
    status, slug = 422, "invalid-name"
    title = "The name cannot be used"


class PoolNameTaken(Problem):
    status, slug = 409, "pool-name-taken"
    title = "Another pool has this name"


class InvalidClassTable(Problem):
    status, slug = 422, "invalid-class-table"
    title = "The class table is not valid"


class NameTaken(Problem):
    status, slug = 409, "name-taken"
    title = "This name is already used for other content"


# Files


class FileTooLarge(Problem):
    status, slug = 413, "file-too-large"
    title = "The body is larger than this server accepts"


class NotAnImage(Problem):
    status, slug = 422, "not-an-image"
    title = "The file is not an image"


class UnsupportedFormat(Problem):
    status, slug = 422, "unsupported-format"
    title = "This service does not accept images of this format"


class TruncatedImage(Problem):
    status, slug = 422, "truncated-image"
    title = "The image is incomplete or damaged"


class TooManyPixels(Problem):
    status, slug = 422, "too-many-pixels"
    title = "The image has too many pixels"


class UndecodableImage(Problem):
    status, slug = 422, "undecodable-image"
    title = "Decoding the file takes too much memory or time"


class AnimatedImage(Problem):
    status, slug = 422, "animated-image"
    title = "The file holds more than one picture"


class UnsupportedBitDepth(Problem):
    status, slug = 422, "unsupported-bit-depth"
    title = "The image does not have 8 bits per channel"


class UnsupportedColorMode(Problem):
    status, slug = 422, "unsupported-color-mode"
    title = "The image is neither RGB nor grey"


class AlphaChannel(Problem):
    status, slug = 422, "alpha-channel"
    title = "The image has an alpha channel"


class ExifRotated(Problem):
    status, slug = 422, "exif-rotated"
    title = "The image is stored rotated"


class LabelMapFormat(Problem):
    status, slug = 422, "label-map-format"
    title = "A label map must be a PNG"


class LabelMapMode(Problem):
    status, slug = 422, "label-map-mode"
    title = "A label map must have one channel of class ids"


class LabelMapSize(Problem):
    status, slug = 422, "label-map-size"
    title = "The label map and its image have different sizes"


class LabelMapUnknownClass(Problem):
    status, slug = 422, "label-map-unknown-class"
    title = "The label map contains an id that is not a class"


class ArchiveUnreadable(Problem):
    status, slug = 422, "archive-unreadable"
    title = "The archive cannot be read"


class ArchiveUnsafeEntry(Problem):
    status, slug = 422, "archive-unsafe-entry"
    title = "The archive contains an entry that is not a regular file inside it"


class ArchiveBomb(Problem):
    status, slug = 422, "archive-bomb"
    title = "The archive unpacks to more than this server accepts"


# Selections


class InvalidBudget(Problem):
    status, slug = 422, "invalid-budget"
    title = "The budget is not a number from 1 to 10,000"


class BudgetExceedsPool(Problem):
    status, slug = 409, "budget-exceeds-pool"
    title = "The budget is larger than the number of images that can be picked"


class PoolEmpty(Problem):
    status, slug = 409, "pool-empty"
    title = "The pool has no image for this request"


class PoolNotEmbedded(Problem):
    status, slug = 409, "pool-not-embedded"
    title = "Some images are not embedded yet"


class ImageNotEmbedded(Problem):
    status, slug = 409, "image-not-embedded"
    title = "The image could not be embedded"


class InvalidSelection(Problem):
    status, slug = 422, "invalid-selection"
    title = "The selection cannot be made as described"


# Assignments


class NoSelection(Problem):
    status, slug = 409, "no-selection"
    title = "The pool has no selection"


class NoFreePick(Problem):
    status, slug = 409, "no-free-pick"
    title = "No pick is free"


class AssignmentEnded(Problem):
    status, slug = 409, "assignment-ended"
    title = "The assignment has ended"


# Annotations


class PreconditionRequired(Problem):
    status, slug = 428, "precondition-required"
    title = "The request must say which revision it replaces"


class StaleRevision(Problem):
    status, slug = 412, "stale-revision"
    title = "There is a newer revision"


class AnnotationExists(Problem):
    status, slug = 412, "annotation-exists"
    title = "The image already has an annotation"


# Jobs and models


class InvalidTraining(Problem):
    status, slug = 422, "invalid-training"
    title = "The training cannot be made as described"


class InvalidEvaluation(Problem):
    status, slug = 422, "invalid-evaluation"
    title = "The evaluation cannot be made as described"


class InvalidModel(Problem):
    status, slug = 422, "invalid-model"
    title = "The file is not a model"


class NoSuchDirection(Problem):
    status, slug = 409, "no-such-direction"
    title = "The model does not translate in this direction"


class NoAnnotations(Problem):
    status, slug = 409, "no-annotations"
    title = "No image is annotated"


class NoUnpairedLabelMaps(Problem):
    status, slug = 409, "no-unpaired-label-maps"
    title = "The pool has no label map to learn from"


class IdempotencyKeyReused(Problem):
    status, slug = 422, "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another request"


class NotCancellable(Problem):
    status, slug = 409, "not-cancellable"
    title = "Jobs of this kind cannot be cancelled"


class JobNotFinished(Problem):
    status, slug = 409, "job-not-finished"
    title = "The job has not ended yet"


class JobFailed(Problem):
    status, slug = 409, "job-failed"
    title = "The job ended without a result"


PHOTO_PROBLEMS: tuple[type[Problem], ...] = (
    NotAnImage,
    UnsupportedFormat,
    TruncatedImage,
    TooManyPixels,
    UndecodableImage,
    AnimatedImage,
    UnsupportedBitDepth,
    UnsupportedColorMode,
    AlphaChannel,
    ExifRotated,
    FileTooLarge,
    DiskFull,
)
LABEL_MAP_PROBLEMS: tuple[type[Problem], ...] = (
    LabelMapFormat,
    LabelMapMode,
    LabelMapUnknownClass,
    *PHOTO_PROBLEMS,
)

BY_SLUG: dict[str, type[Problem]] = {problem.slug: problem for problem in Problem.__subclasses__()}
