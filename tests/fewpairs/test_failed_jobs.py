"""What the client reports of jobs that end without a result."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fewpairs import Client as Fewpairs
from fewpairs import Job, JobFailed, Pool
from store.settings import Settings
from tests import drawings
from tests.processes import until
from tests.service.serving import Client, serve
from tests.service.steps import add_selection, embed, fail, selection_document

Ending = Callable[[Job], object]


@pytest.fixture(params=[0, 30], ids=["waited for", "answered at once"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """A service that answers 202 at once, and one that waits for the end of a job."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", answer_wait_s=request.param)
    with serve(settings) as service:
        yield service


@pytest.fixture
def failing(service: Client, photos: Path) -> Iterator[Pool]:
    """A pool of one embedded photo."""
    with Fewpairs(str(service.base_url)) as client:
        pool = client.create_pool("failing", classes=drawings.CLASS_TABLE)
        pool.upload(photos / "images" / "0000.png")
        embed(service, pool.id)
        yield pool


def asked(pool: Pool, question: Callable[[], object], end: Ending) -> object:
    """The error of a question whose job ends in this way."""
    with ThreadPoolExecutor() as thread:
        answer = thread.submit(question)
        until(lambda: list(pool.jobs(state="queued")), "the question's job")
        [job] = pool.jobs(state="queued")
        end(job)
        return answer.result(timeout=30)


def test_a_failed_job_is_the_same_error_however_soon_it_fails(service: Client, failing: Pool) -> None:
    """It is JobFailed with the type of the job's error, or `cancelled`; the same whether the service answers
    with the failure or the client waits for the job."""
    document = selection_document(failing.id, list(failing.images()))
    asked(failing, lambda: failing.select(1), lambda job: add_selection(service, job.document, document))
    for question in (lambda: failing.select(1, seed=1), failing.explain):
        with pytest.raises(JobFailed, match="cancelled") as cancelled:
            asked(failing, question, Job.cancel)
        assert (cancelled.value.type, cancelled.value.status) == ("cancelled", 409)
        with pytest.raises(JobFailed, match="No memory") as failed:
            asked(failing, question, lambda job: fail(service, job.id, "No memory."))
        assert (failed.value.type, failed.value.status) == ("training-diverged", 409)
        assert failed.value.extras["error"] == {"type": "training-diverged", "detail": "No memory."}
        assert failed.value.extras["job_id"] != cancelled.value.extras["job_id"]
