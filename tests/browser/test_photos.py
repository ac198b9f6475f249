"""The grid and the map of a pool's photos."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from benchmarks.pages import FIRST_VIEWS, opened
from fewpairs import Client, Pool
from tests import drawings

MOST_NODES = 200
LEAST_BYTES, FIRST_VIEW_BYTES = 40_000, 150_000
DOT = drawings.png(np.zeros((1, 1), np.uint8))
NOON = datetime(2026, 1, 1, 12)
"""Of a clock that stands, however slow the machine is; timers go on."""
PHOTOS, LEFT, RIGHT = 10_000, 40_000, 60_000
SCROLLED = """async () => {
  const view = document.querySelector('.view'), places = new Set();
  const steps = Math.ceil(view.scrollHeight / view.clientHeight);
  let most = 0;
  for (let step = 0; step <= steps; step++) {
    view.scrollTop = view.clientHeight * step;
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    most = Math.max(most, view.querySelectorAll('*').length);
    for (const cell of view.querySelectorAll('[data-place]')) places.add(cell.dataset.place);
  }
  return {most, places: places.size};
}"""
"""Scrolls a screen at a time: the most nodes that the grid had, and how many places it showed."""
COUNT_DRAWINGS = """
  window.drawings = 0;
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...given) {
    window.drawings++;
    return put.apply(this, given);
  };
