"""How refusals and failures are answered: every one as a problem (RFC 9457)."""

import asyncio
import errno
import sqlite3

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from service.http import problems
from service.http.observe import METHODS
from service.http.problems import Problem
from store.blobs import BlobMissing
from store.pages import WrongCursor

log = structlog.get_logger()

PROBLEM_JSON = "application/problem+json"
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
SQLITE_NO_SPACE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC}
POSTGRESQL_NO_SPACE = "53100"
PASSING = (OperationalError, IntegrityError, PoolTimeout)
"""Errors of the database after which the same request may succeed."""
LATER = {429: "2", 503: "2"}
"""Seconds after which to send a request again, by the status of its refusal, if the refusal does not say."""

PROBLEM_OF_STATUS: dict[int, type[Problem]] = {
    400: problems.Validation,
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
}
PROBLEM_OF_FIELD: dict[str, type[Problem]] = {
    **dict.fromkeys(("class_table", "change", "append"), problems.InvalidClassTable),
    "budget": problems.InvalidBudget,
    **dict.fromkeys(("method", "recipe", "options", "pairs"), problems.InvalidTraining),
}


def install(app: FastAPI) -> None:
    """Answer exceptions with problems; `service.http.observe` calls `unexpected` for all others."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(BlobMissing, _blob_missing)
    app.add_exception_handler(WrongCursor, _wrong_cursor)
    app.add_exception_handler(OSError, _os_error)
    app.add_exception_handler(DBAPIError, _database_error)
    app.add_exception_handler(PoolTimeout, _database_error)
    app.add_exception_handler(ClientDisconnect, _gone)


def render(request: Request, problem: Problem) -> Response:
    headers = {"Retry-After": LATER[problem.status]} if problem.status in LATER else {}
    document = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        **problem.extras,
    }
    return JSONResponse(document, problem.status, headers | problem.headers, media_type=PROBLEM_JSON)


def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return render(request, problem)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"where": ".".join(str(part) for part in entry["loc"]), "message": entry["msg"]}
        for entry in error.errors()
    ]
    fields = [entry["loc"][1] for entry in error.errors() if len(entry["loc"]) > 1]
    kind = next(
        (PROBLEM_OF_FIELD[field] for field in fields if field in PROBLEM_OF_FIELD), problems.Validation
    )
    sentences = "; ".join(f"{entry['where']}: {entry['message']}" for entry in found)
    return render(request, kind(f"{sentences}.", errors=found))


def _http(request: Request, error: Exception) -> Response:
    """Answer refusals of the framework itself, and problems raised while it read the body."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Problem):
        return render(request, error.__cause__)
    if isinstance(error.__cause__, RequestValidationError):
        return _invalid(request, error.__cause__)
    details = {
        400: "The body cannot be read: send JSON in UTF-8.",
        404: f"There is no address {request.url.path}: /docs lists every address.",
        405: f"{request.url.path} does not accept {request.method}: the Allow header lists what it accepts.",
    }
    kind = PROBLEM_OF_STATUS.get(error.status_code, problems.BadRequest)
    problem = kind(details.get(error.status_code, f"{error.detail}."))
    if kind is problems.MethodNotAllowed:
        problem.with_headers(Allow=", ".join(_methods(request)))
    return render(request, problem)


def _methods(request: Request) -> list[str]:
    """Every method that the address accepts; the framework names only the methods of one route."""
    return [
        method
        for method in METHODS
        for route in request.app.routes
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    ]


async def answer(request: Request, error: Exception) -> Response:
    """Answer an exception of a middleware, which stands outside of the handlers, as they would."""
    for kind in type(error).__mro__:
        if handler := request.app.exception_handlers.get(kind):
            answered: Response = handler(request, error)
            return answered
    return unexpected(request, error)


def _os_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    if error.errno in NO_SPACE:
        return render(request, _disk_full())
    return unexpected(request, error)


def _blob_missing(request: Request, error: Exception) -> Response:
    log.error("blob.missing", path=request.url.path, error=str(error))
    missing = problems.BytesMissing(
        "The bytes are not where the service keeps them: its disk may not be mounted, or files were deleted "
        "from it. Tell whoever runs the server; its log names the file."
    )
    return render(request, missing.with_headers(Retry_After="60"))


def _wrong_cursor(request: Request, error: Exception) -> Response:
    said = "The `cursor` is of no list in this order: send `next` with the `sort` of its page, or no cursor."
    return render(request, problems.BadRequest(said))


def _database_error(request: Request, error: Exception) -> Response:
    """Answer an error of the database, or that no connection to it was free for too long."""
    cause = getattr(error, "orig", error)
    sqlite_code = getattr(cause, "sqlite_errorcode", None)
    if lacks_space(error):
        return render(request, _disk_full())
    if isinstance(error, DataError):
        return render(
            request, problems.Validation(f"The database cannot store a value of the request: {cause}.")
        )
    if isinstance(error, PASSING) and sqlite_code != sqlite3.SQLITE_ERROR:
        log.warning("database.unavailable", error=str(cause))
        return render(
            request,
            problems.Unavailable("The database could not handle the request: send it again in a moment."),
        )
    return unexpected(request, error)


def lacks_space(error: Exception) -> bool:
    """Whether an error of the database means that its disk is full."""
    cause = getattr(error, "orig", error)
    sqlite_code = getattr(cause, "sqlite_errorcode", None)
    return sqlite_code in SQLITE_NO_SPACE or getattr(cause, "sqlstate", None) == POSTGRESQL_NO_SPACE


def _disk_full() -> Problem:
    return problems.DiskFull(
        "The server's disk is full, so nothing of this request was kept: free some space on the server, "
        "then send the request again."
    )


def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


def unexpected(request: Request, error: BaseException) -> Response:
    """Log an exception that nothing else handled, and answer it; also a request that the server cancelled
    because it stops.
    """
    if isinstance(error, asyncio.CancelledError):
        return render(request, problems.stopping())
    log.error("request.failed", path=request.url.path, exc_info=error)
    return render(
        request,
        problems.InternalError(
            "The service failed; its log has the reason under this request id. Repeating it is safe.",
            request_id=getattr(request.state, "request_id", None),
        ),
    )
