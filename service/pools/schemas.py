"""Pools as they appear in JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.catalog import DEFAULT_STRATEGY
from service.http.documents import Document
from service.http.fields import Body, Strategy
from service.http.names import PoolName
from service.pools.class_table import ClassTable, Target
from store import tables
from store.class_pixels import ClassPixels
from store.pools import PoolCounts, SplitCounts
from store.setting_types import EncoderName
from store.states import TRAIN, Role


class NewPool(Body):
    model_config = ConfigDict(
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
                {"name": "streets of Cityscapes", "class_table": "cityscapes"},
                {"name": "satellite", "class_table": "rgb", "encoder": "resnet50"},
            ]
        },
    )

    name: PoolName
    class_table: Target = Field(
        description="The classes of the label maps, or the name of a known table; `rgb` if label maps are "
        "RGB images without classes."
    )
    encoder: EncoderName | None = Field(None, description="Left out: the server's encoder.")
    default_strategy: Strategy | None = Field(
        None, description=f"The strategy of a selection that names none. Left out: {DEFAULT_STRATEGY}."
    )


class PoolChanges(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "streets of 2024"}]})

    name: PoolName


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
    def of(cls, class_table: dict[str, Any], found: Sequence[ClassPixels]) -> "LabelledDocument":
        return cls(
            label_maps=sum(part.label_maps for part in found),
            unlabelled=sum(part.unlabelled for part in found),
            classes=[
                ClassCounts(
                    name=entry["name"],
                    pixels=sum(part.pixels[place] for part in found),
                    label_maps=sum(part.label_maps_with[place] for part in found),
                )
                for place, entry in enumerate(class_table["classes"])
            ],
        )


class PoolCountsDocument(Counts):
    """Counts of the whole pool and of each split."""

    excluded: int = Field(description="Photos that the other counts leave out.")
    unpaired_label_maps: int
    label_sources: dict[str, int] = Field(description="The number of unpaired label maps of each source.")
    train: Counts
    test: Counts
    labelled: LabelledDocument | None = Field(description="Null in an `rgb` pool.")
    labelled_train: LabelledDocument | None = Field(
        description="The same of the train images alone, from which trainings learn."
    )

    @classmethod
    def of(cls, counts: PoolCounts, class_table: dict[str, Any] | None) -> "PoolCountsDocument":
        splits = list(counts.splits.values())
        totals = {name: sum(getattr(split, name) for split in splits) for name in Counts.model_fields}
        label_maps = sum(counts.label_sources.values())

        def labelled(*found: SplitCounts) -> LabelledDocument | None:
            contents = [split.contents for split in found]
            return LabelledDocument.of(class_table, contents) if class_table else None

        return cls.of_row(
            counts,
            unpaired_label_maps=label_maps,
            labelled=labelled(*splits),
            labelled_train=labelled(counts.splits[TRAIN]),
            **totals,
            **counts.splits,
        )


class Pool(Document):
    """A set of photos with one class table and one encoder."""

    id: UUID
    name: str
    class_table: ClassTable | Literal["rgb"]
    encoder: str
    default_strategy: str = Field(description="The strategy of a selection that names none.")
    label_mapping: dict[str, str | None] = Field(
        description="What was said that labels of imports mean: a class, or null for unlabelled."
    )
    created_at: datetime
    role: Role = Field(
        description="What you may do in it. Administrators may do what curators may, and more."
    )
    counts: PoolCountsDocument

    @classmethod
    def of(cls, row: tables.Pool, counts: PoolCounts, role: Role = "curator") -> "Pool":
        return cls.of_row(
            row,
            role=role,
            class_table=row.class_table or "rgb",
            default_strategy=row.default_strategy or DEFAULT_STRATEGY,
            label_mapping=_label_mapping(row),
            counts=PoolCountsDocument.of(counts, row.class_table),
        )


def _label_mapping(row: tables.Pool) -> dict[str, str | None]:
    names = [entry["name"] for entry in row.class_table["classes"]] if row.class_table else []
    kept = row.label_mapping or {}
    return {label: None if place is None else names[place] for label, place in kept.items()}
