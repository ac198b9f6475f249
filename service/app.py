"""The HTTP API. `uvicorn --factory service.app:create_app --no-proxy-headers` serves it with settings from
the environment.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from service.access import first_admin
from service.access.acting import Acting
from service.access.credentials import Authenticated
from service.access.limits import Limited
from service.access.passwords import Passwords
from service.advice import routes as advice
from service.annotations import routes as annotations
from service.archives import routes as archives
from service.assignments import routes as assignments
from service.decoding import queue
from service.doctor import routes as doctor
from service.drafts import routes as drafts
from service.evaluations import routes as evaluations
from service.events import routes as events
from service.explanations import routes as explanations
from service.exports import routes as exports
from service.http import openapi, render
from service.http.browsers import Guarded
from service.http.forwarded import Forwarded
from service.http.observe import JobCensus, Metrics, Observed
from service.images import routes as images
from service.imports import routes as imports
from service.jobs import routes as jobs
from service.keys import routes as keys
from service.label_maps import routes as label_maps
from service.maps import routes as maps
from service.members import routes as members
from service.models import routes as models
from service.operations import routes as operations
from service.pages import routes as pages
from service.pools import routes as pools
from service.problems import routes as problems
from service.revisions import routes as revisions
from service.runtime import Service
from service.samples import routes as samples
from service.scenes import routes as scenes
from service.selections import routes as selections
from service.sessions import routes as sessions
from service.signatures import routes as signatures
from service.similar import routes as similar
from service.suggestions import routes as suggestions
from service.trainings import routes as trainings
from service.users import routes as users
from service.webhooks import routes as webhooks
from store.database import MOST_THREADS
from store.settings import Settings, read_settings


class App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = openapi.completed(super().openapi())
        return self.openapi_schema


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application; when it starts it opens the database and requires the newest schema."""
    settings = settings or read_settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = MOST_THREADS - queue.PLACES
        service = app.state.service = await run_in_threadpool(Service, settings)
        app.state.of_settings = await run_in_threadpool(first_admin.prepare, service)
        metrics.registry.register(JobCensus(service.database))
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(service.watch.run(lambda: app.state.stopping()))
            yield
            watching.cancel()
        await run_in_threadpool(service.close)

    app = App(
        title="Fewpairs",
        version=version("fewpairs"),
        summary="Label ten images, translate thousands.",
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
    )
    app.state.metrics = metrics
    app.state.passwords = Passwords()
    app.state.answers = {}  # of `service.access.standing`
    app.state.stopping = lambda: False  # `service.__main__.server` replaces it
    app.add_middleware(Acting)
    app.add_middleware(Limited)
    app.add_middleware(Authenticated)
    app.add_middleware(Guarded, settings=settings)
    secrets = (settings.admin_key, settings.metrics_key, settings.local_token)
    app.add_middleware(Observed, metrics=metrics, unexpected=render.unexpected, secrets=secrets)
    app.add_middleware(Forwarded, settings=settings)
    render.install(app)
    for noun in (
        *(pools, members, archives, images, label_maps, selections, assignments, annotations, drafts),
        *(revisions, imports, exports, scenes, explanations, maps, similar, suggestions),
        *(events, webhooks, advice, trainings, jobs, samples, models, evaluations, operations, doctor),
        *(problems, sessions, users, keys, signatures, pages),
    ):
        app.include_router(noun.router)
    openapi.install(app)
    pages.install(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
