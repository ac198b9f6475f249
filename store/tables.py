"""The tables. Rows refer to each other only by ids; queries in this room join them."""

import uuid
from datetime import datetime
from typing import Any

import uuid6
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from store import actors
from store.clock import UtcDateTime, from_now
from store.states import ASSIGNMENT_STATES, JOB_STATES, ROLES, SPLITS, Role

SCHEMA = "0028"
"""The revision of the newest migration, which makes these tables."""


def new_id() -> uuid.UUID:
    """A UUIDv7: later ids sort later, which keyset pages rely on."""
    return uuid.UUID(int=uuid6.uuid7().int)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[int]: JSON,
    }


class Row(Base):
    __abstract__ = True

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=from_now(0))


class Deletable(Row):
    __abstract__ = True

    gone_at: Mapped[datetime | None] = mapped_column(index=True)
    """Until when it can be taken back that this was deleted. None: it is not deleted."""


class Principal(Row):
    """Who asks: a person or a program."""

    __tablename__ = "principals"

    name: Mapped[str] = mapped_column(String(100), unique=True)
    admin: Mapped[bool] = mapped_column(default=False, server_default=false())
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """Argon2, with its salt and parameters. None: no password opens this account."""
    disabled_at: Mapped[datetime | None]
    """Since when none of its credentials counts."""


class ApiKey(Row):
    """A key of a principal, of which only the digest is kept."""

    __tablename__ = "api_keys"

    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(20), unique=True)
    """How the key begins: enough to find it and to recognise it, of no use to guess it."""
    digest: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    """To the minute."""


class LoginSession(Row):
    """A browser in which somebody is logged in, of whose cookie only the digest is kept."""

    __tablename__ = "sessions"

    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Pool(Deletable):
    """A set of photos with one class table (None for an `rgb` pool) and one encoder."""

    __tablename__ = "pools"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    class_table: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    encoder: Mapped[str] = mapped_column(String(100))
    weights_digest: Mapped[str | None] = mapped_column(String(64))
    """Set by the first shard; a worker whose weights differ refuses the pool."""
    default_strategy: Mapped[str | None] = mapped_column(String(20))
    """The strategy of a selection that names none; None: the service's default."""
    removed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether nothing is left of it but this row and its events."""
    label_mapping: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What people said that labels of imports mean: the position of a class, or None for unlabelled."""


class Membership(Base):
    """What a principal may do in a pool."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), primary_key=True)
    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(String(10))


class Contributed(Row):
    """What somebody adds to a pool, within their quota."""

    __abstract__ = True

    added_by: Mapped[uuid.UUID | None] = mapped_column(
        default=lambda: actors.current().principal_id, index=True
    )
    """The principal who did. None: not known, or the program by itself."""


class Shard(Row):
    """An immutable block of embeddings: one `.npy` blob, float16 (len(image_ids), dimension)."""

    __tablename__ = "shards"

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    image_ids: Mapped[list[str]]
    """Hexadecimal image ids in row order."""
    patches_sha256: Mapped[str | None] = mapped_column(String(64))
    """A `.npy` blob of patch features, float16 (len(image_ids), patches, dimension). None: not computed."""


class Image(Contributed, Deletable):
    """One photo of a pool."""

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("pool_id", "name"),
        Index(None, "pool_id", "id"),
        Index(None, "pool_id", "sha256"),
        Index(
            "ix_images_waiting",
            "pool_id",
            "split",
            sqlite_where=text("shard_id IS NULL AND embed_error IS NULL"),
            postgresql_where=text("shard_id IS NULL AND embed_error IS NULL"),
        ),
        CheckConstraint(f"split IN {SPLITS}", name="split"),
    )

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    name: Mapped[str] = mapped_column(String(255))
    split: Mapped[str] = mapped_column(String(5))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(50))
    width: Mapped[int]
    height: Mapped[int]
    embed_job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), index=True)
    shard_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("shards.id"))
    excluded: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it is left out of selections, trainings and evaluations."""
    embed_error: Mapped[str | None]
    """Why the worker could not embed the image, although the service accepted it."""


