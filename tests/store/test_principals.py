"""Principals."""

from concurrent.futures import ThreadPoolExecutor

from store import principals
from store.database import Database


def test_a_principal_is_made_once(database: Database) -> None:
    """Processes that start at the same time agree on one row, which stays as it was made."""

    def ensured(admin: bool) -> principals.Principal | None:
        with database.write() as session:
            principals.ensure(session, "ana", admin=admin)
            return principals.named(session, "ana")

    first = ensured(True)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(ensured, [False] * 4)) == {first}
    assert first
    assert first.admin
