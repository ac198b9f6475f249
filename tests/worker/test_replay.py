"""Replays: a selection is made again from its receipt."""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from models.machine import computed_with
from service.selections.schemas import Replayed
from store.tables import Image, Selection
from tests import published
from tests.worker.factories import Pools, scene
from tests.worker.model_folders import untrained
from tests.worker.planted import planted
from worker.attempt import Tools
from worker.run import run

Question = dict[str, Any]
Run = Callable[[str, dict[str, Any]], dict[str, Any]]

QUESTION: Question = {
    **{"budget": 3, "strategy": "kmedoids", "seed": 7, "split": "train", "name": None, "include": []},
    "or_fewer": False,
    **{"exclude": [], "duplicates_within": None, "test_distance": "auto", "balance": False, "model": None},
}


def cloud(count: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(count, 4))


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both databases."""
    asked = getattr(request, "param", "sqlite")
    return str(request.getfixturevalue("postgres_url")) if asked == "postgresql" else ""


@pytest.fixture
def pool_id(pools: Pools) -> uuid.UUID:
    return pools.pool()


@pytest.fixture
def done(tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event) -> Run:
    """Runs a new job of the pool to its end. Returns its result."""

    def done(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        job_id = pools.job(pool_id, kind, spec)
        run(job_id, tools, shutdown)
        job = pools.get(job_id)
        assert job.state == "succeeded", job.error
        assert job.result
        return job.result

    return done


def made(tools: Tools, done: Run, **options: Any) -> dict[str, Any]:
    """Make a selection. Returns its document."""
    selection_id = done("select", {"question": QUESTION | options, "up_to": None})["selection_id"]
    with tools.database.read() as session:
        return session.get_one(Selection, uuid.UUID(selection_id)).document


def replayed(done: Run, receipt: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Replay the receipt as the service orders it. Returns the result."""
    receipt = {**receipt, "picks": None, **changes}
    question = {name: receipt[name] for name in QUESTION}
    result = done("replay", {"question": question, "receipt": receipt})
    published.check(Replayed, result)
    return result


@pytest.mark.parametrize("budget", [3, 30])
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_receipt_gives_the_same_picks_though_the_pool_has_grown(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, done: Run, tmp_path: Path, budget: int
) -> None:
    """With every option, after photos, test photos, annotations and revisions were added, the document is the
    same to the last digit, except for its id. The result says what was added.
    """
    ids = planted(pools, pool_id, cloud(20, 0), names=[f"a{n}.png" for n in range(20)])
    planted(pools, pool_id, cloud(3, 1), "test")
    for image_id in ids[:2]:
        pools.annotation(image_id, scene(1)[1])
    model_id = str(pools.model(pool_id, untrained(tmp_path / "model")))
    options = {"name": "a*", "include": [str(ids[5])], "exclude": [str(ids[6])], "duplicates_within": 0.1}
    options |= {"budget": budget, "or_fewer": True}
    before = made(tools, done, **options, balance=True, model=model_id)
    planted(pools, pool_id, cloud(4, 2), names=[f"a-new{n}.png" for n in range(4)])
    planted(pools, pool_id, cloud(2, 3), "test")
    pools.annotation(ids[0], scene(2)[1], revision=2)
    pools.annotation(ids[7], scene(3)[1])

    result = replayed(done, before["receipt"])

    assert result["same"]
    assert "id" not in result["selection"]
    assert result["selection"] | {"id": before["id"]} == before
    assert result["changed"] == [
        "Photos added since, which the replay leaves out: 6.",
        "Photos annotated since, which the replay treats as not annotated: 1.",
    ]


def test_photos_excluded_later_change_no_replay(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, done: Run
) -> None:
    """The receipt knows which photos were not in use; what was excluded or included since is reported."""
    ids = planted(pools, pool_id, cloud(12, 0))
    planted(pools, pool_id, cloud(2, 1), "test")
    exclude(tools, ids[0])
    before = made(tools, done)
    assert before["receipt"]["not_in_use"] == [str(ids[0])]
    picked = [uuid.UUID(pick["image_id"]) for pick in before["picks"]]
    assert ids[0] not in picked
    exclude(tools, ids[0], False)
    exclude(tools, picked[0])

    result = replayed(done, before["receipt"])

    assert result["same"]
    assert result["changed"] == [
        "Photos excluded since, which the replay does not leave out: 1.",
        "Photos that are in use again since, which the replay leaves out: 1.",
    ]
    assert done("explain", {"selection_id": before["id"]}) == {"selection_id": before["id"]}
    assert str(picked[0]) not in {pick["image_id"] for pick in made(tools, done)["picks"]}


