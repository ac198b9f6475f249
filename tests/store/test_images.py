"""How new images are distributed to embed jobs."""

import uuid

import pytest

from store import images, job_lists, jobs, pools
from store.database import Database
from store.job_lists import Wanted
from store.jobs import Claim
from store.settings import Settings
from store.tables import Image, Job

SETTINGS = Settings(embed_chunk=4)


@pytest.fixture
def pool_id(database: Database) -> uuid.UUID:
    with database.write() as session:
        return pools.create(session, name="p", class_table=None, encoder="resnet50").id


def photos(*numbers: int, split: str = "train") -> list[Image]:
    return [
        Image(
            name=f"{n}.jpg",
            split=split,
            sha256=f"{n:064x}",
            size_bytes=1,
            media_type="image/jpeg",
            width=8,
            height=8,
        )
        for n in numbers
    ]


def add(database: Database, pool_id: uuid.UUID, *numbers: int) -> list[Job]:
    """Add images. Returns the jobs that are full now."""
    with database.write() as session:
        return images.add(session, SETTINGS, pool_id, photos(*numbers))[1]


def chunks(database: Database) -> list[list[str]]:
    """The names of the images of each embed job, oldest job first."""
    with database.read() as session:
        found = session.query(Job).order_by(Job.id).all()
        names = [
            [image.name for image in session.query(Image).filter_by(embed_job_id=job.id).order_by(Image.id)]
            for job in found
        ]
    assert [job.total for job in found] == [len(chunk) for chunk in names]
    return names


def test_images_fill_one_job_after_another(database: Database, pool_id: uuid.UUID) -> None:
    """A job takes images until it is full; then its bell is due, and the next job takes the rest."""
    assert add(database, pool_id, 1, 2, 3) == []
    assert len(add(database, pool_id, 4, 5)) == 1
    assert len(add(database, pool_id, *range(6, 14))) == 2
    assert chunks(database) == [
        ["1.jpg", "2.jpg", "3.jpg", "4.jpg"],
        ["5.jpg", "6.jpg", "7.jpg", "8.jpg"],
        ["9.jpg", "10.jpg", "11.jpg", "12.jpg"],
        ["13.jpg"],
    ]


def test_a_claimed_job_takes_no_more_images(database: Database, pool_id: uuid.UUID) -> None:
    """From the first claim on its images are fixed, even if it is queued again for another attempt."""
    add(database, pool_id, 1)
    first = claim_newest(database)
    add(database, pool_id, 2)
    for claim in (first, claim_newest(database)):
        with database.write() as session:
            jobs.retry(session, claim, type="worker-crashed", detail="d")
    add(database, pool_id, 3)
    assert chunks(database) == [["1.jpg"], ["2.jpg"], ["3.jpg"]]


def claim_newest(database: Database) -> Claim:
    with database.write() as session:
        newest = job_lists.newest(session, Wanted())
        assert newest
        claim = jobs.claim(session, newest.id, worker="test", lease_s=60)
    assert claim
    return claim


def test_a_known_name_is_not_added_again(database: Database, pool_id: uuid.UUID) -> None:
    """The same bytes are unchanged, other bytes or the other split are a conflict; no job gets them."""
    add(database, pool_id, 1)
    other = Image(
        name="1.jpg", split="train", sha256="f" * 64, size_bytes=1, media_type="image/jpeg", width=8, height=8
    )
    with database.write() as session:
        added, _ = images.add(
            session, SETTINGS, pool_id, [*photos(1), other, *photos(1, split="test"), *photos(2, 2)]
        )
    outcomes = [entry.outcome for entry in added]
    assert outcomes == ["unchanged", "conflict", "conflict", "created", "unchanged"]
    assert chunks(database) == [["1.jpg", "2.jpg"]]


def test_pools_do_not_share_jobs(database: Database, pool_id: uuid.UUID) -> None:
    """An embed job belongs to one pool, whose encoder it uses."""
    with database.write() as session:
        other = pools.create(session, name="q", class_table=None, encoder="resnet50").id
    add(database, pool_id, 1)
    add(database, other, 2)
    assert chunks(database) == [["1.jpg"], ["2.jpg"]]
