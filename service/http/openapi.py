"""The OpenAPI document: its texts, the errors of a route, and the interactive page with its scripts."""

import base64
import hashlib
import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from service.http import problems
from service.http.problems import Problem
from service.http.render import PROBLEM_JSON
from store.states import ROLES

DESCRIPTION = """
You can label only a few of your images. Fewpairs says which ones, takes the label maps as you draw them, and
trains a photo → label-map translator from those few pairs plus everything that has no pair.

1. `POST /pools`: name the classes.
2. `PUT /pools/{id}/images/{name}`: upload photos; the service embeds them.
3. `GET /pools/{id}/select?budget=10`: ask which ten to label.
4. `PUT /images/{id}/annotation`: send their label maps.
5. `POST /pools/{id}/trainings`: train; watch `/jobs/{id}/events`.
6. `POST /models/{id}/translate`: turn any photo into a label map.

Whatever the service answered with 2xx is durable. Every error is an RFC 9457 problem
(`application/problem+json`): its `type` is stable, and its `detail` says what to do. Lists are paged: ask
again with `cursor` set to `next`.
"""

TAGS = [
    {"name": name, "description": description}
    for name, description in {
        "pools": "A set of photos with one class table and one encoder.",
        "members": "Who may do what in a pool.",
        "archives": "A whole pool in one file, to move it to another server.",
        "images": "The photos of a pool, kept byte for byte.",
        "label maps": "Unpaired label maps, which belong to no photo of the pool.",
        "selections": "Which images to label with a given budget.",
        "explanations": "Why these images: coverage, a map, and the images each pick stands for.",
        "similar images": "Images that look like a photo, and duplicates in a pool.",
        "suggestions": "Label maps that the program proposes. They are no annotations and count nowhere.",
        "assignments": "Picks handed out to annotators, so that no two people draw the same image.",
        "annotations": "The label maps of images, kept as revisions that are never overwritten.",
        "events": "What was done, by whom and when.",
        "maps": "All photos of a pool as points of a plane.",
        "scenes": "Street scenes that a worker draws, for a first try.",
        "webhooks": "Addresses that are told what happens in a pool.",
        "imports and exports": "Annotations from other tools, and for them.",
        "users": "Who may use the service, and the sessions of their browsers.",
        "keys": "Keys of programs that use this service for somebody.",
        "advice": "How to train on what a pool has, and what to label next.",
        "trainings and evaluations": "Order long work; the answer is a job.",
        "jobs": "Watch and cancel work.",
        "models": "Translators, trained or imported: their scores and files, and translations.",
        "evaluations": "The scores of models, image by image, and their predictions.",
        "operations": "For operators of the service.",
    }.items()
]

NEEDS: dict[str, str] = {
    "anyone": "Anybody may ask who has a key or is logged in.",
    **{str(role): f"Needs the role `{role}` in the pool." for role in ROLES},
    "admin": "Only an administrator may.",
}

ASSETS = "/docs/assets"

Responses = dict[int | str, dict[str, Any]]


class ProblemDocument(BaseModel):
    """An RFC 9457 problem. `type` is stable; it is also the address of an explanation on this server."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(examples=["/problems/not-found"])
    title: str = Field(description="A summary, the same for every problem of this type.")
    status: int
    detail: str = Field(description="What is wrong with this request, and what to do about it.")
    instance: str = Field(description="The address of the request.")


def content(media_type: str, description: str, what: str = "these bytes") -> Responses:
    """The `responses` of a route that answers with bytes, for the OpenAPI document."""
    return {
        200: {"content": {media_type: {}}, "description": description},
        304: {"description": f"`If-None-Match` names {what}."},
    }


def part(media_type: str) -> Responses:
    """The answer to a request with `Range`, for the OpenAPI document."""
    return {206: {"content": {media_type: {}}, "description": "The bytes that `Range` asks for."}}


def stored(model: type[BaseModel], noun: str) -> Responses:
    """The `responses` of a route that adds to a pool, or has nothing to add, for the OpenAPI document."""
    return {
        201: {"model": model, "description": f"The {noun} is new, and durable."},
        200: {"model": model, "description": f"The pool already has this {noun}, with the same bytes."},
    }


def errors(*kinds: type[Problem]) -> Responses:
    """The `responses` of a route that may refuse a request with these problems, for the OpenAPI document."""
    found: Responses = {}
    if problems.NotFound in kinds:
        kinds = (*kinds, problems.Gone)
    always: tuple[type[Problem], ...] = (
        *(problems.BadRequest, problems.Unauthenticated, problems.Forbidden, problems.Validation),
        *(problems.TooManyRequests, problems.InternalError, problems.Unavailable),
    )
    for kind in dict.fromkeys((*kinds, *always)):
        response = found.setdefault(kind.status, {"description": "", "content": {PROBLEM_JSON: {}}})
        response["description"] += f"`{kind.slug}`: {kind.title}.\n\n"
        content = response["content"][PROBLEM_JSON]
        content["schema"] = {"$ref": "#/components/schemas/Problem"}
        content.setdefault("examples", {})[kind.slug] = {
            "summary": kind.title,
            "value": {
                "type": f"/problems/{kind.slug}",
                "title": kind.title,
                "status": kind.status,
                "detail": "What is wrong with this request, and what to do about it.",
                "instance": "/…",
            },
        }
    return found


def install(app: FastAPI) -> None:
    app.mount(ASSETS, StaticFiles(packages=[("fastapi_offline", "static")]), name="assets")

    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Fewpairs API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = _policy_of(bytes(page.body).decode())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return page


def _policy_of(html: str) -> str:
    """What the page with Swagger UI may load: its own script, which stands in the page, and drawn icons."""
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'self'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; frame-ancestors 'none'"
    )


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the problem schema that every error refers to, and needs in words."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemDocument.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for operation in (operation for path in schema["paths"].values() for operation in path.values()):
        for requirement in operation.get("security", []):
            [need] = requirement["key"]
            told = f"{operation.get('description', '')}\n\n{NEEDS[need]}"
            operation["description"] = told.strip()
    return schema
