import io
import json
import threading
import uuid
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Picture
from sqlalchemy import select as sql_select
from sqlalchemy import update

from service.explanations import schemas
from store import explanations, images
from store.clock import from_now
from store.explanations import Member
from store.tables import Explanation, Image, Selection
from tests import published
from tests.worker.factories import Pools, scene
from tests.worker.planted import planted
from worker.attempt import Tools
from worker.run import run

PHOTOS = 30


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both databases."""
    asked = getattr(request, "param", "sqlite")
    return str(request.getfixturevalue("postgres_url")) if asked == "postgresql" else ""


@pytest.fixture
def pool_id(pools: Pools) -> uuid.UUID:
    """A pool of thirty embedded train images."""
    pool_id = pools.pool()
    planted(pools, pool_id, cloud(PHOTOS))
    return pool_id


def cloud(count: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Random points in five dimensions."""
    return np.random.default_rng(seed).normal(size=(count, 5))


def selected(pools: Pools, shutdown: threading.Event, pool_id: uuid.UUID, **options: Any) -> dict[str, Any]:
    """Make a selection. Returns its document."""
    question = {"budget": 4, "strategy": "random", "seed": 7, **options}
    job_id = pools.job(pool_id, "select", {"question": question, "up_to": None})
    run(job_id, pools.tools, shutdown)
    job = pools.get(job_id)
    assert job.result, job.error
    with pools.tools.database.read() as session:
        return session.get_one(Selection, uuid.UUID(job.result["selection_id"])).document


def explained(
    pools: Pools, shutdown: threading.Event, pool_id: uuid.UUID, selection: dict[str, Any]
) -> Explanation:
    """Make an explanation, and check its document and map against the API's schemas. Returns its row."""
    job_id = pools.job(pool_id, "explain", {"selection_id": selection["id"]})
    run(job_id, pools.tools, shutdown)
    assert pools.get(job_id).state == "succeeded", pools.get(job_id).error
    query = sql_select(Explanation).where(Explanation.job_id == job_id)
    with pools.tools.database.read() as session:
        explanation = session.scalars(query).one()
    published.check(schemas.Explained, explanation.document)
    published.check(schemas.PoolMap, json.loads(content(pools.tools, explanation, "map")))
    return explanation


def content(tools: Tools, explanation: Explanation, name: str) -> bytes:
    with tools.blobs.open(explanation.files[name]["sha256"]) as file:
        found = file.read()
    assert len(found) == explanation.files[name]["size"]
    return found


def members(tools: Tools, explanation: Explanation) -> list[list[Member]]:
    """The images of each pick's cluster."""
    file, start, found = io.BytesIO(content(tools, explanation, "members")), 0, []
    for pick in explanation.document["picks"]:
        found.append(explanations.unpacked(file, start, pick["count"]))
        start += pick["count"]
    assert file.read() == b""
    return found


