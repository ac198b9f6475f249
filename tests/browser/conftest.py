"""One embedded service and one Chromium for all tests of this folder; a page for each test."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from fewpairs import Client, Pool
from service.pages.routes import BUILT
from tests import drawings
from tests.access import PASSWORD
from tests.fewpairs.conftest import UP_ENVIRONMENT, up_command
from tests.processes import free_port, processes, until

CHROMIUM = Path("/usr/bin/chromium")
OPTIONS = ["--no-sandbox", "--disable-background-networking"]
START_S, PATIENCE_MS = 240.0, 240_000
PRINTED = re.compile(r"http://\S+/session\?token=\S+")
EXPECTED = (
    ("status of 409", re.compile(r"/pools$|/members/\w+$")),
    ("status of 422", re.compile("/(class_table|translate)$")),
    ("status of 412", re.compile(r"/images/[^/]+/(annotation|draft)\b")),
    ("ERR_INTERNET_DISCONNECTED", re.compile("")),
)
"""Chromium notes as errors what tests provoke: a name that is taken, a role, a class or a file that
is refused, somebody who saves second, and no network. Nothing else that a page asks for is refused."""

expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """What an embedded service, with its data below a folder, tells its user to open, while it runs."""
    with started(folder, free_port()) as (_, address):
        yield address


@contextmanager
def started(folder: Path, port: int) -> Iterator[tuple["Popen[bytes]", str]]:
    """The process of such a service too."""
    log = folder / "up" / "0.log"
    environment = UP_ENVIRONMENT | {"FEWPAIRS_TRUSTED_PROXIES": "127.0.0.1"}
    with processes([(up_command(folder / "data", port), environment)], log.parent) as [process]:
        is_ready = "the service is ready"
        until(lambda: PRINTED.search(log.read_text()) or process.poll() is not None, is_ready, START_S)
        printed = PRINTED.search(log.read_text())
        assert printed, log.read_text()
        yield process, printed[0]


@pytest.fixture(scope="session")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the user of a running service opens; its pages are built."""
    for path, remedy in ((CHROMIUM, "install chromium"), (BUILT / "index.html", "make pages")):
        if not path.exists():
            if "CI" in os.environ:
                pytest.fail(f"{path} is missing: {remedy}")
            pytest.skip(f"{path} is missing: {remedy}")
    with running(tmp_path_factory.mktemp("pages")) as address:
        yield address


@pytest.fixture(scope="session")
def server(opening: str) -> str:
    return opening.split("/session")[0]


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server) as client:
        yield client


@pytest.fixture
def pool(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Pool:
    """Three drawings with label maps."""
    drawings.write(tmp_path / "drawn", range(3))
    pool = client.create_pool(request.node.name, classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "drawn" / "images")
    pool.annotate(tmp_path / "drawn" / "labels")
    return pool


@pytest.fixture(scope="module")  # no longer: Playwright's event loop runs in the thread of the tests
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)


@contextmanager
def person(browser: Browser, server: str) -> Iterator[BrowserContext]:
    """The browser of somebody who is not logged in. At the end there was no error and no warning of Svelte
    on its console, and no request to another host.
    """
    context = browser.new_context(
        base_url=server, viewport={"width": 1280, "height": 800}, ignore_https_errors=True
    )
    context.set_default_timeout(PATIENCE_MS)
    wrong: list[str] = []

    def said(message: ConsoleMessage) -> None:
        address = message.location["url"]
        is_wrong = message.type == "error" or "svelte.dev/e/" in message.text
        if is_wrong and not any(refusal in message.text and of.search(address) for refusal, of in EXPECTED):
            wrong.append(f"{message.text} {address}")

    def requested(request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(server):
            wrong.append(f"a request to {request.url}")

    context.on("console", said)
    context.on("request", requested)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield context
    context.close()
    assert wrong == []


def log_in(page: Page, name: str, address: str = "", password: str = PASSWORD) -> None:
    """Returns once Start has what it asks for: who is shut out meanwhile is refused."""
    page.goto(f"{address}/app/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    with page.expect_response("**/class_tables"), page.expect_response(re.compile("deleted=true")):
        page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(f"Account: {name}")).to_be_visible()


@pytest.fixture
def stranger(browser: Browser, server: str) -> Iterator[BrowserContext]:
    """The browser of somebody else, who is not logged in."""
    with person(browser, server) as context:
        yield context


@pytest.fixture
def context(opening: str, server: str, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of the user who started the service."""
    with person(browser, server) as context:
        context.new_page().goto(opening)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.pages[0]