class DrawnLabels(Contributed):
    """A label map. Its blob is what counts: with classes, a grey PNG of positions in the class table."""

    __abstract__ = True

    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(50))
    original_sha256: Mapped[str | None] = mapped_column(String(64))
    """The bytes as they were sent. None: the same as what counts."""
    original_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    original_media_type: Mapped[str | None] = mapped_column(String(50))
    class_pixels: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """Pixels of each class, by position. None: not counted (no classes, or an older row)."""
    unlabelled_pixels: Mapped[int | None] = mapped_column(BigInteger)


class LabelMap(DrawnLabels, Deletable):
    """An unpaired label map. Names are unique within a source: a data set, or a program that draws."""

    __tablename__ = "label_maps"
    __table_args__ = (UniqueConstraint("pool_id", "source", "name"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    source: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(255))
    width: Mapped[int]
    height: Mapped[int]


class Annotation(DrawnLabels):
    """An accepted label map of an image; revisions count from 1 and the newest counts."""

    __tablename__ = "annotations"
    __table_args__ = (UniqueConstraint("image_id", "revision"),)

    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"))
    revision: Mapped[int]
    withdrawn: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The revision takes the label map before it back, whose columns it repeats: the image has none again."""
    active_seconds: Mapped[float | None]
    """How long a person worked on it. None: not measured."""


class Draft(Base):
    """Somebody's unfinished label map of an image; nothing learns from it or counts it."""

    __tablename__ = "drafts"

    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    principal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("principals.id"), primary_key=True, index=True)
    revision: Mapped[int | None]
    """The revision of the annotation that it goes on from. None: the image had no annotation."""
    active_seconds: Mapped[float] = mapped_column(default=0)
    class_pixels: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """As of label maps that count."""
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(50))
    updated_at: Mapped[datetime] = mapped_column(index=True)


class Event(Row):
    """Something that somebody did."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "pool_id", "id"), Index(None, "principal_id", "id"))

    pool_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pools.id"))
    """None: it concerns no pool."""
    action: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    """What was acted on, as `store.events` names it."""
    subject_id: Mapped[uuid.UUID] = mapped_column(index=True)
    """Its id, which may belong to no row any more; that of an annotation is the id of its image, and that of
    several things at once is the id of what they are in."""
    details: Mapped[dict[str, Any]]
    principal_id: Mapped[uuid.UUID | None]
    """Who did it. None: not known, or the program by itself."""
    address: Mapped[str | None] = mapped_column(String(45))
    """The network address that the request came from."""


class Job(Deletable):
    """A durable unit of work; `store.jobs` says how it moves from state to state."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "state", "ring_at"),
        Index(None, "state", "lease_expires_at"),
        Index(None, "pool_id", "id"),
        CheckConstraint(f"state IN {JOB_STATES}", name="state"),
    )

    pool_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pools.id"))
    """None: it is about the whole server."""
    kind: Mapped[str] = mapped_column(String(20))
    queue: Mapped[str] = mapped_column(String(10))
    spec: Mapped[dict[str, Any]]
    """What to do; never changes."""
    estimate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a training needs, as estimated before its first step."""

    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempt: Mapped[int] = mapped_column(default=0)
    """The fencing token: the number of the attempt that runs or ran last."""
    max_attempts: Mapped[int]
    worker: Mapped[str | None] = mapped_column(String(200))
    lease_expires_at: Mapped[datetime | None]
    deadline_s: Mapped[float]
    deadline_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    finish_requested: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a training is to end now and keep its model."""
    ring_at: Mapped[datetime]
    """When the sweep rings, if no worker has claimed the job by then."""
    rings: Mapped[int] = mapped_column(default=0)

    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`{"type", "detail"}` of the last attempt that failed."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    request_digest: Mapped[str | None] = mapped_column(String(64))
    principal_id: Mapped[uuid.UUID | None]
    """Who ordered it. None: not known, or the program by itself."""


class Webhook(Row):
    """An address that is told what happens in a pool."""

    __tablename__ = "webhooks"

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), index=True)
    url: Mapped[str] = mapped_column(String(1000))
    types: Mapped[list[str]]
    """What it is told, as `store.webhooks` names it."""
    secret: Mapped[str] = mapped_column(String(100))
    """What messages are signed with, as the receiver has it too."""


class JobMetric(Base):
    """One line of a training's loss and metric history."""

    __tablename__ = "job_metrics"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[dict[str, Any]]


class JobSample(Base):
    """A sample sheet, a PNG, that a training drew after this step."""

    __tablename__ = "job_samples"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class JobLog(Base):
    """The end of what a training's processes printed."""

    __tablename__ = "job_logs"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    tail: Mapped[str]


