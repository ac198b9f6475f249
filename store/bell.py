"""The doorbell: Celery carries the id of a job to a worker, and nothing else. A lost ring is repeated."""

import uuid

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

log = structlog.get_logger()

TASK = "fewpairs.run_job"


def celery_app(broker_url: str) -> Celery:
    """The Celery application of both sides. `docs/operate.md` gives the reason for every setting."""
    app = Celery("fewpairs", broker=broker_url)
    app.conf.update(
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2,
        broker_pool_limit=2,
        broker_transport_options={
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
    )
    return app


class Bell:
    def __init__(self, broker_url: str) -> None:
        self._app = celery_app(broker_url)

    def ring(self, job_id: uuid.UUID, queue: str) -> None:
        """Say that a job is queued. Never raises, and takes a few seconds at most; the sweep rings again."""
        try:
            self._app.send_task(TASK, args=[str(job_id)], queue=queue, retry=False)
        except (OperationalError, OSError) as error:
            log.warning("bell.not_heard", job=str(job_id), queue=queue, error=str(error))

    def broker_answers(self) -> bool:
        """Whether the broker can be reached now. Takes a few seconds at most."""
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, timeout=2)
        except (OperationalError, OSError):
            return False
        return True

    def close(self) -> None:
        self._app.close()
