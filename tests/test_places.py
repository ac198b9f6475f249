"""The file of a feature is where docs/architecture.md says."""

import re
from collections.abc import Iterator
from pkgutil import resolve_name

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from formats.catalog import FORMATS
from models.catalog import METHODS, STRATEGIES
from service.app import create_app
from store.job_kinds import QUEUE_OF_KIND
from tests.pages import ROOT, page, sections, table_rows

RULES = sections(page("docs/architecture.md"))["where-to-look"]


def listed() -> dict[str, str]:
    """The folder of every address whose words do not name it, as the page lists them."""
    rows = table_rows(RULES.split("except for these:")[1])[2:]
    return {address: folder.strip("`") for cells, folder in rows for address in re.findall(r"`(.+?)`", cells)}


LISTED = listed()


def routes(found: list[BaseRoute]) -> Iterator[APIRoute]:
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        yield from routes(getattr(getattr(route, "original_router", None), "routes", []))


ROUTES = {
    f"{min(route.methods)} {route.path}": route for route in routes(create_app().routes) if route.path != "/"
}


def folders(path: str) -> set[str]:
    """The folders in which a reader looks for an address."""
    for address, folder in LISTED.items():
        if path == address or path.startswith(f"{address}/") or path == f"{address}.png":
            return {folder}
    words = [word for word in path.split("/") if word and not word.startswith("{")]
    return {f"service/{word}" for word in words} | {f"service/{word}s" for word in words}


@pytest.mark.parametrize("address", ROUTES)
def test_addresses(address: str) -> None:
    """An address is in the routes of a folder that one of its words names."""
    route = ROUTES[address]
    *folder, file = route.endpoint.__module__.split(".")
    assert "/".join(folder) in folders(route.path)
    assert file == ("openapi" if folder == ["service", "http"] else "routes")


def test_listed_addresses_exist() -> None:
    """Every address that the page lists is one, or begins one."""
    paths = [route.path for route in ROUTES.values()]
    assert len(LISTED) > 5
    assert [address for address in LISTED if not any(path.startswith(address) for path in paths)] == []


def test_kinds_of_job() -> None:
    """Every kind of job has its handler in worker/handlers, and nothing else is there."""
    files = {path.stem for path in ROOT.glob("worker/handlers/*.py")} - {"__init__"}
    assert files == set(QUEUE_OF_KIND) - {"import"} | {"import_annotations"}


@pytest.mark.parametrize("method", METHODS)
def test_methods(method: str) -> None:
    """Every training method is in the file of its name."""
    assert resolve_name(METHODS[method].implementation).__module__ == f"models.training.methods.{method}"


def test_formats() -> None:
    """Every format of label maps has its codec in formats/codecs, and nothing else is there."""
    files = {path.stem.replace("_", "-") for path in ROOT.glob("formats/codecs/*.py")} - {"--init--"}
    assert files == set(FORMATS)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies(strategy: str) -> None:
    """Every strategy is in the file of its name; `random` would hide the standard library's module."""
    file = "random_draw" if strategy == "random" else strategy
    assert (
        resolve_name(STRATEGIES[strategy].implementation).__module__ == f"models.selection.strategies.{file}"
    )
