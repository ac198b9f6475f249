"""The cookie of a session. Its name has the port, as browsers do not tell the ports of a machine apart."""

import re

from fastapi import Request, Response

from store.credentials import SESSION_S


def cookie_of(request: Request) -> str | None:
    """The text of the session that the browser shows."""
    return request.cookies.get(_name(request))


def set_cookie(request: Request, response: Response, text: str) -> None:
    response.set_cookie(
        _name(request),
        text,
        max_age=int(SESSION_S),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def delete_cookie(request: Request, response: Response) -> None:
    response.delete_cookie(
        _name(request), httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )


def _name(request: Request) -> str:
    port = re.search(r":(\d+)$", request.headers.get("host", ""))
    return f"fewpairs-{port[1]}" if port else "fewpairs"