def exclude(tools: Tools, image_id: uuid.UUID, excluded: bool = True) -> None:
    with tools.database.write() as session:
        session.execute(update(Image).where(Image.id == image_id).values(excluded=excluded))


def test_a_selection_by_patches_is_replayed_from_the_photos_of_then(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, done: Run
) -> None:
    """`words` picks the same photos again, in the same order, though photos with patches of their own and
    annotations were added since, which change what it picks now.
    """
    ids = planted(pools, pool_id, cloud(12, 0))
    pools.annotation(ids[3], scene(1)[1])
    before = made(tools, done, strategy="words")
    planted(pools, pool_id, 5 * cloud(12, 1))
    for pick in before["picks"]:
        pools.annotation(uuid.UUID(pick["image_id"]), scene(2)[1])

    result = replayed(done, before["receipt"], picks=before["picks"])

    assert result["selection"] | {"id": before["id"]} == before
    assert result["same"]


def test_a_replay_is_not_a_selection_of_the_pool(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, done: Run
) -> None:
    """It has no id and adds no row, so the newest selection, whose picks are handed out to annotators, stays
    the same.
    """
    planted(pools, pool_id, cloud(8, 0))
    before = made(tools, done)
    assert replayed(done, before["receipt"])["changed"] == []
    with tools.database.read() as session:
        assert [str(row.id) for row in session.query(Selection)] == [before["id"]]


def test_changes_are_reported(tools: Tools, pools: Pools, pool_id: uuid.UUID, done: Run) -> None:
    """Other photos, other test photos, other weights, another algorithm, and missing labelled or included
    images are each reported in one sentence. Other picks are reported as not the same.
    """
    ids = planted(pools, pool_id, cloud(8, 0))
    planted(pools, pool_id, cloud(2, 1), "test")
    pools.annotation(ids[0], scene(1)[1])
    receipt = made(tools, done)["receipt"]
    stranger = str(uuid.uuid4())
    cases: list[tuple[dict[str, Any], str, bool]] = [
        ({"images_digest": "0" * 64, "image_count": 9}, "there were 9, and the replay finds 8", True),
        ({"tests_digest": "0" * 64}, "The test photos", True),
        ({"weights_digest": "1" * 64}, f"embedded with efficientnet_lite0 (weights {'1' * 64})", True),
        ({"algorithm_version": "kmedoids-0"}, "The algorithm was kmedoids-0 and is", True),
        (
            {"labelled": [str(ids[0]), stranger], "annotated_digest": "0" * 64},
            "Annotated photos that are missing in the pool now: 1 of 2.",
            True,
        ),
        ({"include": [stranger]}, "Included photos that are missing in the pool now: 1 of 1.", True),
        ({"picks_digest": "0" * 64}, "Nothing in the receipt has changed", False),
        ({"budget": 100}, "The budget is 100, but only 7", False),
        ({"strategy": "best"}, "There is no strategy 'best'", False),
    ]
    for changes, sentence, same in cases:
        result = replayed(done, receipt, **changes)
        assert result["same"] == same, changes
        assert len([text for text in result["changed"] if sentence in text]) == 1, changes


def test_other_versions_of_libraries_explain_other_picks(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, done: Run
) -> None:
    """A library is named only if its version differs and the picks differ. If the picks are known, the first
    rank with another pick is named too.
    """
    planted(pools, pool_id, cloud(8, 0))
    document = made(tools, done)
    receipt, now = document["receipt"], computed_with()
    others = {"computed_with": now | {"numpy": "1.0", "platform": "Linux arm64 (DEFAULT)"}}
    assert replayed(done, receipt, **others, picks=document["picks"])["changed"] == []
    picks = [document["picks"][0], {"image_id": str(uuid.uuid4())}, document["picks"][2]]
    result = replayed(done, receipt, **others, picks=picks, picks_digest="0" * 64)
    assert not result["same"]
    assert result["changed"] == [
        "The picks were computed with numpy 1.0, platform Linux arm64 (DEFAULT), "
        f"and are computed with numpy {now['numpy']}, platform {now['platform']} now.",
        "The first pick that differs has rank 2.",
    ]
