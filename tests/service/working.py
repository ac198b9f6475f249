"""A worker for the service of a test: it runs one job, in the test's process."""

import threading
import uuid
from typing import Any

from tests.service.serving import Client
from worker.attempt import Tools
from worker.cache.networks import Networks
from worker.run import run


def work(client: Client, job_id: str) -> dict[str, Any]:
    """Run a queued job as a worker does, and return it."""
    service = client.service
    networks = Networks(service.settings, service.database, service.blobs)
    tools = Tools(service.settings, service.database, service.blobs, networks)
    run(uuid.UUID(job_id), tools, threading.Event())
    job: dict[str, Any] = client.get(f"/jobs/{job_id}").json()
    return job
