"""Evaluate jobs: a model's scores on the annotated images of a split."""

import uuid

from models.evaluation import EvaluationItem
from models.evaluation import evaluate as score
from store import trainings
from store.tables import new_id
from worker.attempt import Attempt, Outcome
from worker.endings import Permanent


def evaluate(attempt: Attempt) -> Outcome:
    claim, tools = attempt.claim, attempt.tools
    model_id, split = uuid.UUID(claim.spec["model_id"]), claim.spec["split"]
    with tools.database.read() as session:
        annotated = trainings.annotated(session, claim.pool_id, split)
    if not annotated:
        raise Permanent(
            "no-annotated-images",
            f"The {split} split has no annotated image: annotate some of it, then evaluate again.",
        )
    translator = tools.loaded.translator(model_id)
    photos = [image.sha256 for image, _ in annotated]
    label_maps = [annotation.sha256 for _, annotation in annotated]
    with attempt.files(photos + label_maps) as paths:
        items = [
            EvaluationItem(image.name, photo, label_map)
            for (image, _), photo, label_map in zip(
                annotated, paths[: len(annotated)], paths[len(annotated) :], strict=True
            )
        ]
        evaluation = score(translator, attempt.each(items))
    metrics = evaluation.to_json()

    evaluation_id = new_id()
    return Outcome(
        {"model_id": str(model_id), "evaluation_id": str(evaluation_id), "metrics": metrics},
        lambda session: trainings.add_evaluation(
            session,
            id=evaluation_id,
            model_id=model_id,
            job_id=claim.job_id,
            split=split,
            metrics=metrics,
        ),
    )
