"""Remove rows of selections, models, jobs and unpaired label maps. Receipts stay, in their last events."""

import uuid

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from store import events, job_parts
from store.references import digests_in, leave
from store.tables import (
    Assignment,
    Evaluation,
    EvaluationImage,
    Event,
    Explanation,
    Job,
    LabelMap,
    Model,
    ModelFile,
    Selection,
    Uncertainty,
)


def remove_selection(session: Session, selection: Selection) -> None:
    of_this = Explanation.selection_id == selection.id
    files = session.scalars(select(Explanation.files).where(of_this)).all()
    explained = session.scalars(select(Explanation.job_id).where(of_this)).all()
    session.execute(delete(Explanation).where(of_this))
    for job in session.scalars(select(Job).where(Job.id.in_(explained))).all():
        session.delete(job)
    session.execute(delete(Assignment).where(Assignment.selection_id == selection.id))
    picks = [pick["image_id"] for pick in selection.document["picks"]]
    receipt = {"receipt": selection.document["receipt"], "picks": picks}
    events.add(session, selection.pool_id, "removed", "selection", selection.id, **receipt)
    session.delete(selection)
    session.flush()
    leave(session, digests_in(*files))


def remove_model(session: Session, model: Model) -> None:
    of_this = ModelFile.model_id == model.id
    digests = set(session.scalars(select(ModelFile.sha256).where(of_this)))
    digests |= _remove_evaluations(session, Evaluation.model_id == model.id)
    session.execute(update(Evaluation).where(Evaluation.scorer_id == model.id).values(scorer_id=None))
    session.execute(delete(Uncertainty).where(Uncertainty.model_id == model.id))
    session.execute(delete(ModelFile).where(of_this))
    receipt = {"name": model.name, "method": model.method, "receipt": model.receipt}
    events.add(session, model.pool_id, "removed", "model", model.id, **receipt)
    session.delete(model)
    session.flush()
    leave(session, digests)


def remove_job(session: Session, job: Job) -> None:
    """Remove a job that has ended, with its evaluation or explanation. It must have made nothing else."""
    digests = digests_in(job.spec, job.result)
    digests |= _remove_evaluations(session, Evaluation.job_id == job.id)
    explanations = Explanation.job_id == job.id
    digests |= digests_in(*session.scalars(select(Explanation.files).where(explanations)))
    session.execute(delete(Explanation).where(explanations))
    job_parts.remove(session, [job.id])
    events.add(session, job.pool_id, "removed", "job", job.id, kind_of_job=job.kind, state=job.state)
    session.delete(job)
    session.flush()
    leave(session, digests)


def remove_label_map(session: Session, label_map: LabelMap) -> None:
    session.execute(update(Event).where(Event.subject_id == label_map.id).values(details={}))
    events.add(session, label_map.pool_id, "removed", "label_map", label_map.id)
    session.delete(label_map)
    session.flush()
    leave(session, filter(None, [label_map.sha256, label_map.original_sha256]))


def _remove_evaluations(session: Session, condition: ColumnElement[bool]) -> set[str]:
    ids: list[uuid.UUID] = list(session.scalars(select(Evaluation.id).where(condition)))
    of_these = EvaluationImage.evaluation_id.in_(ids)
    digests = set(session.scalars(select(EvaluationImage.sha256).where(of_these)))
    session.execute(delete(EvaluationImage).where(of_these))
    session.execute(delete(Evaluation).where(Evaluation.id.in_(ids)))
    return digests
