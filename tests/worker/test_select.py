import json
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import select as sql_select

from models import selection
from models.catalog import STRATEGIES
from models.explanation.curve import DELTA_SHARE
from models.machine import computed_with
from models.similarity import DUPLICATE_SHARE, typical_distance
from models.translation.translator import Translator
from models.weighting import class_balance, uncertainty_weights
from service.selections import schemas
from store import selections
from store.tables import Selection, Uncertainty
from tests import published
from tests.drawings import drawing
from tests.worker.factories import Pools, scene
from tests.worker.model_folders import untrained
from tests.worker.planted import WEIGHTS, add_shard, patches_of, planted
from worker.attempt import Tools
from worker.run import run

Vectors = npt.NDArray[np.float16]
Ask = Callable[..., dict[str, Any]]


def spec(up_to: str | None = None, **options: Any) -> dict[str, Any]:
    question = {"budget": 3, "strategy": "kmedoids", "seed": 7, "test_distance": "off", **options}
    return {"question": question, "up_to": up_to}


def cloud(count: int = 12, seed: int = 0) -> Vectors:
    """Random points in four dimensions, no two of them near each other."""
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float16)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both databases."""
    asked = getattr(request, "param", "sqlite")
    return str(request.getfixturevalue("postgres_url")) if asked == "postgresql" else ""


@pytest.fixture
def pool_id(pools: Pools) -> uuid.UUID:
    return pools.pool()


@pytest.fixture
def ask(tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event) -> Ask:
    """Makes a selection of the pool, and checks its document against the API's schema."""

    def ask(**values: Any) -> dict[str, Any]:
        job_id = pools.job(pool_id, "select", spec(**values))
        run(job_id, tools, shutdown)
        job = pools.get(job_id)
        assert job.state == "succeeded", job.error
        assert job.result
        with tools.database.read() as session:
            document = session.get_one(Selection, uuid.UUID(job.result["selection_id"])).document
        published.check(schemas.Selection, document)
        return document

    return ask


def picked(document: dict[str, Any]) -> list[str]:
    return [pick["image_id"] for pick in document["picks"]]


def chosen(ids: Sequence[uuid.UUID], vectors: Vectors, budget: int = 3, **options: Any) -> list[str]:
    """The ids of the images that the library picks."""
    found = selection.select("kmedoids", vectors, budget, seed=7, **options)
    return [str(ids[pick.index]) for pick in found.picks]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_selection_says_what_it_chose_from(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, ask: Ask
) -> None:
    """The document has the library's picks with names and ids, the coverage and a receipt of everything."""
    vectors = cloud()
    planted(pools, pool_id, cloud(2, seed=1), "test")
    ids = planted(pools, pool_id, vectors)
    for image_id in (ids[4], ids[2]):
        pools.annotation(image_id, scene(4)[1])
    document = ask()
    expected = selection.select("kmedoids", vectors, 3, seed=7, labelled=[2, 4])
    centres = [2, 4, *(pick.index for pick in expected.picks)]
    pairs = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    delta = document["coverage"]["delta"]
    assert delta == pytest.approx(DELTA_SHARE * np.median(pairs[np.triu_indices(12, 1)]), rel=0.1)
    coverage = selection.coverage(vectors, centres, delta=delta)
    assert picked(document) == [str(ids[pick.index]) for pick in expected.picks]
    assert [pick["gain"] for pick in document["picks"]] == [pick.gain for pick in expected.picks]
    assert (document["coverage"]["mean"], document["coverage"]["maximum"]) == (
        coverage.mean,
        coverage.maximum,
    )
    with tools.database.read() as session:
        images = selections.images_state(session, pool_id, "train")
        annotations = selections.annotations_state(session, pool_id, "train")
    assert document["receipt"] == {
        **{"pool_id": str(pool_id), "budget": 3, "strategy": "kmedoids", "seed": 7, "split": "train"},
        **{"or_fewer": False, "name": None, "include": [], "exclude": [], "candidates": []},
        **{"duplicates_within": None, "test_distance": "off"},
        **{"balance": False, "model": None, "image_count": 12, "images_digest": images.digest},
        **{"tests_digest": None, "last_image_id": str(ids[-1]), "encoder": "efficientnet_lite0"},
        **{"weights_digest": WEIGHTS, "annotated_digest": annotations.annotated_digest},
        **{"labelled": [str(ids[2]), str(ids[4])], "revisions": None, "not_in_use": []},
        "count_copies": True,
        "algorithm_version": expected.algorithm_version,
        **{"computed_with": computed_with(), "picks_digest": selections.picks_digest(document["picks"])},
    }


