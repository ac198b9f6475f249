"""Suggest jobs: propose a label map for a photo, learned from finished photos and strokes, or by a model."""

import uuid
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from models import suggestion
from models.images.palette import ClassTable
from models.images.photos import read_label_map, read_photo
from models.suggestion import Suggestion, doubt_of
from store import trainings
from store.tables import Image, Pool
from worker.attempt import Attempt
from worker.outcomes import Outcome, Permanent
from worker.pictures import put_png


def suggest(attempt: Attempt) -> Outcome:
    spec = attempt.claim.spec
    with attempt.tools.database.read() as session:
        image = session.get(Image, uuid.UUID(spec["image_id"]))
    if image is None or image.gone_at is not None:
        raise Permanent("image-deleted", "The photo was deleted: there is nothing to label.")
    found = _by_model(attempt, image) if "model_id" in spec else _learned(attempt, image)
    attempt.lease.check()
    files = {"label_map": found.label_map, "doubt": found.doubt}
    return Outcome({name: asdict(put_png(attempt.tools.blobs, map)) for name, map in files.items()})


def _by_model(attempt: Attempt, image: Image) -> Suggestion:
    """Raises Permanent if the model predicts no classes, or the photo cannot be read."""
    translator = attempt.tools.networks.translator(
        uuid.UUID(attempt.claim.spec["model_id"]), "photos_to_labels"
    )
    with attempt.files([image.sha256]) as [path]:
        try:
            translation = translator.translate(read_photo(path))
        except ValueError as error:
            raise Permanent("unusable-model", f"{image.name}: {error}") from error
    if translation.label_map is None or translation.doubtful is None:
        raise Permanent("unusable-model", "The model predicts images without classes: use another one.")
    doubtful = translation.doubtful.astype(np.uint8) * np.uint8(255)
    doubt = doubtful if translation.confidence is None else doubt_of(translation.confidence)
    return Suggestion(translation.label_map, doubt)


def _learned(attempt: Attempt, image: Image) -> Suggestion:
    spec, seen = attempt.claim.spec, attempt.tools.seen_photos
    with attempt.tools.database.read() as session:
        table = ClassTable.from_json(session.get_one(Pool, image.pool_id).class_table or {})
        try:
            pairs = trainings.pairs(session, spec["pairs"])
        except LookupError as error:
            raise Permanent("pairs-deleted", f"A finished photo is gone: {error}. Ask again.") from error
    photo = seen.photo(attempt.files, image)
    finished = [seen.finished(attempt.files, other, annotation, table) for other, annotation in pairs]
    strokes = _strokes(attempt, image, table)
    attempt.lease.check()
    return suggestion.suggest(photo, len(table.names), finished, strokes)


def _strokes(attempt: Attempt, image: Image, table: ClassTable) -> npt.NDArray[np.uint8]:
    """Class indices of the strokes (H, W), of the photo's size."""
    digest = attempt.claim.spec["strokes"]
    if digest is None:
        return np.full((image.height, image.width), table.ignore, np.uint8)
    with attempt.files([digest]) as [path]:
        return read_label_map(path)
