"""Selections as they appear in JSON, and how they are asked for."""

import unicodedata
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from models.catalog import DEFAULT_STRATEGY, PAIRWISE, STRATEGIES
from service.http.fields import DistanceAutoOrOff, DistanceOrAuto, Split
from service.http.problems import InvalidSelection
from store.selections import OFF, Question, picks_digest

if TYPE_CHECKING:
    Strategy = str
else:
    Strategy = Literal[tuple(STRATEGIES)]

PAIRWISE_STRATEGIES = [f"`{name}`" for name, facts in STRATEGIES.items() if facts.pairwise]
MOST_IDS = 1000
LARGEST_BUDGET = 10_000


class Options(BaseModel):
    """Which images to label with a budget."""

    model_config = ConfigDict(extra="forbid")

    budget: int = Field(
        ge=1,
        le=LARGEST_BUDGET,
        description=f"How many images you can label, at most {LARGEST_BUDGET:,}.",
        examples=[10],
    )
    strategy: Strategy = Field(
        DEFAULT_STRATEGY,
        description="; ".join(f"`{name}`: {facts.summary}" for name, facts in STRATEGIES.items())
        + f". {', '.join(PAIRWISE_STRATEGIES[:-1])} and {PAIRWISE_STRATEGIES[-1]} compare all pairs: of more "
        f"than {PAIRWISE:,} images they see that many, drawn by the seed.",
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="The same seed on the same pool gives the same picks."
    )
    split: Split = Field("train", description="The images to pick from.")
    name: Annotated[str, AfterValidator(partial(unicodedata.normalize, "NFC"))] | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Only images whose name this glob matches, such as `2024-*.jpg`; others neither count "
        "nor are picked. Annotated images keep covering what is near to them, whatever their name.",
    )
    include: list[UUID] = Field([], max_length=MOST_IDS, description="Images to pick in any case, first.")
    exclude: list[UUID] = Field(
        [], max_length=MOST_IDS, description="Images that are neither to be picked nor to be covered."
    )
    duplicates_within: DistanceOrAuto | None = Field(
        None,
        description="Euclidean distance between embeddings up to which images count as one; `auto`: fitted "
        "to the pool. Left out: every image counts.",
    )
    test_distance: DistanceAutoOrOff = Field(
        "auto",
        description="Train images that are this near to a test image are neither picked nor covered, so that "
        "the test split stays a test, and are reported; `auto`: fitted to the pool. Images to `include` and "
        "annotated ones stay, and are reported too.",
    )
    balance: bool = Field(
        False, description="Images near to annotated ones that hold rare classes count more."
    )
    model: UUID | None = Field(
        None, description="A model of the pool: images it is unsure of count more, beside their diversity."
    )

    def question(self) -> Question:
        values = self.model_dump(mode="json", include=set(Options.model_fields))
        return Question(**values | {part: sorted(set(values[part])) for part in ("include", "exclude")})


class Pick(BaseModel):
    model_config = ConfigDict(extra="allow")

    rank: int = Field(description="Label the picks in this order, from 1.")
    image_id: UUID
    name: str
    cluster_size: int | None = Field(description="Images this pick stands for.")
    mean_distance: float | None = Field(
        description="Mean distance of those images' embeddings to this one's."
    )
    coverage: float | None = Field(
        description="Mean distance of the images that count to the nearest pick so far, or annotated image; "
        "weighted by how much each counts where `balance` or `model` was asked for."
    )
    gain: float | None = Field(
        None, description="By how much this pick lowered it; null: the first, where nothing is annotated."
    )


class Coverage(BaseModel):
    """How far the images that count are from their nearest annotated or picked image."""

    model_config = ConfigDict(extra="allow")

    mean: float | None
    maximum: float | None
    within: float | None = Field(None, description="The share of images that are within `delta`.")
    delta: float | None = Field(
        None, description="A distance at which images look of a kind, fitted to the pool."
    )


class NearTest(BaseModel):
    """A train image, and the nearest test image."""

    image_id: UUID
    name: str
    test_image_id: UUID
    test_name: str
    distance: float