def test_a_selection_is_of_the_pool_that_was_asked_about(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, ask: Ask
) -> None:
    """Photos that are added between the question and the job are neither picked nor in the digests."""
    vectors = cloud()
    ids = planted(pools, pool_id, vectors)
    tests = planted(pools, pool_id, 100 + cloud(2, seed=1), "test")
    before = {"test_distance": 0.1, "up_to": str(tests[-1])}
    with tools.database.read() as session:
        asked = [selections.images_state(session, pool_id, split).digest for split in ("train", "test")]
    planted(pools, pool_id, 50 + cloud(5, seed=2))
    planted(pools, pool_id, vectors, "test")
    document = ask(**before)
    assert picked(document) == chosen(ids, vectors)
    receipt = document["receipt"]
    assert [receipt["images_digest"], receipt["tests_digest"]] == asked
    assert receipt["last_image_id"] == str(tests[-1])


def test_the_same_request_gives_the_same_picks(pools: Pools, pool_id: uuid.UUID, ask: Ask) -> None:
    """Two jobs with the same spec pick the same images; another seed makes another random draw."""
    planted(pools, pool_id, cloud())
    first, again, other = (picked(ask(strategy="random", seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_images_come_in_the_order_of_ids_whatever_the_order_of_shards(
    pools: Pools, pool_id: uuid.UUID, ask: Ask
) -> None:
    """The picks do not change if the shards were made in another order than their images were added, or if
    test images were added in between.
    """
    vectors = cloud(10)
    first_job, first = pools.photos(pool_id, [b"photo"] * 6)
    planted(pools, pool_id, cloud(2, seed=1), "test")
    second_job, second = pools.photos(pool_id, [b"photo"] * 4)
    add_shard(pools, pool_id, second_job, second, vectors[6:])
    add_shard(pools, pool_id, first_job, first, vectors[:6])
    assert picked(ask()) == chosen([*first, *second], vectors)


def test_images_can_be_named_included_and_excluded(pools: Pools, pool_id: uuid.UUID, ask: Ask) -> None:
    """Only images whose names match the glob count. Included images come first, excluded images do not count,
    and an annotated image covers others even if its name does not match.
    """
    vectors = cloud()
    names = [f"2024-{n}.png" if n < 8 else f"2023-{n}.png" for n in range(12)]
    ids = planted(pools, pool_id, vectors, names=names)
    pools.annotation(ids[9], scene(0)[1])
    document = ask(name="2024-*", include=[str(ids[5])], exclude=[str(ids[1])])
    rows = [*range(8), 9]
    options = {"labelled": [8], "include": [5], "exclude": [1, 8]}
    assert picked(document) == chosen([ids[row] for row in rows], vectors[rows], **options)
    assert picked(document)[0] == str(ids[5])
    assert document["receipt"]["image_count"] == 12


def test_only_candidates_are_considered(pools: Pools, pool_id: uuid.UUID, ask: Ask) -> None:
    """The picks are those from a pool of the candidates and the annotated images, which cover others."""
    vectors = cloud()
    ids = planted(pools, pool_id, vectors)
    pools.annotation(ids[9], scene(0)[1])
    rows = [*range(2, 9), 9]
    document = ask(candidates=[str(ids[row]) for row in rows[:-1]])
    assert picked(document) == chosen([ids[row] for row in rows], vectors[rows], labelled=[7], exclude=[7])
    assert len(document["receipt"]["candidates"]) == 7


def test_the_test_split_can_be_picked_from(pools: Pools, pool_id: uuid.UUID, ask: Ask) -> None:
    """Annotations and images of the train split then have no effect."""
    vectors = cloud()
    ids = planted(pools, pool_id, vectors, "test")
    pools.annotation(planted(pools, pool_id, cloud(3, seed=1))[0], scene(0)[1])
    pools.annotation(ids[3], scene(0)[1])
    document = ask(split="test", test_distance="auto")
    assert picked(document) == chosen(ids, vectors, labelled=[3])
    assert document["left_out"]["near_test"] == []


def test_images_too_near_to_a_test_image_are_left_out_and_reported(
    pools: Pools, pool_id: uuid.UUID, ask: Ask
) -> None:
    """Two train images near to test images are not picked, although they are far from the others. An image to
    include stays, and is reported too. With "auto" the threshold is reported; with "off" all are picked.
    """
    tests = np.array([[50, 0, 0, 0], [0, 60, 0, 0], [0, 0, 70, 0]], np.float16)
    near = tests + np.array([[0.375, 0, 0, 0], [0.25, 0, 0, 0], [0.125, 0, 0, 0]], np.float16)
    vectors = np.concatenate([cloud(9), near])
    ids = planted(pools, pool_id, vectors)
    test_ids = planted(pools, pool_id, tests, "test")
    document = ask(test_distance=0.5, include=[str(ids[11])])
    left_out = document["left_out"]
    assert picked(document)[0] == str(ids[11])
    assert {str(ids[9]), str(ids[10])}.isdisjoint(picked(document))
    found = [(e["image_id"], e["test_image_id"], e["distance"]) for e in left_out["near_test"]]
    assert found == [(str(ids[10]), str(test_ids[1]), 0.25), (str(ids[9]), str(test_ids[0]), 0.375)]
    assert (left_out["near_test_count"], left_out["test_distance"]) == (2, 0.5)
    [kept] = left_out["near_test_kept"]
    assert (kept["image_id"], kept["test_image_id"]) == (str(ids[11]), str(test_ids[2]))
    assert left_out["near_test_kept_count"] == 1
    auto = ask(test_distance="auto")["left_out"]
    assert {entry["image_id"] for entry in auto["near_test"]} == {str(image_id) for image_id in ids[9:]}
    assert auto["test_distance"] == pytest.approx(DUPLICATE_SHARE * typical_distance(vectors))
    assert {str(image_id) for image_id in ids[9:]} < set(picked(ask(budget=4)))


def test_picks_without_leaks_are_those_of_the_plain_embeddings(
    pools: Pools, pool_id: uuid.UUID, ask: Ask
) -> None:
    """The search for leaks and the strategy share one projection of the embeddings, which changes nothing: a
    plain search finds the same leaks, and the library picks the same images of a float32 array without them.
    """
    rng = np.random.default_rng(4)
    vectors = (rng.normal(size=(80, 20)) @ rng.normal(size=(20, 300))).astype(np.float16)
    shifts = rng.normal(size=(20, 300)) * np.linspace(0.1, 6, 20)[:, None]
    tests = (vectors[:20] + shifts).astype(np.float16)
    ids = planted(pools, pool_id, vectors)
    planted(pools, pool_id, tests, "test")
    plain = vectors.astype(np.float32)
    apart = np.linalg.norm(plain[:, None] - tests, axis=2).min(axis=1)
    for distance, leak_count, seed in ((30.0, 6, 0), (80.9, 28, 1)):
        exclude = np.flatnonzero(apart <= distance).tolist()
        assert len(exclude) == leak_count
        for strategy in STRATEGIES:
            document = ask(strategy=strategy, seed=seed, budget=10, test_distance=distance)
            patches = patches_of(vectors)
            expected = selection.select(strategy, plain, 10, seed=seed, exclude=exclude, patches=patches)
            assert picked(document) == [str(ids[pick.index]) for pick in expected.picks], strategy
            leaks = {entry["image_id"] for entry in document["left_out"]["near_test"]}
            assert leaks == {str(ids[row]) for row in exclude}


def test_what_counts_as_near_does_not_depend_on_the_name_filter(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, ask: Ask, shutdown: threading.Event
) -> None:
    """Even if a filter leaves little more than the frames of one drive, they are all too near to its test
    frame. The "auto" distances and δ are the same with any filter, and as in a search for duplicates.
    """
    drive = np.array([30, 0, 0, 0]) + 0.05 * cloud(11, seed=1)
    names = [*(f"a-{n}.png" for n in range(13)), *(f"b-{n}.png" for n in range(30))]
    ids = planted(pools, pool_id, np.concatenate([drive[:10], 9 * cloud(33)]), names=names)
    planted(pools, pool_id, drive[10:], "test")
    fitted = set()
    for options in ({"name": "a-*"}, {"name": "a-[0-9].png", "include": [str(ids[0])], "budget": 1}, {}):
        document = ask(test_distance="auto", duplicates_within="auto", **options)
        left_out = document["left_out"]
        near = {entry["image_id"] for entry in left_out["near_test"]}
        assert near == {str(image_id) for image_id in ids[:10] if str(image_id) not in picked(document)}
        delta = document["coverage"]["delta"]
        fitted.add((left_out["test_distance"], left_out["duplicates_within"], delta))
    [(test_distance, within, _)] = fitted
    job_id = pools.job(pool_id, "search", {"what": "duplicates", "within": None})
    run(job_id, tools, shutdown)
    result = pools.get(job_id).result
    assert result
    with tools.blobs.open(result["duplicates"]["sha256"]) as file:
        assert json.load(file)["within"] == within == test_distance


def test_near_duplicates_count_as_one(pools: Pools, pool_id: uuid.UUID, ask: Ask) -> None:
    """Only one of several images within the distance counts, the annotated or included one if there is one.
    The others are neither picked nor counted, and each is reported with the one that counts.
    """
    vectors = np.repeat(10 * np.eye(4, dtype=np.float16), 3, axis=0)
    vectors += 0.01 * np.arange(12, dtype=np.float16)[:, None]
    ids = planted(pools, pool_id, vectors)
    pools.annotation(ids[1], scene(0)[1])
    document = ask(duplicates_within=0.5, include=[str(ids[5])])
    assert picked(document)[0] == str(ids[5])
    assert set(picked(document)[1:]) == {str(ids[6]), str(ids[9])}
    duplicates = document["left_out"]["duplicates"]
    pairs = {(entry["image_id"], entry["of_image_id"]) for entry in duplicates}
    expected = {(0, 1), (2, 1), (3, 5), (4, 5), (7, 6), (8, 6), (10, 9), (11, 9)}
    assert pairs == {(str(ids[row]), str(ids[of])) for row, of in expected}
    assert [pick["cluster_size"] for pick in document["picks"]] == [1, 1, 1]
    assert document["left_out"]["duplicate_count"] == 8


def test_class_balance_counts_pixels_of_the_newest_annotations(
    pools: Pools, pool_id: uuid.UUID, ask: Ask
) -> None:
    """The weights come from the shares of the classes in the newest annotations, without ignored pixels. The
    receipt has the revisions.
    """
    vectors = cloud(30)
    ids = planted(pools, pool_id, vectors)
    pools.annotation(ids[20], scene(5)[1])
    pools.annotation(ids[3], scene(1)[1])
    pools.annotation(ids[3], scene(2)[1], revision=2)
    counted = [drawing(2)[1][:-4], drawing(5)[1][:-4]]
    shares = np.array([[(label_map == k).mean() for k in range(4)] for label_map in counted])
    weights = class_balance(vectors, [3, 20], shares)
    document = ask(balance=True)
    assert picked(document) == chosen(ids, vectors, labelled=[3, 20], weights=weights)
    expected = selection.select("kmedoids", vectors, 3, seed=7, labelled=[3, 20], weights=weights)
    assert document["picks"][-1]["coverage"] == pytest.approx(expected.picks[-1].coverage)
    assert document["receipt"]["revisions"] == [2, 1]


def test_uncertainty_is_measured_once(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, ask: Ask, tmp_path: Path
) -> None:
    """Photos that the model is unsure about count more; a second selection reads no photo and no model."""
    vectors = cloud()
    ids = planted(pools, pool_id, vectors)
    folder = untrained(tmp_path / "model")
    model_id = pools.model(pool_id, folder)
    translator = Translator.load(folder, device="cpu")
    masks = [translator.translate(drawing(n)[0], (256, 256)).doubtful for n in range(12)]
    scores = np.array([mask.mean() for mask in masks if mask is not None])
    first = ask(model=str(model_id))
    assert picked(first) == chosen(ids, vectors, weights=uncertainty_weights(scores))
    with tools.database.read() as session:
        kept = {row.image_id: row.score for row in session.scalars(sql_select(Uncertainty))}
    assert kept == pytest.approx(dict(zip(ids, scores, strict=True)))
    for path in (tools.settings.data_dir / "blobs").glob("??/*"):
        if path.stat().st_size != (128 + vectors.nbytes):
            path.unlink()
    assert picked(ask(model=str(model_id))) == picked(first)


def test_a_question_that_the_library_refuses_fails_for_good(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The job fails at its first attempt, with the library's message."""
    planted(pools, pool_id, cloud())
    job_id = pools.job(pool_id, "select", spec(strategy="best"))

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error
    assert job.error["type"] == "invalid-selection"
    assert job.error["detail"].startswith("There is no strategy 'best': choose one of kmedoids,")


def test_a_filter_that_no_name_matches_fails_for_good(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The job fails at its first attempt, although other images are embedded."""
    planted(pools, pool_id, cloud())
    planted(pools, pool_id, cloud(2), "test")
    job_id = pools.job(pool_id, "select", spec(name="none-*", test_distance="auto"))

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error
    assert job.error["type"] == "budget-exceeds-pool"


def test_fewer_are_picked_if_that_was_asked_for(pools: Pools, pool_id: uuid.UUID, ask: Ask) -> None:
    """All that are neither annotated nor copies of others, and the receipt gives them again."""
    ids = planted(pools, pool_id, np.repeat(cloud(5), 2, axis=0))
    pools.annotation(ids[0], scene(0)[1])
    document = ask(budget=9, or_fewer=True, duplicates_within=0)
    assert set(picked(document)) == set(map(str, ids[2::2]))
    assert (document["budget"], document["receipt"]["or_fewer"]) == (9, True)


def test_a_budget_above_what_is_left_fails_for_good(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The error says how many images can be picked, and why the others cannot."""
    ids = planted(pools, pool_id, np.repeat(cloud(5), 2, axis=0))
    pools.annotation(ids[0], scene(0)[1])
    job_id = pools.job(pool_id, "select", spec(budget=5, duplicates_within=0))

    run(job_id, tools, shutdown)

    job = pools.get(job_id)
    assert job.state == "failed"
    assert job.error
    assert job.error["type"] == "budget-exceeds-pool"
    assert "only 4 of the embedded train images can be picked (annotated: 1; " in job.error["detail"]
    assert "(`duplicates_within`): 5). Ask for fewer" in job.error["detail"]
