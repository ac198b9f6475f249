"""What one request may make the service do."""

from service.decoding.deadline import PIXELS_A_SECOND
from service.http.limits import how_to_raise
from service.http.problems import UploadTooLarge
from store.settings import Settings

SECONDS = 60.0
"""Of CPU time, beside those that the pixels of accepted photos need."""


class Budget:
    """Counts the files, pixels and seconds of one request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._files = self._pixels = 0
        self._seconds = 0.0

    def spend(self, seconds: float) -> None:
        """Seconds of CPU time that were spent on a file."""
        self._seconds += seconds

    def accepted(self, pixels: int) -> None:
        self._pixels += pixels

    def next_file(self) -> None:
        """Raise UploadTooLarge if the request may have no further file."""
        settings = self._settings
        self._files += 1
        if self._files > settings.max_archive_entries:
            raise self._spent(f"{settings.max_archive_entries:,} files", "max_archive_entries")
        if self._pixels > settings.max_archive_pixels:
            raise self._spent(f"{settings.max_archive_pixels:,} pixels", "max_archive_pixels")
        if self._seconds > SECONDS + self._pixels / PIXELS_A_SECOND:
            raise UploadTooLarge(
                f"Decoding the files before this one took {self._seconds:.0f} seconds, much more than photos "
                "of their size need. This file and those after it were not read: send them again in another "
                "request."
            )

    def _spent(self, most: str, field: str) -> UploadTooLarge:
        return UploadTooLarge(
            f"One request may have {most}{how_to_raise(self._settings, field)}. This file and those after it "
            "were not read: send them in another request."
        )
