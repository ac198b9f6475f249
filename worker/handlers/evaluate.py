"""Evaluate jobs: score a model on the annotated images of a split, and keep its prediction for each image."""

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.catalog import PHOTOS_TO_LABELS
from models.evaluation import (
    Evaluation,
    EvaluationItem,
    ImageScore,
    OnImage,
    RgbEvaluation,
    RgbImageScore,
    constant_baseline,
    evaluate_photos,
)
from models.evaluation import evaluate as evaluate_label_maps
from store import evaluations, tables, trainings
from store.tables import Annotation, EvaluationImage, Image, new_id
from worker.attempt import Attempt
from worker.outcomes import Outcome, Permanent
from worker.pictures import put_png

Annotated = Sequence[tuple[Image, Annotation]]
Pixels = npt.NDArray[np.uint8]
Score = ImageScore | RgbImageScore


def evaluate(attempt: Attempt) -> Outcome:
    claim = attempt.claim
    model_id, split = uuid.UUID(claim.spec["model_id"]), claim.spec["split"]
    with attempt.tools.database.read() as session:
        annotated = trainings.annotated(session, claim.pool_id, split)
    if not annotated:
        raise Permanent(
            "no-annotated-images",
            f"The {split} split has no annotated image: annotate some images of it, then evaluate again.",
        )
    evaluation_id = new_id()
    images: list[EvaluationImage] = []
    ids = {image.name: image.id for image, _ in annotated}

    def keep(name: str, predicted: Pixels, score: Score) -> None:
        images.append(_kept(attempt, evaluation_id, ids[name], predicted, score))

    try:
        scored = _scored(attempt, model_id, annotated, keep)
    except ValueError as error:
        raise Permanent("cannot-evaluate", f"The evaluation cannot be made: {error}") from error
    metrics = scored.to_json()
    row = tables.Evaluation(
        id=evaluation_id,
        model_id=model_id,
        job_id=claim.job_id,
        split=split,
        direction=claim.spec["direction"],
        scorer_id=_scorer_id(claim.spec),
        test_time=_test_time(claim.spec),
        metrics=metrics,
        confusion=_confusion(scored),
    )
    return Outcome(
        {"model_id": str(model_id), "evaluation_id": str(evaluation_id), "metrics": metrics},
        lambda session: evaluations.add(session, row, images),
    )


def _confusion(scored: Evaluation | RgbEvaluation) -> list[int] | None:
    if isinstance(scored, RgbEvaluation):
        return None
    return [pixels for row in scored.confusion for pixels in row]


def _kept(
    attempt: Attempt, evaluation_id: uuid.UUID, image_id: uuid.UUID, predicted: Pixels, score: Score
) -> EvaluationImage:
    """The row of an image, after keeping its prediction."""
    png = put_png(attempt.tools.blobs, predicted)
    return EvaluationImage(
        evaluation_id=evaluation_id,
        image_id=image_id,
        score=score.score,
        scores=score.to_json(),
        sha256=png.sha256,
        size_bytes=png.size,
    )


def _scored(
    attempt: Attempt, model_id: uuid.UUID, annotated: Annotated, keep: OnImage
) -> Evaluation | RgbEvaluation:
    """The evaluation; `keep` is called for every image. Raises ValueError if it is impossible."""
    networks, spec = attempt.tools.networks, attempt.claim.spec
    translator = networks.translator(model_id, spec["direction"])
    colors = None if translator.class_table else _constant_colors(attempt)
    photos = [image.sha256 for image, _ in annotated]
    label_maps = [annotation.sha256 for _, annotation in annotated]
    with attempt.files(photos + label_maps) as paths:
        files = zip(annotated, paths[: len(photos)], paths[len(photos) :], strict=True)
        items = [EvaluationItem(image.name, photo, truth) for (image, _), photo, truth in files]
        if scorer_id := _scorer_id(spec):
            scorer = networks.translator(scorer_id, PHOTOS_TO_LABELS)
            return evaluate_photos(translator, scorer, attempt.each(items), keep)
        return evaluate_label_maps(translator, attempt.each(items), keep, colors, _test_time(spec))


def _constant_colors(attempt: Attempt) -> dict[int, tuple[int, int, int]] | None:
    """The best constant colours on the annotated train images; None if no train image is annotated."""
    with attempt.tools.database.read() as session:
        targets = trainings.annotated(session, attempt.claim.pool_id, "train")
    with attempt.files(annotation.sha256 for _, annotation in targets) as paths:
        return constant_baseline(attempt.each(paths)) if paths else None


def _scorer_id(spec: dict[str, Any]) -> uuid.UUID | None:
    return uuid.UUID(spec["scorer"]) if spec["scorer"] else None


def _test_time(spec: dict[str, Any]) -> str:
    return str(spec.get("test_time", "none"))
