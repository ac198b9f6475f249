"""How much each image counts in a selection: by class balance, and by how unsure a model is of it."""

import uuid
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.catalog import PHOTOS_TO_LABELS
from models.images.palette import ClassTable
from models.images.photos import read_label_map
from models.weighting import class_balance, uncertainty, uncertainty_weights
from store import annotations, uncertainties
from store.question import Question
from store.selections import Embedded
from worker.attempt import Attempt
from worker.outcomes import Permanent
from worker.selection.candidates import Candidates
from worker.selection.snapshot import PoolSnapshot

PHOTOS_A_BATCH = 64

Weights = npt.NDArray[np.float64]


def weights(
    attempt: Attempt, question: Question, snapshot: PoolSnapshot, candidates: Candidates
) -> Weights | None:
    """The weight of each candidate, (N,), or None if all count the same.

    If both class balance and uncertainty are asked for, their weights are multiplied.
    """
    factors = []
    if question.balance:
        factors.append(_balance(attempt, snapshot, candidates))
    if question.model:
        factors.append(_uncertainty(attempt, uuid.UUID(question.model), candidates))
    return np.prod(factors, axis=0) if factors else None


def _balance(attempt: Attempt, snapshot: PoolSnapshot, candidates: Candidates) -> Weights:
    if snapshot.pool.class_table is None:
        raise Permanent("no-classes", "The pool has no classes to balance: ask without `balance`.")
    table = ClassTable.from_json(snapshot.pool.class_table)
    images = [candidates.images[row] for row in candidates.labelled]
    with attempt.tools.database.read() as session:
        digest_of = annotations.digests(session, snapshot.labelled)
    if len(digest_of) < len(images):
        raise Permanent(
            "annotation-missing",
            "Annotations that the class balance is computed from no longer exist: ask for a new selection.",
        )
    shares = np.empty((len(images), len(table.names)))
    with attempt.files(digest_of[image.id] for image in images) as paths:
        for place, path in enumerate(attempt.each(paths)):
            counts = np.bincount(read_label_map(path).ravel(), minlength=256)[: len(table.names)]
            shares[place] = counts / max(counts.sum(), 1)
    return class_balance(candidates.points, candidates.labelled, shares)


def _uncertainty(attempt: Attempt, model_id: uuid.UUID, candidates: Candidates) -> Weights:
    """The weights of the images that can be picked. The other images' weights are not used, and are 1."""
    rows = np.setdiff1d(
        np.arange(len(candidates.images)), np.union1d(candidates.labelled, candidates.left_out)
    )
    scores = _scores(attempt, model_id, [candidates.images[row] for row in rows])
    result = np.ones(len(candidates.images))
    result[rows] = uncertainty_weights(scores)
    return result


def _scores(attempt: Attempt, model_id: uuid.UUID, images: Sequence[Embedded]) -> Weights:
    """The uncertainty of each image, (M,), from the store or newly computed.

    New scores are stored batch by batch, so a later attempt continues from there.
    """
    tools, pool_id = attempt.tools, attempt.claim.pool_id
    with tools.database.read() as session:
        scores = uncertainties.known(session, pool_id, model_id)
    missing = [image for image in images if image.id not in scores]
    translator = tools.networks.translator(model_id, PHOTOS_TO_LABELS)
    for start in range(0, len(missing), PHOTOS_A_BATCH):
        batch = missing[start : start + PHOTOS_A_BATCH]
        with attempt.files(image.sha256 for image in batch) as paths:
            try:
                found = uncertainty(translator, attempt.each(paths, before=start, total=len(missing)))
            except ValueError as error:
                raise Permanent(
                    "unusable-model", f"The model {model_id} cannot judge photos: {error}"
                ) from error
        new = {image.id: float(score) for image, score in zip(batch, found, strict=True)}
        with tools.database.write() as session:
            uncertainties.add(session, model_id, new)
        scores |= new
    return np.array([scores[image.id] for image in images])
