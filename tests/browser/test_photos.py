"""The grid and the map of a pool's photos."""

import gzip
from pathlib import Path

from playwright.sync_api import Page, expect

from fewpairs import Client
from service.pages.routes import BUILT
from tests import drawings

MOST_NODES = 200
FIRST_VIEW_BYTES = 150_000


def test_grid_and_map_are_one_selection(client: Client, page: Page, tmp_path: Path) -> None:
    """What a lasso surrounds is selected in the grid too. What is done to all of it can be undone.
    The address brings the same photos back.
    """
    drawings.write(tmp_path, range(6))
    pool = client.create_pool("grid and map", classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "images")
    pool.select(budget=1)  # waits until all are embedded
    page.goto(f"/app/pools/{pool.id}/photos?map=split&sort=-name")
    cells = page.locator("button[data-place]")
    expect(cells).to_have_count(6)
    names = sorted((image["name"] for image in pool.images()), reverse=True)
    expect(cells.first).to_have_accessible_name(names[0])

    box = page.locator(".map canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    for x, y in ((1, 0), (1, 1), (0, 1)):
        page.mouse.move(
            box["x"] + 3 + x * (box["width"] - 6), box["y"] + 3 + y * (box["height"] - 6), steps=5
        )
    page.mouse.up()
    expect(page.get_by_role("toolbar", name="6 photos selected")).to_be_visible()
    expect(page.locator("button[data-place][aria-pressed=true]")).to_have_count(6)
    cells.first.click(modifiers=["Control"])
    expect(page.get_by_role("toolbar", name="5 photos selected")).to_be_visible()
    page.get_by_role("button", name="Leave out").click()
    expect(page.get_by_text("5 photos left out.")).to_be_visible()
    assert {image["name"] for image in pool.images(excluded=False)} == {names[0]}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("That was taken back.")).to_be_visible()
    assert len(list(pool.images(excluded=False))) == 6

    page.get_by_label("Find by name").fill(names[2])
    expect(cells).to_have_count(1)
    page.reload()
    expect(cells).to_have_count(1)
    assert page.locator(".view *").count() <= MOST_NODES


def test_the_first_view_is_small() -> None:
    """Everything that a browser loads before it shows a page, compressed."""
    files = [path for path in BUILT.rglob("*") if path.suffix in (".html", ".js", ".css", ".svg")]
    assert len(files) >= 3
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < FIRST_VIEW_BYTES
