"""Jobs: the durable units of work behind trainings, evaluations and translations."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from fewpairs.errors import FewpairsError, JobFailed
from fewpairs.evaluation import Evaluation
from fewpairs.resource import Resource
from fewpairs.streams import Event, followed
from fewpairs.transport import Transport

if TYPE_CHECKING:
    from fewpairs.model import Model

ENDED = frozenset({"succeeded", "failed", "cancelled"})
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0


class Job(Resource):
    """One job as the service last described it; `refresh`, `wait` and `events` bring it up to date."""

    collection = "/jobs"

    def __repr__(self) -> str:
        return f"Job({self.kind} {self.id}: {self.state})"

    @property
    def kind(self) -> str:
        """What it does: embed, select, explain, search, train, evaluate, translate, import, scenes, …"""
        return str(self.document["kind"])

    @property
    def state(self) -> str:
        """queued, running, succeeded, failed or cancelled."""
        return str(self.document["state"])

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def missing_classes(self) -> list[str]:
        """The classes of which the pairs of this training have no pixel, as far as that is known."""
        return list(self.document["missing_classes"] or [])

    @property
    def progress(self) -> float:
        """The share of the work that is done, 0 to 1."""
        return float(self.document["progress"]["share"] or 0.0)

    @property
    def result(self) -> dict[str, Any]:
        """The result of a job that has succeeded; empty before."""
        return self.document["result"] or {}

    @property
    def estimate(self) -> dict[str, Any] | None:
        """`memory_bytes`, `seconds`, `steps_per_second` of a training; None until shortly after its start."""
        return self.document["estimate"] or None

    @property
    def model(self) -> "Model":
        """The model that a finished training made."""
        from fewpairs.model import Model

        return Model.get(self._transport, self._need("model_id"))

    @property
    def scores(self) -> dict[str, Any]:
        """The scores that a finished evaluation measured."""
        return dict(self._need("metrics"))

    @property
    def evaluation(self) -> Evaluation:
        """The finished evaluation, with the scores of each image."""
        return Evaluation.get(self._transport, self._need("evaluation_id"))

    def _need(self, key: str) -> Any:
        if key not in self.result:
            raise FewpairsError(f"The {self.kind} job {self.id} is {self.state} and has no {key}.")
        return self.result[key]

    def cancel(self) -> "Job":
        """Ask the job to stop. Changes nothing if it has ended."""
        self._transport.request("POST", f"{self.address}/cancel")
        return self.refresh()

    def finish(self) -> "Job":
        """Ask a training to end now and to keep its model; `wait` for it. Changes nothing if it has ended.

        Raises FewpairsError if it has not begun, or is no training.
        """
        self._transport.request("POST", f"{self.address}/finish")
        return self.refresh()

    def retry(self) -> "Job":
        """Order a training, an evaluation or an export that failed or was cancelled again, as a new job."""
        answer = self._transport.json("POST", f"{self.address}/retry", once=True)
        return Job(self._transport, answer)

    def wait(self, on_progress: Callable[["Job"], None] | None = None, timeout: float | None = None) -> "Job":
        """Wait until the job has succeeded. Raises JobFailed, or TimeoutError after `timeout` seconds.

        `on_progress(job)` is called each time the job was looked at.
        """
        give_up = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_PAUSE_S
        while not self.refresh().ended:
            if on_progress:
                on_progress(self)
            if give_up is not None and time.monotonic() > give_up:
                raise TimeoutError(
                    f"The {self.kind} job {self.id} is still {self.state} after {timeout:g} s."
                )
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
        if on_progress:
            on_progress(self)
        return self.require_success()

    def require_success(self) -> "Job":
        """This job; raises JobFailed if it has failed or was cancelled."""
        if self.state in ("failed", "cancelled"):
            who, extras = f"The {self.kind} job {self.id}", {"job_id": self.id}
            if self.state == "cancelled":
                raise JobFailed(f"{who} was cancelled.", type="cancelled", status=409, extras=extras)
            error = self.document["error"]
            sentence, extras = f"{who} failed: {error['detail']}", extras | {"error": error}
            raise JobFailed(sentence, type=error["type"], status=409, extras=extras)
        return self

    def download(self, target: str | Path) -> Path:
        """Save the file that a finished job made: an export's zip, or an import's report."""
        return self._transport.download(f"{self.address}/output", Path(target))

    def samples(self, after: int = -1) -> list[int]:
        """The steps, later than `after`, after which a training drew a sample sheet; see `save_sample`."""
        return [sheet["step"] for sheet in self._after(f"{self.address}/samples", after)]

    def save_sample(self, step: int, target: str | Path) -> Path:
        """Save the sample sheet of a step, a PNG."""
        return self._transport.download(f"{self.address}/samples/{step}", Path(target))

    def log(self, tail: int = 100) -> list[str]:
        """The last lines, at most 1000, that a training has printed."""
        return list(self._transport.json("GET", f"{self.address}/log", params={"tail": tail})["lines"])

    def metrics(self, after: int = -1) -> list[dict[str, Any]]:
        """The loss history: one line for each reported step after step `after`."""
        return list(self._after(f"{self.address}/metrics", after))

    def _after(self, address: str, after: int) -> Iterator[dict[str, Any]]:
        """All items of a list that is paged by steps."""
        while True:
            page = self._transport.json("GET", address, params={"after": after})
            yield from page["items"]
            if page["next"] is None:
                return
            after = page["next"]

    def events(self) -> Iterator[Event]:
        """Metric lines and states as they happen, from the job's first line to its end.

        `kind` is `metric` (data: one line of the loss history) or `state` (data: the job as JSON). If the
        stream is lost, it goes on after the last event that arrived.
        """
        with closing(followed(self._transport, self.address, lambda: f"{self.address}/events")) as stream:
            for event in stream:
                if event.kind == "state":
                    self.document = event.data
                yield event
                if event.kind == "state" and self.ended:
                    return


def result_of(transport: Transport, response: httpx.Response) -> dict[str, Any]:
    """The answer in a response, or the result of the job that it has started. Raises JobFailed."""
    if response.status_code == 200:
        return response.json()  # type: ignore[no-any-return]
    return Job(transport, response.json()).wait().result


def answer_of(transport: Transport, path: str, **params: Any) -> httpx.Response:
    """The answer of an address, after the job that makes it if there is none yet. Raises JobFailed."""
    while True:
        response = transport.request("GET", path, params=params)
        if response.status_code == 200:
            return response
        settled(Job(transport, response.json()))


def settled(job: Job) -> Job:
    """The job, once it has succeeded or failed. Raises JobFailed if it was cancelled.

    Asking again then gives the answer, or the error; the request after an error starts a new job.
    """
    try:
        return job.wait()
    except JobFailed:
        if job.state == "cancelled":
            raise
        return job