class Duplicate(BaseModel):
    """An image that does not count, and the one that counts for both."""

    image_id: UUID
    name: str
    of_image_id: UUID
    of_name: str
    distance: float


class LeftOut(BaseModel):
    """Images left out for their likeness; the lists hold the 1,000 nearest, the counts are of all."""

    model_config = ConfigDict(extra="allow")

    test_distance: float | None = Field(
        None, description="The distance that counted as near to a test image."
    )
    near_test_count: int = 0
    near_test: list[NearTest] = []
    near_test_kept_count: int = Field(
        0,
        description="Annotated images, and those to include, that are as near: they stay, and scores on "
        "these test images say less.",
    )
    near_test_kept: list[NearTest] = []
    duplicates_within: float | None = Field(
        None, description="The distance within which images count as one."
    )
    duplicate_count: int = 0
    duplicates: list[Duplicate] = []


class Receipt(BaseModel):
    """Everything the picks follow from: the same receipt, the same picks. It can be replayed."""

    model_config = ConfigDict(extra="allow")

    image_count: int
    images_digest: str
    encoder: str
    weights_digest: str
    annotated_digest: str
    algorithm_version: str | int
    computed_with: dict[str, str] | None = Field(
        None, description="Versions of the libraries that computed the picks, and the platform."
    )
    seed: int


class Chosen(BaseModel):
    """Which images to label with a budget."""

    model_config = ConfigDict(extra="allow")

    pool_id: UUID
    budget: int
    strategy: str
    seed: int
    picks: list[Pick]
    coverage: Coverage
    left_out: LeftOut = LeftOut()
    receipt: Receipt


class Selection(Chosen):
    """The answer to "which images should I label with this budget", kept."""

    id: UUID


class PickedImage(BaseModel):
    image_id: UUID


class Replay(Options):
    """A selection that was made: a Selection document, or its receipt alone."""

    model_config = ConfigDict(extra="ignore")

    pool_id: UUID
    image_count: int = Field(ge=0)
    images_digest: str
    tests_digest: str | None = None
    encoder: str
    weights_digest: str
    annotated_digest: str
    labelled: list[UUID] | None = Field(None, description="Missing in receipts of earlier versions.")
    revisions: list[int] | None = None
    last_image_id: UUID | None = None
    algorithm_version: str | int
    computed_with: dict[str, str] | None = None
    picks_digest: str | None = None
    picks: list[PickedImage] | None = Field(
        None,
        description="Not needed where `picks_digest` is given; with them the answer says which pick differs.",
    )

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, body: Any) -> Any:
        """The receipt's fields beside the document's; one of an earlier version looked at no test image."""
        if not isinstance(body, dict):
            return body
        receipt = body.get("receipt")
        flat = body | receipt if isinstance(receipt, dict) else body
        return {"test_distance": OFF} | {name: value for name, value in flat.items() if value is not None}

    @model_validator(mode="after")
    def _whole(self) -> "Replay":
        if self.picks_digest is None and self.picks is None:
            raise InvalidSelection(
                "Nothing says what was picked: send `picks`, or a receipt's `picks_digest`."
            )
        if self.revisions is not None and len(self.revisions) != len(self.labelled or []):
            raise InvalidSelection(
                "There are not as many `revisions` as `labelled` images: send all of both."
            )
        return self

    def receipt(self) -> dict[str, Any]:
        """What the worker compares its own receipt with."""
        fields = Replay.model_fields.keys() - Options.model_fields.keys() - {"pool_id"}
        receipt = self.model_dump(mode="json", include=fields)
        if self.picks_digest is None:
            receipt["picks_digest"] = picks_digest(receipt["picks"])
        return receipt


class Replayed(BaseModel):
    """What a replay gave."""

    same: bool = Field(description="Whether it gave the same picks in the same order.")
    changed: list[str] = Field(description="What is otherwise than it was when the selection was made.")
    selection: Chosen | None = Field(
        description="What the replay picked, without an id, as it is not kept; null: it cannot be replayed."
    )
