"""Lists in every order, page by page, searched and counted, on SQLite and on PostgreSQL."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple, get_args

import pytest
from sqlalchemy.orm import Session

from store import evaluations, image_lists, job_lists, jobs, models, pools, uncertainties
from store.database import Database
from store.images import add as add_images
from store.pages import WrongCursor
from store.settings import Settings
from store.tables import Evaluation, EvaluationImage, Image, Model

NAMES = ["b", "a", "d", "c", "f", "e"]
ODD_NAMES = ["100% Sure", "100_sure", "1000 SURE"]
SCORES = [0.1 + 0.2, 0.3, -7.5, 0.3, 1 / 3, 0.3]


class List(NamedTuple):
    """A list of the store; `rows` are all of its rows, and `keys` what they are ordered by."""

    sorts: Any
    wanted: Any
    page: Callable[..., tuple[list[Any], str | None]]
    total: Callable[..., int]
    rows: list[Any]
    keys: dict[str, Callable[[Any], Any]]


def of_pools(session: Session, names: list[str]) -> List:
    rows = [pools.create(session, name=name, class_table=None, encoder="resnet50") for name in names]
    keys = {"added": attrgetter("id"), "name": attrgetter("name")}
    return List(pools.Sort, pools.Wanted(), pools.page, pools.total, rows, keys)


def of_images(session: Session, names: list[str]) -> List:
    pool_id = pools.create(session, name="p", class_table=None, encoder="resnet50").id
    values = {"split": "test", "sha256": "0" * 64, "size_bytes": 1, "media_type": "image/png"}
    photos = [Image(name=name, width=50_000 + n % 3, height=50_000, **values) for n, name in enumerate(names)]
    rows = [entry.image for entry in add_images(session, Settings(), pool_id, photos)[0]]
    model = Model(pool_id=pool_id, name="m", method="onnx", spec={}, receipt={})
    session.add(model)
    session.flush()
    scores = {image.id: score for image, score in zip(rows, SCORES, strict=False)}
    uncertainties.add(session, model.id, scores)
    keys: dict[str, Callable[[Any], Any]] = {
        "added": attrgetter("id"),
        "name": attrgetter("name"),
        "pixels": lambda image: image.width * image.height,
        "uncertainty": lambda image: scores[image.id],
    }
    wanted = image_lists.Wanted(pool_id, model=model.id)

    def page(*args: Any, **options: Any) -> tuple[list[Image], str | None]:
        found, following = image_lists.page(*args, **options)
        return [image for image, *_ in found], following

    return List(image_lists.Sort, wanted, page, image_lists.total, rows, keys)


def of_models(session: Session, names: list[str]) -> List:
    pool_id = pools.create(session, name="p", class_table=None, encoder="resnet50").id
    rows = []
    for n, name in enumerate(names):
        called: dict[str, Any] = {"name": name, "spec": {}} if n % 3 else {"spec": {"recipe": name}}
        rows.append(Model(pool_id=pool_id, method=("pix2pix", "hybrid")[n % 2], receipt={}, **called))
        session.add(rows[-1])
        session.flush()
    keys: dict[str, Callable[[Any], Any]] = {
        "added": attrgetter("id"),
        "name": lambda model: model.name or model.spec["recipe"],
        "method": attrgetter("method"),
    }
    return List(models.Sort, models.Wanted(pool_id), models.page, models.total, rows, keys)


def of_jobs(session: Session, names: list[str]) -> List:
    rows = []
    for n, name in enumerate(names):
        pool_id = pools.create(session, name=name, class_table=None, encoder="resnet50").id
        kind = ("train", "embed")[n % 2]
        rows.append(jobs.create(session, Settings(), kind=kind, pool_id=pool_id, spec={}))
        rows[-1].state = ("succeeded", "failed", "queued")[n % 3]
    session.flush()
    keys = {"added": attrgetter("id"), "kind": attrgetter("kind"), "state": attrgetter("state")}
    return List(job_lists.Sort, job_lists.Wanted(), job_lists.page, job_lists.total, rows, keys)


def of_scored_images(session: Session, names: list[str]) -> List:
    photos = of_images(session, names)
    job = jobs.create(session, Settings(), kind="evaluate", pool_id=photos.wanted.pool_id, spec={})
    evaluation = Evaluation(
        id=uuid.uuid4(),
        model_id=photos.wanted.model,
        job_id=job.id,
        split="test",
        direction="photos_to_labels",
        metrics={},
    )
    of_each = {"evaluation_id": evaluation.id, "scores": {}, "sha256": "0" * 64, "size_bytes": 1}
    scores = [
        EvaluationImage(image_id=image.id, score=score, **of_each)
        for image, score in zip(photos.rows, SCORES, strict=False)
    ]
    evaluations.add(session, evaluation, scores)
    wanted = evaluations.Wanted(evaluation.id)
    score_of = {row.image_id: row.score for row in scores}
    keys: dict[str, Callable[[Any], Any]] = {
        "score": lambda image: score_of[image.id],
        "name": attrgetter("name"),
    }
    return List(evaluations.Sort, wanted, evaluations.images, evaluations.total, photos.rows, keys)


EVERY_LIST = pytest.mark.parametrize("made", [of_pools, of_images, of_models, of_jobs, of_scored_images])


@EVERY_LIST
def test_pages_have_each_row_once_in_every_order(database: Database, made: Callable[..., List]) -> None:
    """With pages of any size, also where keys are equal or differ only in the last bit. A cursor is of one
    order: it is refused in another, and so is one that was changed.
    """
    with database.write() as session:
        listed = made(session, NAMES)
        assert {sort.removeprefix("-") for sort in get_args(listed.sorts)} == set(listed.keys)
        assert listed.total(session, listed.wanted) == len(NAMES)
        for sort in get_args(listed.sorts):
            key = listed.keys[sort.removeprefix("-")]
            expected = sorted(listed.rows, key=lambda row: (key(row), row.id), reverse=sort.startswith("-"))
            for limit in range(1, len(NAMES) + 2):
                found, cursor = [], None
                while True:
                    wanted = replace(listed.wanted, sort=sort)
                    page, cursor = listed.page(session, wanted, cursor=cursor, limit=limit)
                    found += page
                    if cursor is None:
                        break
                    assert len(page) == limit
                assert [row.id for row in found] == [row.id for row in expected], (sort, limit)
        first, second, *_ = get_args(listed.sorts)
        _, cursor = listed.page(session, replace(listed.wanted, sort=first), cursor=None, limit=1)
        for wrong in (cursor, ".", f"{second}.", f"{second}.x", f"{second}.x.y", str(uuid.uuid4())):
            with pytest.raises(WrongCursor):
                listed.page(session, replace(listed.wanted, sort=second), cursor=wrong, limit=1)


@EVERY_LIST
def test_a_part_of_a_name_is_taken_literally(database: Database, made: Callable[..., List]) -> None:
    """`%` and `_` stand for themselves, upper and lower case are the same, and what is found is counted."""
    with database.write() as session:
        listed = made(session, ODD_NAMES)
        ids = [row.id for row in listed.rows]
        for part, found in (("0%", [0]), ("0_S", [1]), ("SuRe", [0, 1, 2]), ("0__", []), ("\\", [])):
            wanted = replace(listed.wanted, contains=part, sort=get_args(listed.sorts)[0])
            page, _ = listed.page(session, wanted, cursor=None, limit=9)
            assert {row.id for row in page} == {ids[n] for n in found}, part
            assert listed.total(session, wanted) == len(found)


def test_jobs_are_found_by_what_they_do_and_by_their_errors(database: Database) -> None:
    """The method of a training, the name of the pool and the error are searched, and no more."""
    with database.write() as session:
        street = pools.create(session, name="Street", class_table=None, encoder="resnet50").id
        forest = pools.create(session, name="forest", class_table=None, encoder="resnet50").id
        spec = {"method": "pix2pix", "recipe": "tiny"}
        train = jobs.create(session, Settings(), kind="train", pool_id=street, spec=spec)
        embed = jobs.create(session, Settings(), kind="embed", pool_id=forest, spec={})
        jobs.create(session, Settings(), kind="doctor", pool_id=None, spec={})
        embed.error = {"type": "out-of-memory", "detail": "There was no memory left."}
        session.flush()
        for part, found in {
            "PIX": [train],
            "street": [train],
            "no memory": [embed],
            "or": [embed],
            "train": [],
            "tiny": [],
            "out-of": [],
        }.items():
            wanted = job_lists.Wanted(contains=part, sort="added")
            assert (part, job_lists.page(session, wanted, limit=9)[0]) == (part, found)


def test_a_page_follows_what_was_on_the_one_before(database: Database) -> None:
    """The next page of jobs by state begins where it did, although the job before has another state by now
    or is gone.
    """
    with database.write() as session:
        listed = of_jobs(session, NAMES)
        for job in listed.rows:
            job.state = "queued"
        session.flush()
        wanted = job_lists.Wanted(sort="state")
        [first, second], cursor = job_lists.page(session, wanted, limit=2)
        first.state = second.state = "succeeded"
        session.flush()
        rest, _ = job_lists.page(session, wanted, cursor=cursor, limit=4)
        assert [job.id for job in rest] == [job.id for job in listed.rows[2:]]
