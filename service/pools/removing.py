"""Take the last classes out of a class table: only if nothing knows them."""

from sqlalchemy.orm import Session

from service.http.problems import ClassInUse
from service.runtime import Service
from store import class_use
from store.tables import Pool

MOST_NAMED, MOST_LISTED = 3, 100
ADVICE = {
    "annotation": "All revisions of label maps are kept: delete these photos for good (DELETE "
    "/images/{id}?now=1, `fewpairs photo delete NAME --now`), or rename the class to one that you need.",
    "draft": "Ask those who paint these photos to use other classes, or to drop what is unfinished.",
    "label_map": "Delete the unpaired label maps for good (DELETE /label_maps/{id}?now=1, `fewpairs delete "
    "label-map ID --now`).",
    "model": "Delete the models for good (DELETE /models/{id}?now=1, `fewpairs delete model ID --now`).",
    "job": "Cancel the jobs, or wait until they have ended.",
}
"""What to do, by the kind of what uses a class."""


def release(service: Service, session: Session, pool: Pool, first: int) -> None:
    """Make sure that nothing uses the classes of a pool from the position `first` on, and forget which labels
    of imports mean them. The caller has locked the pool. Raises ClassInUse.
    """
    assert pool.class_table
    names = [entry["name"] for entry in pool.class_table["classes"][first:]]
    found = list(class_use.uses(session, service.blobs, pool.id, first))
    if found:
        others = len(found) - MOST_NAMED
        users = "; ".join(use.words for use in found[:MOST_NAMED])
        more = f"; and {others} more" if others > 0 else ""
        kinds = dict.fromkeys(use.kind for use in found)
        raise ClassInUse(
            f"{', '.join(names)} cannot be taken out of the class table, because it may be used by: "
            f"{users}{more}. {' '.join(ADVICE[kind] for kind in kinds)}",
            used_by=[{"kind": use.kind, "id": str(use.id)} for use in found[:MOST_LISTED]],
        )
    mapping = pool.label_mapping or {}
    pool.label_mapping = {
        label: place for label, place in mapping.items() if place is None or place < first
    } or None
