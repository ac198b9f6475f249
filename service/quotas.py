"""How much each principal may add to what is kept."""

import threading
import time
from uuid import UUID

from service.http.limits import how_to_raise
from service.http.problems import QuotaReached
from store import quotas
from store.actors import current
from store.database import Database
from store.quotas import Added
from store.settings import Settings

COUNTED_AGAIN_S = 60.0
"""What others add, in other processes or meanwhile, is noticed after this time."""


class Quotas:
    """What principals have added, counted once a minute for each who adds something."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._counted: dict[UUID, tuple[float, Added]] = {}
        self._lock = threading.Lock()

    def require_room(self, photos: int = 0) -> None:
        """Raise QuotaReached if whoever acts may add nothing more, or not so many photos."""
        principal_id = current().principal_id
        if principal_id is None:
            return
        added = self._added(principal_id)
        if photos and added.photos + photos > self._settings.max_photos:
            raise self._reached(f"{added.photos:,} photos", "max_photos")
        if added.bytes >= self._settings.max_bytes:
            raise self._reached(
                f"{added.bytes:,} bytes of photos, label maps, drafts, translations, imports and exports",
                "max_bytes",
            )

    def note(self, photos: int, size: int) -> None:
        """Whoever acts has added so many photos, or a label map, of this size in bytes."""
        with self._lock:
            if counted := self._counted.get(principal_id := current().principal_id or UUID(int=0)):
                self._counted[principal_id] = counted[0], counted[1] + Added(photos, size)

    def _added(self, principal_id: UUID) -> Added:
        with self._lock:
            counted = self._counted.get(principal_id)
        if counted and time.monotonic() - counted[0] < COUNTED_AGAIN_S:
            return counted[1]
        with self._database.read() as session:
            added = quotas.added(session, principal_id)
        with self._lock:
            self._counted[principal_id] = time.monotonic(), added
        return added

    def _reached(self, what: str, limit: str) -> QuotaReached:
        return QuotaReached(
            f"You have added {what}, and this server keeps no more of one principal: delete some, which "
            f"count until they are removed for good{how_to_raise(self._settings, limit)}."
        )
