"""Selections as they appear in JSON, and the options of a question."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from models.advice import advised_strategy
from models.catalog import ADVISED, DEFAULT_STRATEGY, PAIRWISE, STRATEGIES
from service.http.documents import Document
from service.http.fields import Body, DistanceAutoOrOff, DistanceOrAuto, Id, Strategy
from service.http.names import SPELLED_AS_KEPT
from service.http.problems import InvalidSelection
from store.question import Question
from store.states import Split
from store.tables import Pool

if TYPE_CHECKING:
    StrategyOrAdvised = str
else:
    StrategyOrAdvised = Literal[(*STRATEGIES, ADVISED)]

PAIRWISE_STRATEGIES = [f"`{name}`" for name, facts in STRATEGIES.items() if facts.pairwise]
MOST_IDS = 1000
LARGEST_BUDGET = 10_000
MOST_IN_A_BODY = 20_000
LISTS = ("include", "exclude", "candidates")


class Options(BaseModel):
    """Which images to label with a budget."""

    model_config = ConfigDict(extra="forbid")

    budget: int = Field(
        ge=1,
        le=LARGEST_BUDGET,
        description=f"How many images you can label, at most {LARGEST_BUDGET:,}.",
        examples=[10],
    )
    or_fewer: bool = Field(
        False, description="If there are fewer images to pick, pick those. false: that is refused."
    )
    strategy: StrategyOrAdvised | None = Field(
        None,
        description="; ".join(f"`{name}`: {facts.summary}" for name, facts in STRATEGIES.items())
        + f". {', '.join(PAIRWISE_STRATEGIES[:-1])} and {PAIRWISE_STRATEGIES[-1]} compare all pairs; of "
        f"more than {PAIRWISE:,} images they use a sample of that size, drawn with the seed. `advised`: "
        "the one that `GET /pools/{id}/advice` names. Left out: the pool's `default_strategy`.",
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="The same seed on the same pool gives the same picks."
    )
    split: Split = Field("train", description="The images to pick from.")
    name: Annotated[str, SPELLED_AS_KEPT] | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Consider only images whose name matches this glob, such as `2024-*.jpg`. Annotated "
        "images still cover the images near them, whatever their name.",
    )
    include: list[Id] = Field(
        [], max_length=MOST_IDS, description="Images that are picked first in any case."
    )
    exclude: list[Id] = Field(
        [], max_length=MOST_IDS, description="Images that are neither picked nor covered."
    )
    duplicates_within: DistanceOrAuto | None = Field(
        None,
        description="Euclidean distance between embeddings up to which images count as one; `auto` fits it "
        "to the pool. Left out: every image counts.",
    )
    test_distance: DistanceAutoOrOff = Field(
        "auto",
        description="Train images within this Euclidean distance of a test image are neither picked nor "
        "covered, so that the test split stays a test; the answer lists them. `auto` fits the distance to "
        "the pool, `off` leaves out no image. Annotated images and `include` stay, and are listed.",
    )
    balance: bool = Field(
        False, description="Give more weight to images near annotated images with rare classes."
    )
    model: Id | None = Field(
        None,
        description="A model of the pool. Images that it is unsure of get more weight.",
    )

    def question(self, pool: Pool) -> Question:
        """The question to this pool."""
        values = self.model_dump(mode="json", include=set(LongOptions.model_fields))
        strategy = self.strategy or pool.default_strategy or DEFAULT_STRATEGY
        values["strategy"] = advised_strategy(pool.encoder) if strategy == ADVISED else strategy
        values["count_copies"] = self._counts_copies()
        return Question(**values | {part: sorted(set(values[part])) for part in LISTS if part in values})

    def _counts_copies(self) -> bool:
        return False


class LongOptions(Options):
    """Which images to label with a budget, with long lists of images."""

    include: list[Id] = Field(
        [], max_length=LARGEST_BUDGET, description="Images that are picked first in any case."
    )
    exclude: list[Id] = Field(
        [], max_length=MOST_IN_A_BODY, description="Images that are neither picked nor covered."
    )
    candidates: list[Id] = Field(
        [],
        max_length=MOST_IN_A_BODY,
        description="Consider only these images. Left out: all. Annotated images still cover the images near "
        "them.",
    )


class SelectBody(LongOptions, Body):
    """The question, as the body of a request."""


class Pick(BaseModel):
    rank: int = Field(description="Label the picks in this order, from 1.")
    image_id: UUID
    name: str
    cluster_size: int = Field(description="How many images this pick stands for, the pick included.")
    mean_distance: float = Field(
        description="Mean distance of the other images of the cluster to the pick; 0 if there are none."
    )
    coverage: float = Field(
        description="Mean distance of all images to the nearest annotated image or pick up to this rank; "
        "weighted by how much each image counts if `balance` or `model` was asked for."
    )
    gain: float | None = Field(
        description="By how much this pick lowered `coverage`; null for the first, if nothing is annotated."
    )


class Coverage(BaseModel):
    """Distances from the images that count to their nearest annotated or picked image."""

    mean: float
    maximum: float
    within: float = Field(description="The share of images, 0 to 1, that are within `delta`.")
    delta: float = Field(description="The distance up to which images look alike, fitted to the pool.")


class NearTest(BaseModel):
    """A train image and its nearest test image."""

    image_id: UUID
    name: str
    test_image_id: UUID
    test_name: str
    distance: float


class Duplicate(BaseModel):
    """An image that does not count, and the copy or near-duplicate that counts for both."""

    image_id: UUID
    name: str
    of_image_id: UUID
    of_name: str
    distance: float


class LeftOut(BaseModel):
    """Images left out as similar to others. Each list has the 1,000 nearest; each count is of all."""

    test_distance: float | None = Field(
        description="The distance within which an image was too near to a test image; null: not checked."
    )
    near_test_count: int
    near_test: list[NearTest]
    near_test_kept_count: int = Field(
        description="Annotated images, and images in `include`, that are as near to a test image. They stay, "
        "and scores on these test images are less meaningful."
    )
    near_test_kept: list[NearTest]
    duplicates_within: float | None = Field(
        description="The distance within which images counted as one; null: not checked."
    )
    duplicate_count: int
    duplicates: list[Duplicate]


class Receipt(LongOptions):
    """Everything the picks follow from: the same receipt gives the same picks. It can be replayed."""

    strategy: Strategy = DEFAULT_STRATEGY
    pool_id: Id
    image_count: int = Field(ge=0, description="How many embedded images the split has.")
    images_digest: str = Field(description="SHA-256 of the ids and contents of these images.")
    tests_digest: str | None = Field(
        description="SHA-256 of the ids and contents of the test images; null if they do not matter."
    )
    last_image_id: Id = Field(description="The newest image of the pool that was considered.")
    encoder: str
    weights_digest: str = Field(description="SHA-256 of the encoder's weights.")
    annotated_digest: str = Field(description="SHA-256 of the ids of the annotated images.")
    labelled: list[Id] = Field(description="The annotated images.")
    revisions: list[int] | None = Field(
        description="The revisions of their annotations; null without `balance`, when they do not matter."
    )
    not_in_use: list[Id] = Field([], description="The images that were excluded.")
    count_copies: bool = Field(
        True,
        description="Whether images with the same bytes counted one by one, as they did in older receipts.",
    )
    algorithm_version: str
    computed_with: dict[str, str] = Field(
        description="Versions of the libraries that computed the picks, and the platform."
    )
    picks_digest: str = Field(description="SHA-256 of the picks' ids by rank.")

    def _counts_copies(self) -> bool:
        return self.count_copies


class Chosen(BaseModel):
    """Which images to label with a budget."""

    pool_id: UUID
    budget: int
    strategy: str
    seed: int
    picks: list[Pick] = Field(description="As many as the budget; fewer only if `or_fewer` was asked for.")
    coverage: Coverage
    left_out: LeftOut
    receipt: Receipt


class Selection(Chosen):
    """The answer to "which images should I label with this budget", kept."""

    id: UUID


class SelectionNow(Selection):
    """A selection, and what has become of its picks."""

    deleted: list[UUID] = Field(description="The picks whose photos were deleted since.")
    explainable: bool = Field(
        description="Whether its explanation is made, or can be: no pick was deleted or moved to the other "
        "split since, and none waits to be embedded anew."
    )


class ListedSelection(Document):
    """A selection in a list, without its picks."""

    id: UUID
    strategy: str
    budget: int
    seed: int
    split: Split
    pick_count: int
    labelled_count: int = Field(description="How many of its picks have an annotation now.")
    created_at: datetime


class PickedImage(BaseModel):
    model_config = ConfigDict(strict=True)

    image_id: Id


class Replay(Receipt, Body):
    """A selection to make again: a Selection document, or its receipt alone."""

    picks: list[PickedImage] | None = Field(
        None, description="If given, the answer names the first pick that differs."
    )

    @model_validator(mode="before")
    @classmethod
    def _of_a_document(cls, body: Any) -> Any:
        """Take the receipt and the picks out of a Selection document."""
        if isinstance(body, dict) and isinstance(body.get("receipt"), dict):
            return body["receipt"] | {"picks": body.get("picks")}
        return body

    @model_validator(mode="after")
    def _has_every_revision(self) -> "Replay":
        if self.revisions is not None and len(self.revisions) != len(self.labelled):
            raise InvalidSelection(
                f"There are {len(self.revisions)} `revisions` of {len(self.labelled)} `labelled` images: "
                "send one for each, or null."
            )
        return self

    def receipt(self) -> dict[str, Any]:
        """What the worker compares its own receipt with."""
        fields = Replay.model_fields.keys() - LongOptions.model_fields.keys() - {"pool_id"}
        return self.model_dump(mode="json", include=fields)


class Replayed(BaseModel):
    """The result of a replay."""

    same: bool = Field(description="Whether it gave the same picks in the same order.")
    changed: list[str] = Field(
        description="Differences from the time when the selection was made, one sentence each."
    )
    selection: Chosen | None = Field(
        description="The selection that was made, without an id, because it is not kept. Null: it failed."
    )
