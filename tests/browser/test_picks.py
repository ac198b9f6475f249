"""The page of picks: which selection it shows, and what it says of picks that are not there any more."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

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
    expect(listed.last).to_contain_text("shown now")
    expect(listed.first).to_contain_text("4 picks, 0 labelled")
    listed.first.click()
    expect(cards).to_have_count(4)
    page.reload()
    expect(cards).to_have_count(4)
    page.get_by_role("link", name="Picks", exact=True).click()
    page.wait_for_url(f"**/picks?selection={first.id}")


def test_what_is_labelled_meanwhile_is_counted(pool: Pool, page: Page, tmp_path: Path) -> None:
    """The picks say how many are left, what is advised now, and what each stands for; the photos say how many
    are labelled, when they are looked at again."""
    picks = pool.select(5).picks
    page.goto(f"/app/pools/{pool.id}/picks")
    expect(page.get_by_text("5 photos to label.")).to_be_visible()
    expect(page.get_by_label("How they are picked")).to_contain_text("As advised (Visual words")
    expect(page.get_by_text("stands for itself alone")).to_have_count(4)
    expect(page.get_by_text("stands for itself and 1 other")).to_have_count(1)
    pool.annotate(tmp_path / "labels" / Path(picks[0].name).with_suffix(".png").name)
    page.get_by_role("link", name="Photos", exact=True).click()
    expect(page.get_by_text("6 photos, 1 labelled")).to_be_visible()
    page.get_by_role("link", name="Picks", exact=True).click()
    expect(page.get_by_text("4 photos left to label, 1 labelled.")).to_be_visible()


def test_what_is_skipped_is_replaced_in_its_place(pool: Pool, page: Page, tmp_path: Path) -> None:
    """All other cards stay where they are, what is labelled too; the focus is on the new card, and not on a
    button that skips another photo. What is left is counted on, and that labelling comes next."""
    names = [pick.name for pick in pool.select(4).picks]
    pool.annotate(tmp_path / "labels" / Path(names[0]).with_suffix(".png").name)
    page.goto(f"/app/pools/{pool.id}/picks")
    expect(page.get_by_text("3 photos left to label, 1 labelled.")).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text("Next: label 2 photos")
    shown = page.locator("ol > li .path")
    for skipped in (1, 2):
        skip = page.get_by_role("button", name="Skip", exact=False)
        skip.nth(skipped).click()
        expect(page.get_by_text(f"{skipped} skipped")).to_be_visible()
        other = shown.nth(skipped + 1)
        expect(other).not_to_have_text(names[skipped + 1])
        names[skipped + 1] = other.inner_text()
        expect(shown).to_have_text(names)
        expect(page.locator("ol > li").nth(skipped + 1).get_by_role("link").first).to_be_focused()
        expect(page.get_by_text("3 photos left to label, 1 labelled.")).to_be_visible()
    assert len(set(names)) == 4


def test_who_leaves_while_photos_are_picked_is_left_alone(pool: Pool, page: Page) -> None:
    """The answer changes neither the page that is shown then nor anything that is gone: nothing is noted on
    the console."""
    noted: list[str] = []
    asked: list[Route] = []
    page.on("console", lambda message: noted.append(message.text))
    pool.select(6)
    page.goto(f"/app/pools/{pool.id}/picks")
    expect(page.locator("ol > li")).to_have_count(6)
    with page.expect_response("**/select"):
        page.get_by_role("button", name="Pick again").click()
    page.wait_for_url("**/picks?selection=*")
    more = page.get_by_role("button", name="Pick up to 12")
    expect(more).to_be_enabled()
    page.route("**/select", lambda route: asked.append(route))
    with page.expect_request("**/select"):
        more.click()
    page.get_by_role("link", name="Photos", exact=True).click()
    expect(page.locator("button[data-place]")).to_have_count(6)
    with page.expect_response("**/select"):
        asked[0].continue_()
    page.wait_for_load_state("networkidle")
    expect(page).to_have_url(re.compile("/photos$"))
    asked.clear()
    page.unroute("**/select")
    page.get_by_role("link", name="Picks", exact=True).click()
    expect(page.locator("ol > li")).to_have_count(6)
    page.wait_for_load_state("networkidle")
    page.route(f"**/pools/{pool.id}", lambda route: asked.append(route))
    with page.expect_request(f"**/pools/{pool.id}"):
        page.get_by_role("button", name="Pick again").click()
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    with page.expect_response("**/select"):
        page.unroute(f"**/pools/{pool.id}")  # what waits goes on
    page.wait_for_load_state("networkidle")
    expect(page).to_have_url(re.compile("/jobs$"))
    assert noted == []


def test_the_way_of_picking_is_explained(pool: Pool, page: Page) -> None:
    """In a sentence about the one that is chosen; with what is advised, about that. Words that the page uses
    are explained too, and not those of trainings."""
    pool.select(2)
    page.goto(f"/app/pools/{pool.id}/picks")
    way = page.get_by_label("How they are picked")
    expect(page.get_by_text("unusual photos come first")).to_have_count(0)
    way.select_option("k-center")
    expect(page.get_by_text("unusual photos come first")).to_be_visible()
    way.select_option("advised")
    expect(page.get_by_text("judged by small parts")).to_be_visible()
    page.get_by_text("What these words mean").click()
    expect(page.get_by_role("term").filter(has_text="selection")).to_be_visible()
    expect(page.get_by_role("term").filter(has_text="pix2pix")).to_have_count(0)


def test_picks_are_given_to_people_once_there_are_others(pool: Pool, page: Page, client: Client) -> None:
    """Whoever is alone in the pool is not offered to give picks away."""
    pool.share("local", "curator")
    pool.unshare("admin")
    pool.select(2)
    page.goto(f"/app/pools/{pool.id}/picks")
    expect(page.locator("ol > li")).to_have_count(2)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Give them to people")).to_have_count(0)
    client.create_user("gita")
    pool.share("gita", "annotator")
    page.reload()
    expect(page.get_by_text("Give them to people")).to_be_visible()


def test_the_options_move_nothing(pool: Pool, page: Page) -> None:
    """What is beside the word that opens them stays where it is, and so does the word."""
    page.goto(f"/app/pools/{pool.id}/picks")
    word, again = page.get_by_text("Options", exact=True), page.get_by_role("button", name="Pick them")
    before = word.bounding_box(), again.bounding_box()
    word.click()
    expect(page.get_by_placeholder("day1/*")).to_be_visible()
    assert (word.bounding_box(), again.bounding_box()) == before


def test_picks_of_deleted_photos_stay_in_words(pool: Pool, page: Page) -> None:
    """Neither a deleted pick nor a deleted photo beside a pick is asked for. What is explained stays, until
    all is asked anew; what cannot be explained any more is said, and other picks are asked for."""
    selection = pool.select(2)
    explained = selection.explain()
    pick = selection.picks[0]
    beside = next(near["name"] for each in explained.picks for near in each["nearest"])
    address = f"/app/pools/{pool.id}/picks?selection="
    page.goto(address + selection.id)
    near = page.get_by_role("group", name="photos that it stands for").get_by_role("img")
    expect(near).to_have_count(4)
    pool.delete_photo(pick.name)
    pool.delete_photo(beside)
    page.reload()
    cards = page.locator("ol > li")
    expect(cards.filter(has_text="The photo was deleted.").locator(".path")).to_have_text(pick.name)
    expect(page.locator(".map canvas")).to_be_visible()
    expect(near).to_have_count(3)
    expect(page.get_by_role("img", name=beside)).to_have_count(0)
    page.get_by_role("link", name="Start labelling").click()
    expect(page.get_by_label("To label").get_by_role("link")).to_have_count(1)
    page.go_back()

    other = pool.select(2, seed=1)
    pool.delete_photo(other.picks[0].name)
    page.goto(address + other.id)
    expect(page.get_by_text("How well these picks cover the pool is not known any more")).to_be_visible()
    page.get_by_role("button", name="Pick again").click()
    expect(cards).to_have_count(3)
    expect(page.locator(".map canvas")).to_be_visible()
    expect(page.get_by_text("The photo was deleted.")).to_have_count(0)
