"""Logs and metrics for operators: one log line per request, and Prometheus metrics."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store import jobs
from store.database import Database

log = structlog.get_logger()

QUIET = ("/healthz", "/readyz", "/metrics")
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""The methods with metrics of their own: a client may invent any number of others."""

ANSWER_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; worker-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""What browsers may do with an answer; on every answer that has no other value of its own."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,36}")
"""The ids of requests that are taken over from clients. They are logged, and all secrets that the service
makes are longer.
"""
SECONDS = (0.005, 0.02, 0.1, 0.5, 2.5, 10.0, 60.0)


def log_as_json() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("fewpairs_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "fewpairs_request_seconds",
            "Time to answer.",
            labels[:2],
            buckets=SECONDS,
            registry=self.registry,
        )


class JobCensus(Collector):
    """Counts jobs by kind and state whenever Prometheus asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily("fewpairs_jobs", "Jobs in the database.", labels=["kind", "state"])
        with self._database.read() as session:
            for kind, state, count in jobs.census(session):
                family.add_metric([kind, state], count)
        yield family


class Observed:
    """ASGI middleware: a request id, a metric and a log line for each request, and headers for browsers.

    `unexpected` answers exceptions that no handler inside answered; here the request id is known. What is in
    `secrets` is never taken for a request id.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        unexpected: Callable[[Request, BaseException], Response],
        secrets: Collection[str],
    ) -> None:
        self._app, self._metrics, self._unexpected = app, metrics, unexpected
        self._secrets = secrets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        is_id = REQUEST_ID.fullmatch(given) and given not in self._secrets
        request_id = given if is_id else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status, bytes_in, bytes_out = None, 0, 0

        async def counting() -> Message:
            nonlocal bytes_in
            message = await receive()
            bytes_in += len(message.get("body", b""))
            return message

        async def noting(message: Message) -> None:
            nonlocal status, bytes_out
            bytes_out += len(message.get("body", b""))
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in ANSWER_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, counting, noting)
            except (Exception, asyncio.CancelledError) as error:
                answer = self._unexpected(Request(scope), error)
                if status is not None:
                    raise  # the answer has begun, so the server can only cut the connection
                await answer(scope, receive, noting)
            finally:
                self._note(scope, status or 500, time.perf_counter() - started, bytes_in, bytes_out)

    def _note(self, scope: Scope, status: int, seconds: float, bytes_in: int, bytes_out: int) -> None:
        route = getattr(scope.get("route"), "path_format", None) or getattr(
            scope.get("route"), "path", "other"
        )
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        if scope["path"] not in QUIET:
            principal, client = scope["state"].get("principal"), scope.get("client")
            log.info(
                "request",
                method=scope["method"],
                path=_without_names(scope, route),
                status=status,
                ms=round(seconds * 1000, 1),
                principal=principal.name if principal else None,
                client=client[0] if client else None,
                bytes_in=bytes_in,
                bytes_out=bytes_out,
            )


def _without_names(scope: Scope, route: Any) -> str:
    """The address for the log, which outlives photos: their names are left out."""
    if "{name" not in str(route):
        return str(scope["path"])
    ids = {key: value for key, value in scope["path_params"].items() if key != "name"}
    return re.sub(r"\{(\w+)[^}]*\}", lambda part: str(ids.get(part[1], part[0])), route)