"""


@pytest.fixture
def pool(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Pool:
    drawings.write(tmp_path, range(6))
    pool = client.create_pool(request.node.name, classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "images")
    return pool


def surround(page: Page, canvas: Locator, right: float = 1.0) -> None:
    """Draw a lasso around the left part of a canvas, up to a share of its width."""
    box = canvas.bounding_box()
    assert box
    left, top = box["x"] + 3, box["y"] + 3
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, 0), (right, 1), (0, 1)):
        page.mouse.move(left + x * (box["width"] - 6), top + y * (box["height"] - 6), steps=5)
    page.mouse.up()


def test_grid_and_map_are_one_selection(pool: Pool, page: Page) -> None:
    """What a lasso surrounds is selected in the grid too. What is done to all of it can be undone.
    The address brings the same photos back, and so does the way back.
    """
    pool.select(budget=1)  # waits until all are embedded
    page.goto(f"/app/pools/{pool.id}/photos?map=split&sort=-name")
    cells = page.locator("button[data-place]")
    expect(cells).to_have_count(6)
    names = sorted((image["name"] for image in pool.images()), reverse=True)
    expect(cells.first).to_have_accessible_name(names[0])

    page.locator(".map canvas").click(button="right", position={"x": 3, "y": 3})
    surround(page, page.locator(".map canvas"))
    expect(page.get_by_role("toolbar", name="6 photos selected")).to_be_visible()
    expect(page.locator("button[data-place][aria-pressed=true]")).to_have_count(6)
    page.locator(".map canvas").click(button="right", position={"x": 3, "y": 3})
    cells.first.click(modifiers=["Control"])
    expect(page.get_by_role("toolbar", name="5 photos selected")).to_be_visible()
    page.get_by_role("button", name="Leave out").click()
    expect(page.get_by_text("5 photos left out.")).to_be_visible()
    assert {image["name"] for image in pool.images(excluded=False)} == {names[0]}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone")).to_be_visible()
    assert len(list(pool.images(excluded=False))) == 6

    page.get_by_label("Split", exact=True).select_option("Test")
    expect(page.get_by_text("No photo is like this.")).to_be_visible()
    page.go_back()
    expect(cells).to_have_count(6)
    page.get_by_label("Find by name").fill(names[2])
    expect(cells).to_have_count(1)
    page.reload()
    expect(cells).to_have_count(1)


def test_filters_and_buttons_stand_in_one_row(client: Client, pool: Pool, page: Page) -> None:
    """Also when some photos are shown, which is counted above; below, the grid reaches the window's end."""
    client.create_user("rowena")
    pool.share("rowena", "annotator")
    page.goto(f"/app/pools/{pool.id}/photos?split=test")
    expect(page.get_by_text("0 shown")).to_be_visible()
    page.get_by_label("Split", exact=True).select_option("Train")
    expect(page.get_by_text("shown")).to_have_count(0)
    row = [
        page.get_by_label("Which photos"),
        page.get_by_label("Labelled by"),
        page.get_by_label("Find by name"),
        page.get_by_role("button", name="Select", exact=True),
        page.get_by_role("button", name="Map", exact=True),
    ]
    assert len({box["y"] // 20 for each in row if (box := each.bounding_box())}) == 1
    assert page.evaluate("innerHeight - document.querySelector('.view').getBoundingClientRect().bottom") == 0


def test_what_is_said_of_photos_moves_none(pool: Pool, page: Page) -> None:
    """Neither what can be done with those that are selected nor what was done; and it can be put away."""
    pool.select(budget=1)
    page.clock.set_fixed_time(NOON)  # what was done is told for a while only
    page.goto(f"/app/pools/{pool.id}/photos")
    cells = page.locator("button[data-place]")
    expect(cells).to_have_count(6)
    page.wait_for_load_state("networkidle")
    place = cells.first.bounding_box()
    cells.first.click(modifiers=["Control"])
    expect(page.get_by_role("toolbar", name="1 photo selected")).to_be_visible()
    assert cells.first.bounding_box() == place
    page.get_by_role("button", name="Leave out").click()
    outcome = page.get_by_text("1 photo left out.")
    expect(outcome).to_be_visible()
    page.get_by_role("button", name="Select none").click()
    assert cells.first.bounding_box() == place
    page.get_by_role("button", name="Close").click()
    expect(outcome).to_have_count(0)


def test_a_copy_is_named(pool: Pool, page: Page, tmp_path: Path) -> None:
    """A photo with the bytes of another one is added, and it is told which one that is; what is told of an
    upload can be put away."""
    page.goto(f"/app/pools/{pool.id}/photos")
    first = min((tmp_path / "images").iterdir())
    copy = {"name": "copy.png", "mimeType": "image/png", "buffer": first.read_bytes()}
    page.get_by_label("Add photos").set_input_files(copy)  # type: ignore[arg-type]
    expect(page.get_by_text("1 photo added.")).to_be_visible()
    expect(page.get_by_text(f"copy.png is the same as {first.name}")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_text("1 photo added.")).to_have_count(0)


def test_acts_are_taken_back_one_by_one(pool: Pool, page: Page) -> None:
    """Also those that were cut short, and after another page was visited. Deleted photos leave the list that
    they are in, are listed as deleted, and come back. What was done is told until something else is done, or
    for a while, wherever the person is; Ctrl + Z takes it back later too.
    """
    pool.select(budget=1)  # a photo moves to another split once it is embedded
    page.clock.set_fixed_time(NOON)
    page.goto(f"/app/pools/{pool.id}/photos")
    cells = page.locator("button[data-place]")
    undo = page.get_by_role("button", name="Undo")
    page.get_by_role("button", name="Select", exact=True).click()
    expect(page.get_by_text("Click photos to select them")).to_be_visible()
    cells.first.click()
    cells.nth(4).click(modifiers=["Shift"])
    page.get_by_role("button", name="Select", exact=True).click()
    page.get_by_role("button", name="Show only these").click()
    expect(cells).to_have_count(5)
    cells.nth(4).click(modifiers=["Control"])
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("4 photos deleted.")).to_be_visible()
    expect(cells).to_have_count(1)

    page.get_by_label("Which photos").select_option("Deleted, can come back")
    expect(cells).to_have_count(4)
    cells.first.click()
    expect(page.get_by_text("4 photos deleted.")).to_have_count(0)
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("1 photo brought back.")).to_be_visible()
    expect(cells).to_have_count(3)
    page.get_by_role("link", name="Picks").click()
    page.clock.set_fixed_time(NOON + timedelta(seconds=31))
    page.get_by_role("link", name="Photos", exact=True).click()
    expect(cells).to_have_count(3)
    expect(page.get_by_text("1 photo brought back.")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.get_by_text("Undone: 1 photo brought back.")).to_be_visible()
    undo.click()
    expect(page.get_by_text("Undone: 4 photos deleted.")).to_be_visible()
    expect(cells).to_have_count(6)

    patched: set[str] = set()

    def patch(route: Route) -> None:
        request = route.request
        if request.method == "PATCH" and len(patched | {request.url}) > 2:
            route.abort("internetdisconnected")
        else:
            patched.update({request.url} if request.method == "PATCH" else ())
            route.continue_()

    page.route("**/images/*", patch)
    cells.first.click(modifiers=["Control"])
    cells.last.click(modifiers=["Shift"])
    page.get_by_role("button", name="Move to test").click()
    expect(page.get_by_text("2 photos moved to test.")).to_be_visible()
    expect(page.get_by_text("The service does not answer")).to_be_visible()
    page.unroute("**/images/*")
    assert len(list(pool.images(split="test"))) == 2
    undo.click()
    taken_back = page.get_by_text("Undone: 2 photos moved to test.")
    expect(taken_back).to_be_visible()
    page.mouse.move(1, 1)
    page.clock.set_fixed_time(NOON + timedelta(seconds=62))
    expect(taken_back).to_have_count(0)
    assert len(list(pool.images(split="test"))) == 0


def test_nothing_is_done_to_photos_until_it_is_known_which_are_selected(pool: Pool, page: Page) -> None:
    """Shift asks the service which photos are in between; until it answers, the acts wait."""
    asked: list[Route] = []
    page.goto(f"/app/pools/{pool.id}/photos")
    cells = page.locator("button[data-place]")
    cells.first.click(modifiers=["Control"])
    page.route("**/images?*limit=6*", lambda route: asked.append(route))
    with page.expect_request("**/images?*limit=6*"):
        cells.last.click(modifiers=["Shift"])
    leave_out = page.get_by_role("button", name="Leave out")
    expect(leave_out).to_be_disabled()
    asked[0].continue_()
    leave_out.click()
    expect(page.get_by_text("6 photos left out.")).to_be_visible()