class Selection(Deletable):
    """The answer to one select job; `document` is the Selection of the HTTP contract."""

    __tablename__ = "selections"
    __table_args__ = (Index(None, "pool_id", "id"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), unique=True)
    document: Mapped[dict[str, Any]]


class Assignment(Row):
    """An image in one annotator's hands, from `created_at` until its lease runs out or `ended_at`."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index(None, "pool_id", "id"),
        Index(
            "uq_assignments_open_image",
            "image_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint(f"state IN {ASSIGNMENT_STATES}", name="state"),
    )

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"))
    selection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("selections.id"))
    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"))
    rank: Mapped[int]
    """The rank of the image among the picks of the selection."""
    annotator: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10), default="open")
    """An open assignment whose lease has run out becomes expired when the pool's picks are assigned next."""
    lease_expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Explanation(Row):
    """The result of an explain job about a selection."""

    __tablename__ = "explanations"

    selection_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("selections.id"), unique=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), unique=True)
    document: Mapped[dict[str, Any]]
    files: Mapped[dict[str, Any]]
    """`{"sha256", "size"}` of blobs `map`, `map.png`, `curve.png` and `members` (`store.explanations`)."""


class Model(Deletable):
    """A translator; its weights are blobs listed in `model_files`.

    One that was trained here has a job; one that was imported has a name.
    """

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("pool_id", "name"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pools.id"), index=True)
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("jobs.id"), unique=True)
    name: Mapped[str | None] = mapped_column(String(255))
    method: Mapped[str] = mapped_column(String(20))
    spec: Mapped[dict[str, Any]]
    receipt: Mapped[dict[str, Any]]
    """What it was trained on: pairs as [image id, revision], how many unpaired photos, and how many unpaired
    label maps of each source."""


class ModelFile(Base):
    __tablename__ = "model_files"

    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class Uncertainty(Base):
    """How unsure a model is of a photo. It is computed once, because neither ever changes."""

    __tablename__ = "uncertainties"

    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    score: Mapped[float]
    """0, sure, to 1."""


class PhotoFeatures(Base):
    """An encoder's features of one view of a photo: a blob, made once, as none of these ever changes."""

    __tablename__ = "photo_features"

    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    weights_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    view: Mapped[str] = mapped_column(String(100), primary_key=True)
    """The size of the photo and the part of it that the encoder saw, as `models.training` names it."""
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class Evaluation(Row):
    """The scores of a model on a split, in one direction; `evaluation_images` has those of its images."""

    __tablename__ = "evaluations"

    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"), index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"), unique=True)
    split: Mapped[str] = mapped_column(String(5))
    direction: Mapped[str] = mapped_column(String(20))
    scorer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    """The model that judged the photos that this model made of label maps."""
    test_time: Mapped[str] = mapped_column(String(10), server_default="none")
    """The views of a photo that predictions were averaged over, see `models.catalog.TEST_TIME`."""
    metrics: Mapped[dict[str, Any]]
    confusion: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    """Pixels by true and by predicted class, row by row. None: an `rgb` pool, or an older evaluation."""


class EvaluationImage(Base):
    """An image of an evaluation: its scores, and its prediction, a PNG blob."""

    __tablename__ = "evaluation_images"

    evaluation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id"), primary_key=True)
    score: Mapped[float]
    """The score that images are ordered by; higher is better."""
    scores: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class Leaving(Base):
    """A blob that may not be needed any more; it is removed unless a row still names it."""

    __tablename__ = "leaving"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class ArchivePart(Base):
    """A blob of an archive that has arrived and was checked, while its pool is not there yet."""

    __tablename__ = "archive_parts"

    archive: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The SHA-256 of the archive's records, which are a part themselves."""
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    """What it was checked to be, as `store.archives` names it."""
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    facts: Mapped[dict[str, Any]]
    """What the checks found: its size in bytes, and the values that its row must have."""
    created_at: Mapped[datetime] = mapped_column(default=from_now(0))


class Installation(Base):
    """Facts about the database itself, in one row."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    floor: Mapped[str] = mapped_column(String(10))
    """The oldest schema whose programs can use this database: see `Database.require_schema`."""
    written_at: Mapped[datetime | None]
    """When a service last proved that the database can be written."""
