"""The page of picks: which selection it shows, and what it says of picks that are not there any more."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fewpairs import Client, Pool
from tests import drawings


@pytest.fixture
def pool(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Pool:
    drawings.write(tmp_path, range(6))
    pool = client.create_pool(request.node.name, classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "images")
    return pool


def test_earlier_selections_are_found_again(pool: Pool, page: Page) -> None:
    """The address names the selection that is shown: the way back, a link and the list of all bring another
    one. The list tells how many picks are labelled, and is not offered while there is one selection."""
    page.goto(f"/app/pools/{pool.id}/picks")
    expect(page.get_by_text("Nothing is picked yet.")).to_be_visible()
    page.get_by_label("How many", exact=True).fill("2")
    page.get_by_role("button", name="Pick them").click()
    cards = page.locator("ol > li")
    expect(cards).to_have_count(2)
    menu = page.get_by_text(re.compile(r"All \d+ selections"))
    page.wait_for_load_state("networkidle")
    expect(menu).to_have_count(0)
    page.get_by_role("button", name="Pick up to 4").click()
    expect(cards).to_have_count(4)
    page.go_back()
    expect(cards).to_have_count(2)
    first = pool.newest_selection()
    assert first.id not in page.url
    menu.click()
    listed = page.get_by_role("navigation", name="All 2 selections").get_by_role("link")
    expect(listed).to_have_count(2)
    expect(listed.last).to_have_attribute("aria-current", "page")
    expect(listed.first).to_contain_text("4 picks, 0 labelled")
    listed.first.click()
    expect(cards).to_have_count(4)
    page.reload()
    expect(cards).to_have_count(4)
    page.get_by_role("link", name="Picks", exact=True).click()
    page.wait_for_url(f"**/picks?selection={first.id}")
