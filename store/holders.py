"""What a blob is, in words: the rows that name it, and what a person can do if its bytes are gone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from store.references import digests_in
from store.tables import (
    Annotation,
    ArchivePart,
    Draft,
    EvaluationImage,
    Explanation,
    Image,
    Job,
    JobSample,
    LabelMap,
    Model,
    ModelFile,
    PhotoFeatures,
    Pool,
    Shard,
)

MADE_ANEW = "`fewpairs doctor --repair` has it made anew."
SENT_AGAIN = "Send the same file again, which puts its bytes back, or restore them from a backup"
ADVICE = {
    "photo": f"{SENT_AGAIN}; or delete the photo.",
    "label map": f"{SENT_AGAIN}; or annotate the photo again.",
    "unpaired label map": f"{SENT_AGAIN}; or delete the label map.",
    "model": "Restore the file from a backup; or delete the model, and train or import it again.",
    "sample": "`fewpairs doctor --repair` forgets the picture.",
    "prediction": "Evaluate the model again.",
    "draft": "Nothing that counts is lost: draw it again.",
    "embeddings": MADE_ANEW,
    "features": MADE_ANEW,
    "explanation": MADE_ANEW,
    "output": MADE_ANEW,
    "import": "Send the archive again.",
}


@dataclass(frozen=True)
class Holder:
    """A row that names a blob."""

    kind: str
    """A key of ADVICE."""
    name: str
    row: Any

    def __str__(self) -> str:
        return f"the {self.kind} {self.name}"


def about_damage(session: Session, sha256: str) -> str:
    """A sentence for the user whose job has met a damaged blob: what it is, and what to do."""
    found = of(session, sha256)
    if not found:
        return f"The blob {sha256} is damaged on disk, and nothing names it any more: try again."
    names = ", ".join(map(str, found[:3])) + (f" and {len(found) - 3} others" if len(found) > 3 else "")
    return (
        f"The bytes of {names} are damaged on disk: they are not the ones that were stored (SHA-256 "
        f"{sha256}). {ADVICE[found[0].kind]} `fewpairs doctor` finds whatever else is damaged."
    )


def of(session: Session, sha256: str) -> list[Holder]:
    """The rows that name a blob, in the order of ADVICE."""
    found = [*_drawn(session, sha256), *_made(session, sha256), *_documents(session, sha256)]
    return sorted(found, key=lambda holder: list(ADVICE).index(holder.kind))


def _drawn(session: Session, sha256: str) -> Iterator[Holder]:
    """Photos and label maps."""
    for image, pool in session.execute(select(Image, Pool.name).join(Pool).where(Image.sha256 == sha256)):
        yield Holder("photo", f"{image.name} of the pool {pool}", image)
    annotated = select(Annotation, Image.name, Pool.name).join(Image, Image.id == Annotation.image_id)
    for annotation, image_name, pool in session.execute(
        annotated.join(Pool, Pool.id == Image.pool_id).where(_is_drawn(Annotation, sha256))
    ):
        name = f"of {image_name} of the pool {pool} (revision {annotation.revision})"
        yield Holder("label map", name, annotation)
    unpaired = select(LabelMap, Pool.name).join(Pool).where(_is_drawn(LabelMap, sha256))
    for label_map, pool in session.execute(unpaired):
        name = f"{label_map.name} (source {label_map.source}) of the pool {pool}"
        yield Holder("unpaired label map", name, label_map)


def _made(session: Session, sha256: str) -> Iterator[Holder]:
    """What jobs have made of photos."""
    shards = select(Shard).where(or_(Shard.sha256 == sha256, Shard.patches_sha256 == sha256))
    for shard in session.scalars(shards):
        yield Holder("embeddings", f"of {len(shard.image_ids)} photos (shard {shard.id})", shard)
    for kind, table in (("features", PhotoFeatures), ("prediction", EvaluationImage), ("draft", Draft)):
        made = select(table, Image.name).join(Image, Image.id == table.image_id)
        for row, name in session.execute(made.where(table.sha256 == sha256)):
            yield Holder(kind, f"of {name}", row)
    for sample in session.scalars(select(JobSample).where(JobSample.sha256 == sha256)):
        yield Holder("sample", f"of the training {sample.job_id} after step {sample.step}", sample)
    files = select(ModelFile, Model.name).join(Model, Model.id == ModelFile.model_id)
    for file, model in session.execute(files.where(ModelFile.sha256 == sha256)):
        yield Holder("model", f"{model or file.model_id} (its file {file.name})", file)


def _documents(session: Session, sha256: str) -> Iterator[Holder]:
    """Explanations, results of jobs, and parts of archives."""
    for explanation in session.scalars(select(Explanation)):
        if sha256 in digests_in(explanation.files):
            yield Holder("explanation", f"of the selection {explanation.selection_id}", explanation)
    for job in _jobs(session):
        if sha256 in digests_in(job.spec, job.result):
            yield Holder("output", f"of the job {job.id} ({job.kind})", job)
    for part in session.scalars(select(ArchivePart).where(ArchivePart.sha256 == sha256)):
        yield Holder("import", f"of a pool ({part.kind} of the archive {part.archive})", part)


def _jobs(session: Session) -> Iterable[Job]:
    return session.scalars(select(Job).where(Job.kind.not_in(("embed", "select", "train", "evaluate"))))


def _is_drawn(table: type[Annotation] | type[LabelMap], sha256: str) -> Any:
    return or_(table.sha256 == sha256, table.original_sha256 == sha256)
