"""What is said of photos that are not embedded yet, and what is done about it."""

from uuid import UUID

from service.http.problems import PoolNotEmbedded
from service.runtime import Service
from store import images, jobs, pools


def not_embedded_yet(service: Service, pool_id: UUID, detail: str, **members: int) -> Exception:
    """The problem to raise. Embedding that ended without its images starts again, and the problem says so."""
    detail += _embed_again(service, pool_id)
    return PoolNotEmbedded(detail, **members).with_headers(Retry_After="2")


def _embed_again(service: Service, pool_id: UUID) -> str:
    with service.database.read() as session:
        if not images.stranded(session, pool_id):
            return ""
    with service.database.write() as session:
        pools.lock(session, pool_id)
        again = images.embed_again(session, service.settings, pool_id)
        failed = jobs.page(session, pool_id=pool_id, state="failed", kind="embed", limit=1)
    service.ring(*again)
    why = f" It had failed: {failed[0].error['detail']}" if failed and failed[0].error else ""
    return f" Embedding had ended before its time and was started again.{why}"
