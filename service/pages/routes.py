"""The pages: files that `make pages` builds from the room `web`. They hold no data, so anybody gets them.

A page's address, `/app/pools/ID/picks`, is read by the page itself: every one of them gets the same file.
Which files a page needs it says relative to its `<base>`, and that is relative to its address. So the service
can stand under any path of a proxy.
"""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from service.http.observe import ANSWER_HEADERS

router = APIRouter(include_in_schema=False)

BUILT = Path(__file__).parent / "dist"
BASE = '<base href="./" />'
NOT_BUILT = """<!doctype html><html lang="en"><title>Fewpairs</title>
<h1>The pages are not built yet</h1>
<p>The service runs, and its HTTP API is complete: see <a href="docs">its documentation</a>.</p>
<p>To build the pages, run <code>make pages</code> in the project's folder, then load this page again.</p>
</html>
"""
PAGE_HEADERS = {
    # A page of an older version would ask for files that are gone.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": ANSWER_HEADERS["Content-Security-Policy"].replace(
        "base-uri 'none'", "base-uri 'self'"
    ),
}


@router.get("/")
@router.get("/app")
async def start() -> Response:
    return _page("./")


@router.get("/app/{address:path}")
async def page(address: str) -> Response:
    return _page("../" * (address.count("/") + 1))


def _page(base: str) -> Response:
    try:
        html = (BUILT / "index.html").read_text()
    except FileNotFoundError:
        return HTMLResponse(NOT_BUILT, status_code=503)
    return HTMLResponse(html.replace(BASE, f'<base href="{base}" />'), headers=PAGE_HEADERS)


class _Assets(StaticFiles):
    """Files whose names hold a digest of their content; none while the pages are not built."""

    async def check_config(self) -> None:
        """A folder that is not there is none that cannot be used."""

    def file_response(self, *args: object, **named: object) -> Response:
        response = super().file_response(*args, **named)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def install(app: FastAPI) -> None:
    app.mount("/assets", _Assets(directory=BUILT / "assets", check_dir=False), "page assets")
