"""Roles in pools, and the pool of each kind of thing."""

import uuid

import pytest
from sqlalchemy.orm import Session

from store import events, job_lists, jobs, memberships, pools, principals
from store.database import Database
from store.settings import Settings
from store.states import ROLES
from store.tables import (
    Assignment,
    Base,
    Evaluation,
    Image,
    LabelMap,
    Model,
    Pool,
    Selection,
    new_id,
)

FILE = {"sha256": "0" * 64, "size_bytes": 1, "media_type": "image/png"}


def somebody(session: Session, name: str) -> uuid.UUID:
    principals.ensure(session, name, admin=False)
    found = principals.named(session, name)
    assert found
    return found.id


def new_pool(session: Session, name: str) -> uuid.UUID:
    return pools.create(session, name=name, class_table=None, encoder="resnet50").id


def one_of_each(session: Session, pool_id: uuid.UUID) -> dict[str, uuid.UUID]:
    """The ids of things in the pool, one of each kind."""
    job = jobs.create(session, Settings(), kind="train", pool_id=pool_id, spec={}).id
    image = Image(pool_id=pool_id, name="a", split="train", width=1, height=1, embed_job_id=job, **FILE)
    label_map = LabelMap(pool_id=pool_id, source="s", name="a", width=1, height=1, **FILE)
    selection = Selection(pool_id=pool_id, job_id=job, document={})
    model = Model(pool_id=pool_id, job_id=job, method="hybrid", spec={}, receipt={})
    made: dict[str, Base] = {
        **{"image": image, "label_map": label_map, "selection": selection, "model": model}
    }
    session.add_all(made.values())
    session.flush()
    evaluation = Evaluation(
        model_id=model.id, job_id=job, split="test", direction="photos_to_labels", metrics={}
    )
    assignment = Assignment(
        pool_id=pool_id,
        **{"selection_id": selection.id, "image_id": image.id, "rank": 1, "annotator": "ana"},
        lease_expires_at=session.get_one(Pool, pool_id).created_at,
    )
    session.add_all([evaluation, assignment])
    session.flush()
    made |= {"evaluation": evaluation, "assignment": assignment}
    ids: dict[str, uuid.UUID] = {kind: row.id for kind, row in made.items()}  # type: ignore[attr-defined]
    return {"pool": pool_id, "job": job, **ids}


def test_a_role_reaches_everything_in_its_pool_and_nothing_else(database: Database) -> None:
    """Whatever kind of thing an id is of, the role over it is the one in its pool; in other pools there is
    none, and an id of another kind is of nothing.
    """
    with database.write() as session:
        ana = somebody(session, "ana")
        mine, theirs = new_pool(session, "mine"), new_pool(session, "theirs")
        memberships.put(session, mine, ana, "annotator")
        here, there = one_of_each(session, mine), one_of_each(session, theirs)
        kinds = {"pool", "evaluation", *memberships.IN_A_POOL}
        assert here.keys() == kinds
        for kind in kinds:
            assert memberships.role_over(session, ana, kind, here[kind]) == "annotator"
            assert memberships.role_over(session, ana, kind, there[kind]) is None
            assert memberships.role_over(session, ana, kind, new_id()) is None
            for other in kinds - {kind}:
                assert memberships.role_over(session, ana, kind, here[other]) is None


def test_what_was_removed_for_good_still_has_its_pool(database: Database) -> None:
    """Its members may be told so, and nobody else."""
    with database.write() as session:
        ana, ben = somebody(session, "ana"), somebody(session, "ben")
        mine, theirs = new_pool(session, "mine"), new_pool(session, "theirs")
        memberships.put(session, mine, ana, "viewer")
        memberships.put(session, theirs, ben, "curator")
        gone = new_id()
        events.add(session, mine, "removed", "image", gone)
        assert memberships.role_over(session, ana, "image", gone) == "viewer"
        assert memberships.role_over(session, ben, "image", gone) is None


@pytest.mark.parametrize("role", ROLES)
def test_a_member_has_the_role_given_last(database: Database, role: str) -> None:
    """A second role replaces the first; the end of a membership can be repeated."""
    with database.write() as session:
        ana, pool_id = somebody(session, "ana"), new_pool(session, "mine")
        for given in ("curator", role):
            memberships.put(session, pool_id, ana, given)  # type: ignore[arg-type]
        [member] = memberships.page(session, pool_id, after=None, limit=2)
        assert (member.id, member.name, member.role) == (ana, "ana", role)
        for _ in range(2):
            memberships.remove(session, pool_id, ana)
            assert memberships.page(session, pool_id, after=None, limit=2) == []


def test_lists_show_pages_of_the_principals_own_pools(database: Database) -> None:
    """Pages of pools and of jobs are full and complete although rows of others lie between."""
    with database.write() as session:
        ana = somebody(session, "ana")
        made = [new_pool(session, f"pool {n}") for n in range(6)]
        ordered = [
            jobs.create(session, Settings(), kind="train", pool_id=pool_id, spec={}).id for pool_id in made
        ]
        for pool_id in made[::2]:
            memberships.put(session, pool_id, ana, "viewer")
        first, cursor = pools.page(session, pools.Wanted(seen_by=ana), cursor=None, limit=2)
        rest, _ = pools.page(session, pools.Wanted(seen_by=ana), cursor=cursor, limit=2)
        assert [pool.id for pool in (*first, *rest)] == made[::2]
        newest, cursor = job_lists.page(session, job_lists.Wanted(seen_by=ana), limit=2)
        assert job_lists.total(session, job_lists.Wanted(seen_by=ana)) == 3
        older, _ = job_lists.page(session, job_lists.Wanted(seen_by=ana), cursor=cursor, limit=2)
        assert [job.id for job in (*newest, *older)] == ordered[::2][::-1]
