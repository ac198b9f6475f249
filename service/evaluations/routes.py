"""Addresses of evaluations."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from service.evaluations.schemas import Evaluation, ScoredImage
from service.http.blobs import blob_response
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.pages import Cursor, Limit, Page, cut
from service.http.problems import NotFound
from service.runtime import ServiceDep
from store import evaluations, tables

router = APIRouter(tags=["evaluations"], route_class=Route)

Order = Annotated[Literal["worst", "best", "name"], Query(description="By score, or by the images' names.")]


@router.get("/evaluations/{evaluation_id}", summary="Get an evaluation", responses=errors(NotFound))
def get_evaluation(service: ServiceDep, evaluation_id: UUID) -> Evaluation:
    with service.database.read() as session:
        return Evaluation.model_validate(_found(session, evaluation_id))


@router.get(
    "/evaluations/{evaluation_id}/images",
    summary="List an evaluation's images with their scores",
    responses=errors(NotFound),
)
def list_evaluation_images(
    service: ServiceDep,
    evaluation_id: UUID,
    order: Order = "worst",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ScoredImage]:
    """The worst first: where to look, and what to label next."""
    with service.database.read() as session:
        _found(session, evaluation_id)
        found = evaluations.images(session, evaluation_id, order=order, after=cursor, limit=limit + 1)
    page, following = cut(found, limit)
    return Page(items=[ScoredImage.model_validate(row) for row in page], next=following)


@router.get(
    "/evaluations/{evaluation_id}/images/{image_id}/prediction",
    summary="Get what was predicted for an image",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}}, "description": "A PNG of the size of the image's annotation."},
        304: {"description": "`If-None-Match` names these bytes."},
        **errors(NotFound),
    },
)
def get_prediction(service: ServiceDep, request: Request, evaluation_id: UUID, image_id: UUID) -> Response:
    """The label map that was compared with the annotation; in an `rgb` pool, the translation."""
    with service.database.read() as session:
        _found(session, evaluation_id)
        image = evaluations.image(session, evaluation_id, image_id)
    if image is None:
        raise NotFound(
            f"The image {image_id} is not part of the evaluation: GET /evaluations/{evaluation_id}/images "
            "lists those that are."
        )
    return blob_response(service.blobs, request, image.sha256, image.size_bytes, "image/png")


def _found(session: Session, evaluation_id: UUID) -> tables.Evaluation:
    evaluation = evaluations.get(session, evaluation_id)
    if evaluation is None:
        raise NotFound(f"There is no evaluation {evaluation_id}: GET /models/{{id}} lists those of a model.")
    return evaluation
