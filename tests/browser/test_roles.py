"""Who sees what in the pages, and where the pages may stand."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fewpairs import Client, JobFailed, Pool
from tests import drawings
from tests.access import PASSWORD
from tests.browser.conftest import log_in, person
from tests.browser.proxy import behind_tls
from tests.browser.test_workbench import stroke
from tests.fewpairs.conftest import TINY


@pytest.fixture(scope="module")
def studied(server: str, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """A pool with picks of which one is labelled, a scored model, one without scores and a cancelled
    training.
    """
    folder = tmp_path_factory.mktemp("studied")
    drawings.write(folder, range(5))
    pool = Client(server).create_pool("studied", classes=drawings.CLASS_TABLE)
    pool.upload([folder / "images" / f"{number:04d}.png" for number in range(4)])
    pool.upload(folder / "images" / "0004.png", split="test")
    pool.select(2).explain()
    pool.annotate([folder / "labels" / f"{number:04d}.png" for number in (0, 1, 4)])
    model = pool.train("probe").wait().model
    model.evaluate().wait()
    pool.import_model(model.download_file("photo_to_label.onnx", folder / "model.onnx"))
    with pytest.raises(JobFailed, match="was cancelled"):
        pool.train("probe").cancel().wait()
    return pool


OFFERED: dict[str, dict[str, list[str]]] = {
    "photos": {"annotator": ["Find by photo"], "curator": ["Add photos"]},
    "photos?photo={image}": {
        "viewer": ["Find photos like this"],
        "annotator": ["Label it"],
        "curator": ["Leave out", "Delete", "Move to test"],
    },
    "picks": {"annotator": ["Start labelling"], "curator": ["Pick again", "Keep", "Skip", "Give"]},
    "label/{image}": {"annotator": ["Save", "Done and next"]},
    "train/{training}": {"curator": ["Train", "Try it again"]},
    "compare/{models}": {
        "annotator": ["Change its label map", "Label one like it next"],
        "curator": ["Score Model B on 1 test photo", "Label maps of the test photos (PNG)"],
    },
    "members": {
        "curator": ["Rename", "Add the class", "Delete the pool", "Give the role", "Take the role away"]
    },
    "/app/jobs": {"curator": ["Try again"]},
}
"""What a role may do on each page besides what the roles before it may."""
ROLES = ("viewer", "annotator", "curator")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_offered_what_it_may(
    client: Client, studied: Pool, stranger: BrowserContext, role: str
) -> None:
    """On every page, that alone and all of it. Pages of administrators are not offered, and say so to who
    goes there. Nothing that a page asks is refused, or the console would say so.
    """
    name = f"a {role}"
    client.create_user(name, PASSWORD)
    studied.share(name, role)
    page = stranger.new_page()
    log_in(page, name)
    page.get_by_text(f"Account: {name}").click()
    menu = page.get_by_role("navigation", name="Account")
    assert menu.get_by_role("link").all_inner_texts() == ["Keys"]
    places = {
        "image": studied.image_id("0002.png"),
        "training": next(studied.jobs(kind="train", state="cancelled")).id,
        "models": "/".join(model.id for model in reversed(studied.models())),
    }
    for view, by_role in OFFERED.items():
        address = view.format(**places)
        page.goto(address if view.startswith("/") else f"/app/pools/{studied.id}/{address}")
        below = ROLES[: ROLES.index(role) + 1]
        may = {name for each in below for name in by_role.get(each, ())}
        assert_offered(page, may, {name for names in by_role.values() for name in names})
        if view == "members":
            views = page.get_by_role("navigation", name="Views of the pool").get_by_role("link")
            label = [] if role == "viewer" else ["Label"]
            assert views.all_inner_texts() == ["Photos", "Picks", *label, "Train", "Compare", "Pool"]
        if view.startswith("label") and role == "viewer":
            page.get_by_role("link", name="Look at the photo").click()
            expect(page.get_by_role("dialog", name="0002.png")).to_be_visible()
    for hall in ("people", "audit", "settings", "doctor"):
        page.goto(f"/app/{hall}")
        expect(page.get_by_text("Only administrators of this service may see this page.")).to_be_visible()
        expect(page.get_by_role("button", name="Make the account")).to_have_count(0)


def assert_offered(page: Page, may: set[str], all_names: set[str]) -> None:
    """The page has buttons, links or files to choose of these names, and of none of the others."""
    main = page.get_by_role("main").or_(page.get_by_role("dialog"))
    for name in may:
        expect(main.get_by_text(name, exact=True).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    for name in all_names - may:
        expect(main.get_by_text(name, exact=True)).to_have_count(0)


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

    last = cards.last.locator(".path").inner_text()
    cards.last.get_by_role("button", name="Keep").click()
    page.get_by_label("How they are picked").select_option("random")
    page.get_by_label("How many", exact=True).fill("2")
    page.get_by_role("button", name="Pick the best 2").click()
    kept = page.get_by_role("button", name="Kept")
    expect(cards.filter(has=kept).locator(".path")).to_have_text(last)
    cards.filter(has_not=kept).get_by_role("button", name="Skip").click()
    expect(page.get_by_text("1 kept, 1 skipped")).to_be_visible()


def test_a_person_jumps_and_finds_the_keys(pool: Pool, page: Page) -> None:
    """Ctrl+K leads to a page, a pool and a photo by their names; ? lists the keys of the page."""
    page.goto("/")
    for wanted, address in ((pool.name, "/photos"), ("Pool", "/members"), ("0000.png", "/label/")):
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
    expect(page.get_by_role("dialog", name="Shortcuts").get_by_text("the picture of model B")).to_be_visible()


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
    page comes from below that path, a photo is sent, painted and saved, and a training is followed by its
    stream of events.
    """
    client.create_user("ben", PASSWORD)
    pool.share("ben", "curator")
    drawings.write(tmp_path / "more", range(9, 10))
    with behind_tls(server, tmp_path) as address, person(browser, address) as context:
        page = context.new_page()
        log_in(page, "ben", address)
        [cookie] = context.cookies()
        assert (cookie["secure"], cookie["httpOnly"]) == (True, True)
        page.get_by_role("link", name=pool.name).click()
        expect(page).to_have_url(f"{address}/app/pools/{pool.id}/photos")
        expect(page.locator("img[src*=thumbnail]").first).not_to_have_js_property("naturalWidth", 0)
        page.get_by_label("Add photos").set_input_files(tmp_path / "more" / "images" / "0009.png")
        expect(page.get_by_text("1 photo added")).to_be_visible()
        image = pool.image_id("0009.png")
        page.goto(f"{address}/app/pools/{pool.id}/label/{image}")
        page.locator(".painter canvas").first.wait_for()
        stroke(page, page.locator(".painter").bounding_box(), (0.3, 0.5), (0.6, 0.5))
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
        [revision] = pool.revisions("0009.png")
        assert (revision["by"], sum(revision["pixels"].values()) > 0) == ("ben", True)
        page.reload()
        page.locator(".painter canvas").first.wait_for()
        training = pool.train("hybrid", recipe="tiny", **(TINY | {"total_steps": 100_000}))
        page.goto(f"{address}/app/pools/{pool.id}/train/{training.id}")
        state = page.get_by_role("heading", name="Training · ")
        expect(state).to_have_text(re.compile("queued|running"))
        training.cancel()
        expect(state).to_have_text("Training · cancelled")
