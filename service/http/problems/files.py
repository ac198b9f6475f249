"""Files of photos and label maps."""

from service.http.problems.base import Problem
from service.http.problems.requests import DiskFull, QuotaReached


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


class PhotoSize(Problem, status=422):
    """The photo and the one that it replaces have different sizes."""


class LabelMapFormat(Problem, status=422):
    """A label map must be of a format that keeps pixels exactly."""


class LabelMapMode(Problem, status=422):
    """A label map must have class colours or one channel of class numbers."""


class LabelMapSize(Problem, status=422):
    """The label map and its image have different sizes."""


class LabelMapUnknownClass(Problem, status=422):
    """The label map contains a number that is not a class."""


class LabelMapUnknownColor(Problem, status=422):
    """The label map contains a colour that is not a class's."""


class LabelMapAmbiguous(Problem, status=422):
    """The label map can be read in two ways."""


class LabelMapEmpty(Problem, status=422):
    """The label map has no labelled pixel."""


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