def plain_distances(tools: Tools, pool_id: uuid.UUID, centres: list[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """The distances of each image to the centres, computed from the matrix without the library."""
    vectors = tools.vectors.pool_vectors(pool_id)
    matrix = np.asarray(vectors.matrix, np.float64)
    to = matrix[vectors.rows(centres)]
    apart = np.linalg.norm(matrix[:, None] - to[None], axis=2)
    return dict(zip(vectors.image_ids, apart, strict=True))


def ids(picks: list[dict[str, Any]]) -> list[uuid.UUID]:
    return [uuid.UUID(pick["image_id"]) for pick in picks]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_every_image_belongs_to_its_nearest_pick(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """Counts, mean distances, nearest images and coverage agree with a plain search."""
    selection = selected(pools, shutdown, pool_id)
    explanation = explained(pools, shutdown, pool_id, selection)
    document = explanation.document
    assert ids(document["picks"]) == ids(selection["picks"])
    expected = plain_distances(tools, pool_id, ids(document["picks"]))
    nearest = {id: float(apart.min()) for id, apart in expected.items()}
    found = members(tools, explanation)
    assert sorted(member.image_id for of_pick in found for member in of_pick) == sorted(nearest)
    for place, (pick, of_pick) in enumerate(zip(document["picks"], found, strict=True)):
        assert of_pick[0] == Member(uuid.UUID(pick["image_id"]), 0)
        apart = [member.distance for member in of_pick]
        assert apart == sorted(apart)
        for member in of_pick:
            assert member.distance == pytest.approx(expected[member.image_id][place], abs=1e-4)
            assert member.distance == pytest.approx(nearest[member.image_id], abs=1e-4)
        others = [{"image_id": str(m.image_id), "distance": m.distance} for m in of_pick[1:25]]
        assert [{"image_id": n["image_id"], "distance": n["distance"]} for n in pick["nearest"]] == others
        assert pick["mean_distance"] == pytest.approx(np.mean(apart[1:]) if apart[1:] else 0)
    coverage = document["coverage"]
    assert coverage["mean"] == pytest.approx(np.mean(list(nearest.values())), rel=1e-4)
    assert coverage["maximum"] == pytest.approx(max(nearest.values()), rel=1e-4)
    within = np.mean([distance <= coverage["delta"] for distance in nearest.values()])
    assert coverage["within"] == pytest.approx(within)
    assert coverage["mean"] == pytest.approx(selection["coverage"]["mean"], rel=1e-4)
    assert (document["images"], document["labelled"], document["budget"]) == (PHOTOS, 0, 4)
    assert [point["budget"] for point in document["curve"]] == [1, 2, 3, 4]
    assert document["curve"][-1]["mean_distance"] == pytest.approx(coverage["mean"], rel=1e-4)


def test_the_map_has_every_image_once(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """Each has a name, coordinates, its cluster and its distance, and picks are marked. Pictures are PNGs."""
    selection = selected(pools, shutdown, pool_id)
    explanation = explained(pools, shutdown, pool_id, selection)
    plane = json.loads(content(tools, explanation, "map"))
    found = members(tools, explanation)
    with tools.database.read() as session:
        names = images.names(session, tools.vectors.pool_vectors(pool_id).image_ids)
    points = {uuid.UUID(point["image_id"]): point for point in plane["points"]}
    assert len(points) == len(plane["points"]) == PHOTOS
    for rank, of_pick in enumerate(found, start=1):
        for member in of_pick:
            point = points[member.image_id]
            assert (point["cluster"], point["distance"]) == (rank, pytest.approx(member.distance))
            assert point["name"] == names[member.image_id].name
            assert point["pick"] == (member.image_id == of_pick[0].image_id)
            assert point["labelled"] is False
    assert len({(point["x"], point["y"]) for point in plane["points"]}) == PHOTOS
    for name in ("map.png", "curve.png"):
        with Picture.open(io.BytesIO(content(tools, explanation, name))) as picture:
            picture.load()
            assert picture.format == "PNG"


def test_labelled_images_cover_the_images_nearest_to_them(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """Images nearest to a labelled image belong to no pick, and later annotations change nothing. The map
    says the same for the first picks alone, however many.
    """
    images = sorted(tools.vectors.pool_vectors(pool_id).image_ids)
    pools.annotation(images[0], scene(0)[1])
    selection = selected(pools, shutdown, pool_id)
    picks = ids(selection["picks"])
    for pick in picks:
        pools.annotation(pick, scene(0)[1])

    explanation = explained(pools, shutdown, pool_id, selection)

    assert explanation.document["labelled"] == 1
    expected = plain_distances(tools, pool_id, [images[0], *picks])
    behind = {image_id for image_id, apart in expected.items() if apart.argmin() > 0}
    assert {m.image_id for of_pick in members(tools, explanation) for m in of_pick} == behind
    points = json.loads(content(tools, explanation, "map"))["points"]
    assert len(points) == PHOTOS
    assert {point["image_id"] for point in points if point["cluster"]} == {str(id) for id in behind}
    assert [point["image_id"] for point in points if point["labelled"]] == [str(images[0])]
    for point in points:
        apart = expected[uuid.UUID(point["image_id"])]
        for budget in range(len(picks) + 1):
            rank, distance = [step for step in point["nearer"] if step[0] <= budget][-1]
            assert rank == apart[: budget + 1].argmin()
            assert distance == pytest.approx(apart[rank], abs=1e-4)
    assert explanation.document["curve"][0]["budget"] == 0


def test_an_image_as_near_to_a_labelled_one_belongs_to_no_pick(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """An image that is equally near to a labelled image and to a pick is not counted for the pick. The number
    of images of each pick, the pick included, agrees with the selection.
    """
    labelled, pick, *_ = planted(pools, pool_id, np.full((3, 5), 9.0))
    pools.annotation(labelled, scene(0)[1])
    selection = selected(pools, shutdown, pool_id, include=[str(pick)])
    document = explained(pools, shutdown, pool_id, selection).document
    counts = [pick["count"] for pick in document["picks"]]
    assert counts == [pick["cluster_size"] for pick in selection["picks"]]
    assert counts[0] == 1


def test_an_explanation_is_of_the_pool_as_it_was(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """Later photos, photos of the other split and photos that were left out are not among the images."""
    with tools.database.write() as session:
        tests = sorted(tools.vectors.pool_vectors(pool_id).image_ids)[:2]
        session.execute(update(Image).where(Image.id.in_(tests)).values(split="test"))
    excluded = sorted(tools.vectors.pool_vectors(pool_id).image_ids)[5]
    selection = selected(pools, shutdown, pool_id, exclude=[str(excluded)], test_distance="off")
    planted(pools, pool_id, cloud(5, seed=1))

    explanation = explained(pools, shutdown, pool_id, selection)

    assert explanation.document["images"] == PHOTOS - 3
    found = {member.image_id for of_pick in members(tools, explanation) for member in of_pick}
    assert len(found) == PHOTOS - 3
    assert found.isdisjoint([*tests, excluded])


@pytest.mark.parametrize(
    ("who", "changed", "possible"),
    [
        ("pick", {"split": "test"}, False),
        ("pick", {"gone_at": from_now(3600)}, False),
        ("pick", {"shard_id": None}, False),
        ("pick", {"excluded": True}, True),
        ("pick", {"name": "b"}, True),
        ("twin", {"split": "test"}, True),
        ("twin", {"gone_at": from_now(3600)}, True),
    ],
)
def test_it_is_known_before_whether_a_selection_can_be_explained(
    pools: Pools, shutdown: threading.Event, who: str, changed: dict[str, Any], possible: bool
) -> None:
    """It cannot once a pick is no embedded image of the split; it can whatever else happens to a pick and to
    an image that looks like it. What is explained stays so."""
    pool_id = pools.pool()
    vectors = np.vstack([cloud(1), cloud(PHOTOS)])
    twin, pick, *others = planted(pools, pool_id, vectors, names=[f"a{place}" for place in range(PHOTOS + 1)])
    question = {"candidates": [str(pick), *map(str, others[:3])], "name": "a*", "test_distance": "auto"}
    made = [selected(pools, shutdown, pool_id, seed=seed, **question) for seed in (1, 2)]
    explained(pools, shutdown, pool_id, made[0])
    of_which = Image.id == (pick if who == "pick" else twin)
    with pools.tools.database.write() as session:
        session.execute(update(Image).where(of_which).values(**changed))
    with pools.tools.database.read() as session:
        rows = [session.get_one(Selection, uuid.UUID(document["id"])) for document in made]
        assert [explanations.is_possible(session, row) for row in rows] == [True, possible]
    if possible:
        found = members(pools.tools, explained(pools, shutdown, pool_id, made[1]))
        assert [of_pick[0].image_id for of_pick in found] == ids(made[1]["picks"])
    else:
        job_id = pools.job(pool_id, "explain", {"selection_id": made[1]["id"]})
        run(job_id, pools.tools, shutdown)
        error = pools.get(job_id).error
        assert error
        assert error["type"] == "picks-missing"


@pytest.mark.parametrize("budget", [1, PHOTOS])
def test_one_pick_and_all_images_can_be_explained(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event, budget: int
) -> None:
    """A single pick represents all images; if all images are picked, each represents itself."""
    selection = selected(pools, shutdown, pool_id, budget=budget)
    document = explained(pools, shutdown, pool_id, selection).document
    assert [pick["count"] for pick in document["picks"]] == [PHOTOS // budget] * budget
    if budget == PHOTOS:
        assert document["coverage"]["maximum"] == 0
        assert {pick["mean_distance"] for pick in document["picks"]} == {0}


def test_the_curve_is_drawn_once_more_with_costs(
    tools: Tools, pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The picture is drawn from the earlier results, with an additional scale of times at the top."""
    selection = selected(pools, shutdown, pool_id)
    explanation = explained(pools, shutdown, pool_id, selection)
    spec = {"selection_id": selection["id"], "minutes_per_image": 4.0}
    job_id = pools.job(pool_id, "explain", spec)
    run(job_id, pools.tools, shutdown)
    job = pools.get(job_id)
    assert job.result, job.error
    with tools.blobs.open(job.result["curve"]["sha256"]) as file:
        priced = np.asarray(Picture.open(file))
    plain = np.asarray(Picture.open(io.BytesIO(content(tools, explanation, "curve.png"))))
    assert priced.shape == plain.shape
    # The scale moves everything below it a little down.
    assert 0.01 < (priced != plain).mean() < 0.5


def test_a_selection_by_words_says_what_each_pick_brings(
    pools: Pools, pool_id: uuid.UUID, shutdown: threading.Event
) -> None:
    """The document tells the picks' patches and gains, which fall; for another strategy it tells none."""
    selection = selected(pools, shutdown, pool_id, strategy="words")
    words = explained(pools, shutdown, pool_id, selection).document["words"]
    assert [pick["rank"] for pick in words["picks"]] == [1, 2, 3, 4]
    gains = [pick["gain"] for pick in words["picks"]]
    assert gains == sorted(gains, reverse=True)
    assert all(len(pick["patches"]) == 2 for pick in words["picks"])
    other = selected(pools, shutdown, pool_id, strategy="kmedoids")
    assert explained(pools, shutdown, pool_id, other).document["words"] is None
