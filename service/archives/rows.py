"""The form of an archive's rows: derived from the tables, and stricter where the API reads their values.

An archive comes from anywhere, so that each value is checked before it reaches a table: afterwards nothing
looks at it again.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    TypeAdapter,
    create_model,
)
from sqlalchemy import BigInteger, Boolean, ColumnElement, Float, Integer, String, Uuid

from models.catalog import METHODS, TrainingSpec
from service.archives.parts import model_spec
from service.decoding.validation import MEDIA_TYPES
from service.evaluations.schemas import ClassImageScores, ClassMetrics, RgbImageScores, RgbMetrics
from service.http.fields import Direction, Sha256, Strategy, TestTime
from service.http.names import Name, PathName, PoolName, SourceName
from service.jobs.schemas import Estimate, JobError
from service.models.schemas import TrainingReceipt
from service.pools.class_table import ClassTable
from service.selections.schemas import Selection
from store import archives, tables
from store.clock import UtcDateTime
from store.events import Action, Kind
from store.setting_types import EncoderName
from store.states import ENDED, AssignmentState, Split
from store.tables import Base

MADE_BY = ("embed", "select", "train", "evaluate")
"""The kinds of jobs that made what an archive holds."""
IMPORTED = "onnx"
IN_A_MODEL = r"^[a-z0-9_]+\.(safetensors|onnx|json|png)$"


class _Spec(BaseModel):
    missing_classes: list[str] | None = None


def _class_table(value: Any) -> dict[str, Any]:
    return ClassTable.model_validate(value).model_dump(mode="json")


def _like(document: Any) -> Any:
    """The type of a JSON value that a document accepts; the value stays as it is."""
    adapter = TypeAdapter(document)

    def checked(value: Any) -> Any:
        adapter.validate_python(value)
        return value

    return Annotated[Any, AfterValidator(checked)]


def _without_null(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text must not hold the character 0")
    return text


Text = Annotated[str, AfterValidator(_without_null)]
JsonObject = dict[str, Any]
Pixels = list[Annotated[int, Field(ge=0)]]

STRICTER: dict[tuple[type[Base], str], Any] = {
    (tables.Pool, "name"): PoolName,
    (tables.Pool, "class_table"): Annotated[Any, AfterValidator(_class_table)],
    (tables.Pool, "label_mapping"): dict[str, Annotated[int, Field(ge=0, le=255)] | None],
    (tables.Pool, "encoder"): EncoderName,
    (tables.Pool, "default_strategy"): Strategy,
    (tables.Job, "kind"): Literal[MADE_BY],
    (tables.Job, "state"): Literal[ENDED],
    (tables.Job, "spec"): Annotated[JsonObject, _like(_Spec)],
    (tables.Job, "estimate"): _like(Estimate),
    (tables.Job, "result"): JsonObject,
    (tables.Job, "error"): _like(JobError),
    (tables.JobMetric, "values"): JsonObject,
    (tables.Shard, "image_ids"): list[Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]],
    (tables.Image, "name"): PathName,
    (tables.Image, "split"): Split,
    (tables.LabelMap, "name"): PathName,
    (tables.LabelMap, "source"): SourceName,
    (tables.Event, "action"): Action,
    (tables.Event, "kind"): Kind,
    (tables.Event, "details"): JsonObject,
    (tables.Selection, "document"): _like(Selection),
    (tables.Assignment, "state"): AssignmentState,
    (tables.Model, "name"): Name,
    (tables.Model, "method"): Literal[(*METHODS, IMPORTED)],
    (tables.Model, "spec"): JsonObject,
    (tables.Model, "receipt"): JsonObject,
    (tables.ModelFile, "name"): Annotated[str, StringConstraints(pattern=IN_A_MODEL)],
    (tables.Evaluation, "split"): Split,
    (tables.Evaluation, "direction"): Direction,
    (tables.Evaluation, "test_time"): TestTime,
    (tables.Evaluation, "metrics"): _like(ClassMetrics | RgbMetrics),
    (tables.EvaluationImage, "scores"): _like(ClassImageScores | RgbImageScores),
    **{(table, "class_pixels"): Pixels for table in (tables.LabelMap, tables.Annotation)},
}
NEVER_NULL = {(tables.Event, "pool_id")}
"""Columns that must have a value in an archive, though not in the database: it tells of its pool alone."""
BY_NAME = {
    **dict.fromkeys(("sha256", "original_sha256", "patches_sha256", "weights_digest"), Sha256),
    **dict.fromkeys(("media_type", "original_media_type"), Literal[tuple(sorted(set(MEDIA_TYPES.values())))]),
}


def _of_column(table: type[Base], column: ColumnElement[Any]) -> Any:
    if stricter := STRICTER.get((table, column.name)) or BY_NAME.get(column.name):
        return stricter
    match column.type:
        case Uuid():
            return UUID
        case UtcDateTime():
            return AwareDatetime
        case Boolean():
            return bool
        case Float():
            return FiniteFloat
        case Integer():
            return Annotated[int, Field(ge=0, lt=2 ** (63 if isinstance(column.type, BigInteger) else 31))]
        case String(length=None):
            return Text
        case String(length=length):
            return Annotated[Text, StringConstraints(max_length=length)]
    raise TypeError(f"{table.__tablename__}.{column.name} is JSON: say in STRICTER what it holds")


def _fields(table: type[Base]) -> Iterator[tuple[str, Any]]:
    for column in archives.columns(table):
        kind, nullable = _of_column(table, column), column.nullable and (table, column.name) not in NEVER_NULL
        may_be_missing = nullable or column.default is not None or column.server_default is not None
        default = None if may_be_missing and column.name != "id" else ...
        yield column.name, (kind | None if nullable else kind, default)


FORMS: dict[str, tuple[type[Base], type[BaseModel]]] = {
    table.__tablename__: (
        table,
        create_model(table.__name__, __config__=ConfigDict(extra="forbid"), **dict(_fields(table))),
    )
    for table in archives.MOVED
}
"""The form of a row of each table, by the table's name. Columns that are missing get the table's default."""


def require_agreement(record: archives.Record) -> None:
    """Raise ValueError if values of one row contradict each other."""
    check = AGREEMENTS.get(record.table)
    if check and not check(record.row):
        raise ValueError("its values contradict each other")


def _pool_agrees(row: dict[str, Any]) -> bool:
    """Labels of other tools mean classes that there are."""
    classes = len((row.get("class_table") or {"classes": []})["classes"])
    positions = (row.get("label_mapping") or {}).values()
    return all(position is None or position < classes for position in positions)


def _selection_agrees(row: dict[str, Any]) -> bool:
    document = row["document"]
    pools = {document["pool_id"], document["receipt"]["pool_id"]}
    return document["id"] == str(row["id"]) and pools == {str(row["pool_id"])}


def _model_agrees(row: dict[str, Any]) -> bool:
    if row["method"] == IMPORTED:
        return model_spec(row["spec"]) == IMPORTED and not row["receipt"]
    TypeAdapter(TrainingReceipt).validate_python(row["receipt"])
    method: str = row["method"]
    return TrainingSpec.from_json(row["spec"]).method == method


AGREEMENTS: dict[type[Base], Callable[[dict[str, Any]], bool]] = {
    tables.Pool: _pool_agrees,
    tables.JobMetric: lambda row: row["values"].get("step") == row["step"],
    tables.Selection: _selection_agrees,
    tables.Model: _model_agrees,
}
