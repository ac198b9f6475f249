"""Photos as suggestions see them, which stay in memory between jobs; their features are kept as blobs."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from models.catalog import TrainingSpec
from models.images.aspect import working_size
from models.images.palette import ClassTable
from models.suggestion import SIZE, SeenPhoto
from models.training.feature_data import View
from models.training.feature_store import FeaturesFile, FeatureStore
from models.training.logistic import Rows
from store import photo_features
from store.blobs import Blobs, put_file
from store.database import Database
from store.suggestions import MOST_FINISHED
from store.tables import Annotation, Image, PhotoFeatures
from worker.cache.networks import Networks
from worker.outcomes import Permanent

Value = TypeVar("Value")
Files = Callable[[Iterable[str]], AbstractContextManager[list[Path]]]
"""`Attempt.files`: copies of blobs."""

MOST_PHOTOS = 8
"""Photos in memory, about 2 MB each; of finished photos, twice as many as a suggestion takes, 3 MB each."""


class SeenPhotos:
    """The photos that were looked at last."""

    def __init__(self, database: Database, blobs: Blobs, networks: Networks) -> None:
        self._database, self._blobs, self._networks = database, blobs, networks
        self._photos: dict[Any, SeenPhoto] = {}
        self._finished: dict[Any, Rows] = {}

    def photo(self, files: Files, image: Image) -> SeenPhoto:
        """Raises Permanent if the photo cannot be read."""
        return _kept(self._photos, MOST_PHOTOS, image.sha256, lambda: self._look(files, image))

    def finished(self, files: Files, image: Image, annotation: Annotation, table: ClassTable) -> Rows:
        """What can be learned from a label map. Raises Permanent if a file cannot be read."""

        def learn() -> Rows:
            seen = self._look(files, image)
            with files([annotation.sha256]) as [label_map]:
                try:
                    return seen.finished(label_map, table)
                except ValueError as error:
                    raise Permanent("unusable-label-map", f"{image.name}: {error}") from error

        key = (image.sha256, annotation.sha256, table)
        return _kept(self._finished, 2 * MOST_FINISHED, key, learn)

    def _look(self, files: Files, image: Image) -> SeenPhoto:
        """The photo, with its features from a blob, or computed and kept as one."""
        encoder = self._networks.feature_maps(TrainingSpec.encoder)
        with files([image.sha256]) as [path]:
            store = FeatureStore(encoder, path.parent)
            size = working_size(image.height, image.width, SIZE)
            file = store.file(image.sha256, size, View().name)
            is_known = self._brought(image, file, path.parent)
            try:
                seen = SeenPhoto.of(path, store)
            except ValueError as error:
                raise Permanent("not-an-image", f"{image.name} cannot be read: {error}") from error
            if not is_known:
                self._keep(image, file, path.parent)
        return seen

    def _brought(self, image: Image, file: FeaturesFile, folder: Path) -> bool:
        """Whether the features are known; then their file is put into the folder."""
        with self._database.read() as session:
            rows = [row for _, row in photo_features.of_images(session, [image.id])]
        for row in rows:
            if (row.weights_digest, row.view) == (file.weights, file.view):
                self._blobs.fetch(row.sha256, folder / file.name)
                return True
        return False

    def _keep(self, image: Image, file: FeaturesFile, folder: Path) -> None:
        blob = put_file(self._blobs, folder / file.name)
        row = PhotoFeatures(
            image_id=image.id,
            weights_digest=file.weights,
            view=file.view,
            sha256=blob.sha256,
            size_bytes=blob.size,
        )
        with self._database.write() as session:
            photo_features.add(session, [row])
            self._blobs.require(blob.sha256)


def _kept(cache: dict[Any, Value], most: int, key: Any, make: Callable[[], Value]) -> Value:
    """The value of a key, which from now on was used last."""
    value = cache.pop(key) if key in cache else make()
    cache[key] = value
    if len(cache) > most:
        del cache[next(iter(cache))]
    return value
