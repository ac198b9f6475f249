"""Who sees what in the pages, and where the pages may stand."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fewpairs import Client, Pool
from tests import drawings
from tests.access import PASSWORD
from tests.browser.conftest import person
from tests.browser.proxy import behind_tls


@pytest.fixture
def pool(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Pool:
    drawings.write(tmp_path / "drawn", range(3))
    pool = client.create_pool(request.node.name, classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "drawn" / "images")
    pool.annotate(tmp_path / "drawn" / "labels")
    return pool


def log_in(page: Page, name: str, address: str = "", password: str = PASSWORD) -> None:
    page.goto(f"{address}/app/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(f"Account: {name}")).to_be_visible()


def test_an_annotator_sees_what_annotators_may(client: Client, pool: Pool, stranger: BrowserContext) -> None:
    """No page that only administrators may see is offered, and no button for what needs a curator; nothing
    that a page asks is refused, or the console would say so.
    """
    client.create_user("ana", PASSWORD)
    pool.share("ana", "annotator")
    page = stranger.new_page()
    log_in(page, "ana")
    page.get_by_text("Account: ana").click()
    menu = page.get_by_role("navigation", name="Account")
    assert menu.get_by_role("link").all_inner_texts() == ["Keys"]
    for view in ("photos", "picks", "train", "compare", "members"):
        page.goto(f"/app/pools/{pool.id}/{view}")
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        for name in ("Train", "Pick them", "Pick again", "Choose photos", "Give the role", "Delete"):
            expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    page.goto("/app/jobs")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_people_are_led_to_different_photos(
    client: Client, page: Page, stranger: BrowserContext, tmp_path: Path
) -> None:
    """Who was given a photo labels it first, and nobody else is led to it. It can be taken back. A photo that
    is kept is picked by another strategy, too; skipping one keeps no other.
    """
    drawings.write(tmp_path, range(4))
    pool = client.create_pool("shared work", classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "images")
    client.create_user("cleo", PASSWORD)
    pool.share("cleo", "annotator")
    page.goto(f"/app/pools/{pool.id}/picks")
    page.get_by_role("button", name="Pick them").click()
    cards = page.locator("ol > li")
    expect(cards).to_have_count(4)
    page.get_by_role("combobox", name="Who").select_option("cleo")
    page.get_by_label("How many they are to hold").fill("1")
    page.get_by_role("button", name="Give", exact=True).click()
    expect(cards.first).to_contain_text("cleo has it")
    hers = stranger.new_page()
    log_in(hers, "cleo")
    hers.goto(f"/app/pools/{pool.id}/label")
    page.get_by_role("link", name="Start labelling").click()
    for labelling, current in ((hers, 0), (page, 1)):
        photos = labelling.get_by_label("To label").get_by_role("link")
        expect(photos.nth(current)).to_have_attribute("aria-current", "true")
    expect(page.get_by_label("To label").get_by_role("link").first).to_contain_text("cleo")
    page.go_back()
    page.get_by_role("button", name="Give back what cleo has").click()
    expect(page.get_by_text("Who has what")).to_have_count(0)

    last = cards.last.locator(".name").inner_text()
    cards.last.get_by_role("button", name="Keep").click()
    page.get_by_label("How they are picked").select_option("random")
    page.get_by_label("How many", exact=True).fill("2")
    page.get_by_role("button", name="Pick for 2 alone").click()
    kept = page.get_by_role("button", name="Kept")
    expect(cards.filter(has=kept).locator(".name")).to_have_text(last)
    cards.filter(has_not=kept).get_by_role("button", name="Skip").click()
    expect(page.get_by_text("1 kept, 1 skipped")).to_be_visible()


def test_a_person_jumps_and_finds_the_keys(pool: Pool, page: Page) -> None:
    """Ctrl+K leads to a page, a pool and a photo by their names; ? lists the keys of the page."""
    page.goto("/")
    for wanted, address in ((pool.name, "/photos"), ("memb", "/members"), ("0000.png", "/label/")):
        expect(page.get_by_role("heading", level=1).or_(page.locator(".painter")).first).to_be_visible()
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Jump to").fill(wanted)
        found = page.get_by_role("listbox", name="Jump to").get_by_role("option").first
        expect(found).to_contain_text(wanted, ignore_case=True)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/app/pools/{pool.id}{address}**")
    page.goto(f"/app/pools/{pool.id}/compare")
    expect(page.get_by_text("There is no model yet.")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys").get_by_text("the picture of model B")).to_be_visible()


def test_a_key_is_shown_once(page: Page, server: str) -> None:
    """Who makes a key can use it and does not find it again; revoked, it lets nobody in."""
    page.goto("/app/keys")
    page.get_by_label("What it is for").fill("the night job")
    page.get_by_role("button", name="Make a key").click()
    key = page.get_by_role("status").locator("code").inner_text()
    with Client(server, key) as program:
        assert program.me()["admin"]
    page.reload()
    row = page.get_by_role("row", name="the night job")
    expect(row).to_contain_text(key[:11])
    assert key not in page.content()
    row.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")


def test_the_pages_work_behind_a_proxy_under_a_path(
    client: Client, pool: Pool, browser: Browser, server: str, tmp_path: Path
) -> None:
    """Behind TLS at /tools/fewpairs/ a person logs in with a password and a secure cookie, every file of the
    page comes from below that path, and a training is followed by its stream of events.
    """
    client.create_user("ben", PASSWORD)
    pool.share("ben", "viewer")
    training = pool.train("probe").cancel()
    with behind_tls(server, tmp_path) as address, person(browser, address) as context:
        page = context.new_page()
        log_in(page, "ben", address)
        [cookie] = context.cookies()
        assert (cookie["secure"], cookie["httpOnly"]) == (True, True)
        page.get_by_role("link", name=pool.name).click()
        expect(page).to_have_url(f"{address}/app/pools/{pool.id}/photos")
        expect(page.locator("img[src*=thumbnail]").first).not_to_have_js_property("naturalWidth", 0)
        page.goto(f"{address}/app/pools/{pool.id}/train/{training.id}")
        expect(page.get_by_role("heading", name="Training · cancelled")).to_be_visible()
