"""How much of what is kept each principal has added."""

import uuid
from typing import Any

from store import jobs, principals, quotas
from store.actors import Actor, acting
from store.database import Database
from store.quotas import Added
from store.settings import Settings


def ended(database: Database, whose: uuid.UUID, kind: str, spec: Any, result: Any) -> None:
    with database.write() as session, acting(Actor(whose)):
        job = jobs.create(session, Settings(), kind=kind, pool_id=None, spec=spec)
        claim = jobs.claim(session, job.id, worker="test", lease_s=60)
        assert claim
        jobs.succeed(session, claim, result)


def test_files_of_jobs_count_for_who_ordered_them(database: Database) -> None:
    """Those that are kept: what was sent, also of a job that goes on, and what came of it, however large."""
    with database.write() as session:
        ana, ben = (principals.ensure(session, name, admin=False).id for name in ("ana", "ben"))
    large = {"sha256": "0" * 64, "size": 3 * 10**9}
    ended(database, ana, "translate", {"size_bytes": 5}, {"label_map": None, "rgb": large})
    ended(database, ana, "translate", {}, {"label_map": large, "rgb": large})
    ended(database, ana, "export", {"format": "png"}, {"file": large})
    ended(database, ana, "search", {"what": "photo", "size_bytes": 11}, {"items": []})
    ended(database, ana, "import", {"size_bytes": 13}, {"taken": 1})
    with database.write() as session, acting(Actor(ana)):
        for kind, size in (("translate", 7), ("import", 17), ("search", 19)):
            jobs.create(session, Settings(), kind=kind, pool_id=None, spec={"size_bytes": size})
    with database.read() as session:
        assert quotas.added(session, ana) == Added(0, 5 + 7 + 17 + 19 + 4 * 3 * 10**9)
        assert quotas.added(session, ben) == Added()
