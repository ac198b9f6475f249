"""Addresses that explain the types of problems."""

from fastapi import APIRouter

from service.http import problems
from service.http.bodies import Route
from service.http.openapi import errors
from service.http.problems import NotFound
from service.problems.schemas import ProblemType

router = APIRouter(tags=["operations"], route_class=Route)


@router.get("/problems", summary="List every type of problem")
async def list_problems() -> list[ProblemType]:
    return [_explained(problem) for problem in problems.BY_SLUG.values()]


@router.get("/problems/{slug}", summary="Explain a type of problem", responses=errors(NotFound))
async def get_problem(slug: str) -> ProblemType:
    if slug not in problems.BY_SLUG:
        raise NotFound(f"There is no problem {slug}: GET /problems lists them.")
    return _explained(problems.BY_SLUG[slug])


def _explained(problem: type[problems.Problem]) -> ProblemType:
    return ProblemType(type=f"/problems/{problem.slug}", title=problem.title, status=problem.status)
