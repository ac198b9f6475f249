"""The OpenAPI document's prose, and the interactive page, whose scripts this server serves itself."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from service.http.render import ProblemDocument

DESCRIPTION = """
You can label only a few of your images. Fewpairs says which ones, takes the label maps as you draw them, and
trains a photo → label-map translator from those few pairs plus everything that has no pair.

1. `POST /pools`: name the classes.
2. `PUT /pools/{id}/images/{name}`: upload photos; they are embedded on their own.
3. `GET /pools/{id}/select?budget=10`: learn which ten to label.
4. `PUT /images/{id}/annotation`: send their label maps.
5. `POST /pools/{id}/trainings`: train; watch `/jobs/{id}/events`.
6. `POST /models/{id}/translate`: turn any photo into a label map.

Whatever was answered with 2xx is durable. Every error is an RFC 9457 problem (`application/problem+json`)
whose `type` is stable and whose `detail` says what to do. Lists are paged: ask
again with `cursor` set to `next`.
"""

TAGS = [
    {"name": "pools", "description": "A set of photos with one class table and one encoder."},
    {"name": "images", "description": "The photos of a pool, kept byte for byte."},
    {"name": "label maps", "description": "Unpaired label maps: those that belong to no photo of the pool."},
    {"name": "selections", "description": "Which images to label with a budget."},
    {"name": "explanations", "description": "Why these: coverage, a map, and what each pick stands for."},
    {"name": "similar images", "description": "Neighbours of a photo, and duplicates in a pool."},
    {"name": "assignments", "description": "Picks in annotators' hands, so that two never draw the same."},
    {
        "name": "annotations",
        "description": "The label maps of images, in revisions that are never overwritten.",
    },
    {"name": "trainings and evaluations", "description": "Ordering the long work; each answers with a job."},
    {"name": "jobs", "description": "Watching and cancelling work."},
    {
        "name": "models",
        "description": "Translators, trained or imported: their scores and files, and translating with them.",
    },
    {"name": "evaluations", "description": "The scores of models, image by image, and what was predicted."},
    {"name": "operations", "description": "For whoever runs the service."},
]

ASSETS = "/docs/assets"


def install(app: FastAPI) -> None:
    app.mount(ASSETS, StaticFiles(packages=[("fastapi_offline", "static")]), name="assets")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Fewpairs API",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("/docs")


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the problem schema that every error refers to."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemDocument.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return schema