@pytest.fixture
def many(pool: Pool, page: Page) -> Iterator[Pool]:
    """The pool as if it had many photos: lists of them, their pictures and the map are answered here."""
    image = next(pool.images())
    ids = [str(uuid.UUID(int=number)) for number in range(PHOTOS)]

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        skip, limit = int(query.get("skip", 0)), int(query.get("limit", 100))
        places = range(skip, min(skip + limit, PHOTOS))
        items = [image | {"id": ids[place], "name": f"{place}.png"} for place in places]
        route.fulfill(json={"items": items, "next": None, "total": PHOTOS if "total" in query else None})

    page.route("**/images?*", answer)
    page.route("**/thumbnail?*", lambda route: route.fulfill(body=DOT, content_type="image/png"))
    points = {"x": [0.2 * n / LEFT for n in range(LEFT)] + [1 - 0.2 * n / RIGHT for n in range(RIGHT)]}
    count = LEFT + RIGHT
    none: dict[str, Any] = {"share": None, "uncertainty": None}
    numbers = {name: [0] * count for name in ("cluster", "test", "labelled", "excluded")}
    columns = {"image_ids": [f"{n}" for n in range(count)], "y": [n % 997 / 997 for n in range(count)]}
    content = json.dumps(points | columns | numbers | none)
    page.route("**/map*", lambda route: route.fulfill(body=content, content_type="application/json"))
    yield pool
    page.unroute_all(behavior="ignoreErrors")


def test_ten_thousand_photos_are_scrolled_and_a_hundred_thousand_points_surrounded(
    many: Pool, page: Page
) -> None:
    """The grid shows every photo with few nodes, and Shift selects also what was never fetched. A lasso
    selects the points that lie in it, and drawing it does not draw the points again.
    """
    page.goto(f"/app/pools/{many.id}/photos")
    cell = page.locator('button[data-place="0"]')
    expect(cell).to_have_accessible_name("0.png")
    cell.click(modifiers=["Control"])
    scrolled = page.evaluate(SCROLLED)
    assert scrolled["places"] == PHOTOS
    assert scrolled["most"] <= MOST_NODES
    last = page.locator(f'button[data-place="{PHOTOS - 1}"]')
    expect(last).to_have_accessible_name(f"{PHOTOS - 1}.png")
    last.click(modifiers=["Shift"])
    expect(page.get_by_role("toolbar", name="10,000 photos selected")).to_be_visible()
    expect(page.get_by_role("button", name="Leave out")).to_be_enabled()

    page.add_init_script(COUNT_DRAWINGS)
    page.goto(f"/app/pools/{many.id}/photos?map=split")
    canvas = page.get_by_label("A map of 100,000 photos")
    canvas.wait_for()
    page.wait_for_function("window.drawings > 0")
    before = page.evaluate("window.drawings")
    surround(page, canvas, right=0.5)
    expect(page.get_by_role("toolbar", name=f"{LEFT:,} photos selected")).to_be_visible()
    selecting = 1
    assert page.evaluate("window.drawings") <= before + selecting


def test_what_a_model_doubts_is_no_selection(page: Page, pool: Pool, tmp_path: Path) -> None:
    """To let the newest model look at the photos leaves the picks as they were. Each photo says how unsure it
    is, the most unsure first, or last."""
    drawings.write(tmp_path / "labelled", range(2))
    pool.annotate(tmp_path / "labelled" / "labels")
    pool.train("probe").wait()
    picked = pool.select(budget=2)
    page.goto(f"/app/pools/{pool.id}/photos?show=unsure")
    page.get_by_role("button", name="Let it look at them").click()
    cells = page.locator("button[data-place]")
    expect(cells).to_have_count(4)

    def unsure() -> list[float]:
        names = [cell.get_attribute("aria-label") or "" for cell in cells.all()]
        return [float(name.split("unsure of ")[1].removeprefix("< ").removesuffix(" %")) for name in names]

    assert unsure() == sorted(unsure(), reverse=True)
    first = cells.first.get_attribute("aria-label") or ""
    page.get_by_label("Order", exact=True).select_option("Sure first")
    expect(cells.last).to_have_accessible_name(first)
    assert unsure() == sorted(unsure())
    assert pool.newest_selection().id == picked.id


def test_the_first_view_is_small(page: Page, pool: Pool) -> None:
    """Everything that a browser loads to show the first page, whichever it is, compressed."""
    for view in FIRST_VIEWS.values():
        size = opened(page, view.format(pool.id))
        assert page.locator("main").inner_text()
        assert LEAST_BYTES < size < FIRST_VIEW_BYTES, view
