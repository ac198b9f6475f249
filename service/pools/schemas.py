"""Pools as they appear in JSON."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from models.catalog import DEFAULT_STRATEGY
from service.http.documents import Document
from service.http.fields import Strategy
from service.http.names import PoolName
from service.http.problems import InvalidClassTable
from store import tables
from store.class_pixels import ClassPixels
from store.pools import PoolCounts
from store.settings import EncoderName

Channel = Annotated[int, Field(ge=0, le=255)]
Color = tuple[Channel, Channel, Channel]


def _is_unset(value: Any) -> bool:
    return value is None or value == []


class Class(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    color: Color = Field(description="Red, green, blue. Each class has its own colour.")
    id: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None,
        exclude_if=_is_unset,
        description="The number of the class in files. Left out: its position in `classes`.",
    )


class ClassTable(BaseModel):
    """Ordered classes. A label map that counts holds positions in `classes`; `ignore` is unlabelled."""

    model_config = ConfigDict(extra="forbid")

    ignore: Channel = 255
    ignore_ids: list[Annotated[int, Field(ge=0, le=65535)]] = Field(
        default=[],
        max_length=1000,
        exclude_if=_is_unset,
        description="Other numbers that mean unlabelled in files.",
    )
    ignore_color: Color | None = Field(
        None,
        exclude_if=_is_unset,
        description="The colour that means unlabelled in files in class colours.",
    )
    classes: list[Class] = Field(min_length=1, max_length=255)

    @model_validator(mode="after")
    def _unambiguous(self) -> "ClassTable":
        if self.ignore < len(self.classes):
            raise InvalidClassTable(
                f"The ignore index {self.ignore} is also the id of class {self.classes[self.ignore].name}: "
                f"choose one from {len(self.classes)} to 255."
            )
        if len({entry.name for entry in self.classes}) < len(self.classes):
            raise InvalidClassTable("Two classes have the same name: give each its own.")
        if len({entry.color for entry in self.classes}) < len(self.classes):
            raise InvalidClassTable(
                "Two classes have the same colour, so a translation could not tell them apart: give each "
                "its own."
            )
        self._check_files()
        return self

    def _check_files(self) -> None:
        """Refuse numbers and colours of files that would mean two things."""
        unlabelled = {self.ignore, *self.ignore_ids}
        named: dict[int, str] = {}
        for position, entry in enumerate(self.classes):
            number = position if entry.id is None else entry.id
            if number in named or number in unlabelled:
                other = named.get(number, "unlabelled pixels")
                raise InvalidClassTable(
                    f"In files, {number} would be {entry.name} and {other}: give each an `id` of its own."
                )
            named[number] = entry.name
            if entry.color == self.ignore_color:
                raise InvalidClassTable(
                    f"`ignore_color` is also the colour of {entry.name}: choose another one."
                )


def _kind(value: Any) -> str:
    return "rgb" if isinstance(value, str) else "classes"


Target = Annotated[
    Annotated[ClassTable, Tag("classes")] | Annotated[Literal["rgb"], Tag("rgb")], Discriminator(_kind)
]


class NewPool(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "streets",
                    "class_table": {
                        "ignore": 255,
                        "classes": [
                            {"name": "road", "color": [128, 64, 128]},
                            {"name": "car", "color": [64, 0, 128]},
                        ],
                    },
                },
                {"name": "satellite", "class_table": "rgb", "encoder": "resnet50"},
            ]
        },
    )

    name: PoolName
    class_table: Target = Field(
        description="The classes of the label maps, or `rgb` if they are RGB images without classes."
    )
    encoder: EncoderName | None = Field(None, description="Left out: the server's encoder.")
    default_strategy: Strategy | None = Field(
        None, description=f"The strategy of a selection that names none. Left out: {DEFAULT_STRATEGY}."
    )


class Counts(Document):
    images: int
    embedded: int
    annotated: int


class ClassCounts(BaseModel):
    """What the newest annotations of a pool hold of one class."""

    name: str
    pixels: int
    label_maps: int = Field(description="The number of label maps that have the class.")


class LabelledDocument(BaseModel):
    """What the newest annotations of a pool hold."""

    label_maps: int = Field(description="The number of annotations that were counted: all but very old ones.")
    unlabelled: int = Field(description="Pixels without a class.")
    classes: list[ClassCounts] = Field(description="In the order of the class table.")

    @classmethod
    def of(cls, class_table: dict[str, Any], found: ClassPixels) -> "LabelledDocument":
        return cls(
            label_maps=found.label_maps,
            unlabelled=found.unlabelled,
            classes=[
                ClassCounts(
                    name=entry["name"], pixels=found.pixels[place], label_maps=found.label_maps_with[place]
                )
                for place, entry in enumerate(class_table["classes"])
            ],
        )


class PoolCountsDocument(Counts):
    """Counts of the whole pool and of each split."""

    unpaired_label_maps: int
    label_sources: dict[str, int] = Field(description="The number of unpaired label maps of each source.")
    train: Counts
    test: Counts
    labelled: LabelledDocument | None = Field(description="Null in an `rgb` pool.")

    @classmethod
    def of(cls, counts: PoolCounts, class_table: dict[str, Any] | None) -> "PoolCountsDocument":
        splits = counts.splits.values()
        totals = {name: sum(getattr(split, name) for split in splits) for name in Counts.model_fields}
        label_maps = sum(counts.label_sources.values())
        labelled = LabelledDocument.of(class_table, counts.contents) if class_table else None
        return cls.of_row(
            counts, unpaired_label_maps=label_maps, labelled=labelled, **totals, **counts.splits
        )


class Pool(Document):
    """A set of photos with one class table and one encoder."""

    id: UUID
    name: str
    class_table: ClassTable | Literal["rgb"]
    encoder: str
    default_strategy: str = Field(description="The strategy of a selection that names none.")
    created_at: datetime
    counts: PoolCountsDocument

    @classmethod
    def of(cls, row: tables.Pool, counts: PoolCounts) -> "Pool":
        return cls.of_row(
            row,
            class_table=row.class_table or "rgb",
            default_strategy=row.default_strategy or DEFAULT_STRATEGY,
            counts=PoolCountsDocument.of(counts, row.class_table),
        )
