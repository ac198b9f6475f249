"""From a folder of photos to a model, by mouse and keyboard alone."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from fewpairs import Client, Pool
from tests import drawings
from tests.access import PASSWORD
from tests.browser.axe import violations
from tests.browser.conftest import log_in
from tests.processes import until

JOURNAL = """([image, user]) => new Promise(done => {
  const opening = indexedDB.open(`fewpairs-${user}`);
  opening.onsuccess = () => {
    const reading = opening.result.transaction(["entries", "bases", "changes"]);
    const of = name => reading.objectStore(name);
    const [entry, base] = [of("entries").get(image), of("bases").get(image)];
    const changes = of("changes").getAll(IDBKeyRange.bound([image, 0], [image, Infinity]));
    reading.oncomplete = () => {
      opening.result.close();
      if (!entry.result) return done(null);
      const ids = Array.from(base.result);
      for (const runs of changes.result.slice(0, entry.result.done))
        for (let at = 0; at < runs.length; at += 3)
          ids.fill(runs[at + 2] & 255, runs[at], runs[at] + runs[at + 1]);
      done(ids);
    };
  };
})"""
"""The class indices that a browser keeps: those before the first stroke, and what the strokes changed."""
MARGIN = 12
"""Around a whole photo in the painter, in CSS pixels."""
DOTS = """([count, width, height, margin]) => {
    const painter = document.querySelector(".painter");
    const box = painter.getBoundingClientRect();
    const scale = Math.min((box.width - 2 * margin) / width, (box.height - 2 * margin) / height);
    const [left, top] = [box.x + (box.width - scale * width) / 2, box.y + (box.height - scale * height) / 2];
    for (let dot = 0; dot < count; dot++) {
        const clientX = left + scale * ((dot % width) + 0.5);
        const clientY = top + scale * (Math.floor(dot / width) + 0.5);
        for (const kind of ["pointerdown", "pointerup"])
            painter.dispatchEvent(new PointerEvent(kind, {pointerId: 1, clientX, clientY, bubbles: true}));
    }
}"""
"""Paints as many pixels of a photo of this size, each by a stroke of its own."""
PRESSED = """([times, key]) => {
    for (let time = 0; time < times; time++)
        document.body.dispatchEvent(new KeyboardEvent("keydown", {...key, bubbles: true}));
}"""
ROWS = """() => [...document.querySelectorAll("header > a, header > nav > a, header .news a, header summary")]
    .map(each => each.getBoundingClientRect())
    .map(({left, right, top, bottom}) => ({left, right, middle: Math.round((top + bottom) / 20)}))"""
"""Where the links of the header stand, in tens of pixels from the top."""
CUT_OFF = """() => [...document.querySelectorAll('.scroll:has(> .wide)')]
    .some(each => each.scrollWidth > each.clientWidth)"""
"""Whether a part of a table is out of sight, to be scrolled to."""
CLASSES = [each["name"] for each in drawings.CLASS_TABLE["classes"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    drawings.write(tmp_path / "drawn", range(8))
    return tmp_path / "drawn"


@pytest.fixture
def pool(client: Client, folder: Path, request: pytest.FixtureRequest) -> Pool:
    pool = client.create_pool(request.node.name, classes=drawings.CLASS_TABLE)
    pool.upload(folder / "images")
    return pool


def wrong(page: Page) -> int:
    """The pixels in which the prediction that is shown differs from the label map, where that has a class."""
    shown = [page.get_by_role("img", name=name).first.get_attribute("src") for name in ("Label map", "probe")]
    truth, predicted = (np.asarray(Image.open(BytesIO(page.request.get(f"/{src}").body()))) for src in shown)
    return int(((truth != predicted) & (truth != drawings.CLASS_TABLE["ignore"])).sum())


def first_image(pool: Pool) -> str:
    return str(next(pool.images())["id"])


def painting(page: Page, pool: Pool, image: str) -> Any:
    """Open the painter on an image. Returns where it stands on the page."""
    page.goto(f"/app/pools/{pool.id}/label/{image}")
    page.locator(".painter canvas").first.wait_for()
    return page.locator(".painter").bounding_box()


def stroke(page: Page, box: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of the painter to another, in shares of its size."""
    for (x, y), act in ((start, page.mouse.down), (end, page.mouse.up)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        act()


def paint_every_class(page: Page) -> None:
    page.locator(".painter canvas").first.wait_for()
    box = page.locator(".painter").bounding_box()
    for index in range(len(CLASSES)):
        page.keyboard.press(str(index + 1))
        stroke(page, box, (0.4, 0.3 + 0.15 * index), (0.6, 0.3 + 0.15 * index))


def draft(page: Page, image: str) -> list[int]:
    """The label map that the browser keeps for an image, once the last stroke is in it."""
    expect(page.get_by_text("Kept")).to_be_visible()
    return draft_of(page, image)


def draft_of(page: Page, image: str) -> list[int]:
    """The same, of a photo that may be closed."""
    user = page.request.get("/me").json()["id"]
    before, ids = None, None
    while ids is None or ids != before:
        page.wait_for_timeout(600)
        before, ids = ids, page.evaluate(JOURNAL, [image, user])
    return list(ids)


def keeps(page: Page, image: str, ids: list[int]) -> None:
    """Wait until the browser keeps this label map for an image."""
    until(lambda: draft(page, image) == ids, "the browser keeps what was painted")


def stored(page: Page, image: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(page.request.get(f"/images/{image}/annotation").body())))


def test_a_person_comes_from_a_folder_to_two_compared_models(page: Page, folder: Path) -> None:
    """Pool, photos, picks, test photos, painted label maps, two trainings and their scores, side by side:
    nothing but the pages is used.
    """
    page.goto("/")
    page.locator("input[webkitdirectory]").set_input_files(folder / "images")
    expect(page.get_by_text("Found: 8 photos.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("by hand")
    expect(page.get_by_role("button", name="Create the pool and send")).to_be_in_viewport(ratio=1)
    page.get_by_label("Names of the classes").fill("\n".join(CLASSES))
    page.get_by_role("button", name="Create the pool and send the photos").click()
    expect(page.get_by_role("heading", name="Photos", exact=True)).to_be_visible()

    page.get_by_role("link", name="Picks").click()
    page.get_by_label("How many", exact=True).fill("7")
    page.get_by_role("button", name="Pick them").click()
    picks = page.locator("ol > li")
    expect(picks).to_have_count(7)
    page.get_by_label("How many", exact=True).fill("2")
    expect(picks).to_have_count(2)
    page.reload()
    expect(picks).to_have_count(2)
    second = str(picks.nth(1).get_by_role("img").first.get_attribute("src")).split("/")[1]
    queue = page.get_by_label("To label").get_by_role("link")
    with page.expect_request(f"**/images/{second}/content"):  # while the first photo is shown
        page.get_by_role("link", name="Start labelling").click()
        page.locator(".painter canvas").first.wait_for()
        expect(queue).to_have_count(2)
        expect(queue.first).to_have_attribute("aria-current", "true")
    for photo in (1, 0):  # the first one is skipped, and comes again at the end
        page.keyboard.press("j")
        expect(queue.nth(photo)).to_have_attribute("aria-current", "true")
        paint_every_class(page)
        address = page.url
        page.keyboard.press("Control+Enter")
        expect(page).not_to_have_url(address)
    expect(page.get_by_text("All picked photos are labelled.")).to_be_visible()
    page.get_by_role("link", name="Pick more photos").click()
    expect(page.get_by_text("It takes about")).to_be_visible()
    page.get_by_role("button", name="Pick up to 14").click()
    expect(picks).to_have_count(6)
    expect(page.locator(".map canvas")).to_be_visible()  # before photos move: all is known of the picks

    page.get_by_role("link", name="Photos", exact=True).click()
    unlabelled = page.locator("button[data-place]:not([aria-label*=labelled])")
    for place in range(2):
        unlabelled.nth(place).click(modifiers=["Control"])
    page.get_by_role("button", name="Move to test").click()
    expect(page.get_by_text("2 photos moved to test.")).to_be_visible()
    page.get_by_role("link", name="Picks").click()
    expect(picks.get_by_text("moved to test")).to_have_count(2)
    expect(page.get_by_text("Some picks are not in use")).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).click()
    page.get_by_role("link", name="Label 2 test photos").click()
    expect(queue.first).to_have_attribute("aria-current", "true")
    paint_every_class(page)
    with page.expect_response("**/annotation?*"):
        page.keyboard.press("Control+Enter")
    expect(queue.last).to_have_attribute("aria-current", "true")
    expect(queue).to_have_count(2)
    page.get_by_role("link", name="Photos", exact=True).click()
    page.get_by_label("Split", exact=True).select_option("test")
    expect(page.locator("button[data-place]")).to_have_count(2)
    unlabelled.first.click()
    page.get_by_role("link", name="Label it").click()
    paint_every_class(page)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved")).to_be_visible()

    for trainings in (1, 2):
        page.get_by_role("link", name="Train", exact=True).click()
        page.get_by_label("A quick look").check()
        page.get_by_role("button", name="Train", exact=True).click()
        expect(page.locator("tbody tr")).to_have_count(trainings)
        expect(page.get_by_role("link", name="Compare it")).to_be_visible()
    expect(page.get_by_role("img", name="What it makes of photos, at the end")).to_be_visible()
    expect(page.get_by_text("Log", exact=True)).to_be_visible()
    assert violations(page) == []
    expect(page.get_by_text("Next:")).to_have_count(0)
    page.get_by_role("button", name="Score it on all 2 test photos").click()
    page.get_by_label("Model B").select_option(index=1)
    scores = page.get_by_role("button", name="Score Model B on 2 test photos")
    expect(scores).to_have_count(1)
    scores.click()
    expect(scores).to_have_count(0)
    expect(page.get_by_role("columnheader", name="A − B")).to_be_visible()
    expect(page.get_by_role("row", name=CLASSES[0]).first).to_be_visible()
    expect(page.get_by_text("Only 2 test photos are scored")).to_be_visible()
    labelling = page.get_by_role("img", name="Mean IoU over the time of labelling")
    expect(labelling.locator(".u-value").first).to_have_text(re.compile(r"^\d+ (s|min)$"))
    pixels = wrong(page)
    page.keyboard.press("e")
    expect(page.get_by_text("px wrong").first).to_contain_text(f"{pixels:,} px wrong")
    assert violations(page) == []
    page.keyboard.press("e")
    prediction = page.get_by_role("img", name="probe").first
    first, second = (str(page.get_by_role("img", name="probe").nth(at).get_attribute("src")) for at in (0, 1))
    page.keyboard.down("b")
    expect(prediction).to_have_attribute("src", second)
    page.keyboard.up("b")
    expect(prediction).to_have_attribute("src", first)

    page.get_by_role("link", name="Picks", exact=True).click()
    unsure = page.get_by_role("button", name="Pick again with what it is unsure of")
    with page.expect_request("**/select") as asked:
        unsure.click()
    assert asked.value.post_data_json["model"]
    expect(unsure).to_have_count(0)


def test_the_service_stores_the_pixels_that_were_painted(page: Page, pool: Pool) -> None:
    """A label map that was painted and saved has the class indices of the page's buffer, pixel by pixel, also
    for another reader of PNGs. Erasing or undoing the last stroke, also before it is whole, gives the bytes
    before it. Saving twice makes one revision. What is undone and done again after a save is saved again. A
    photo that was not picked is in the list of photos while it is open.
    """
    image = first_image(pool)
    box = painting(page, pool, image)
    listed = page.get_by_label("To label").get_by_role("link")
    expect(listed).to_have_attribute("aria-current", "true")
    page.keyboard.press("2")
    stroke(page, box, (0.3, 0.3), (0.7, 0.6))
    before = draft(page, image)
    page.keyboard.press("1")
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.8 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=3)
    page.keyboard.press("Control+z")
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.8 * box["height"], steps=3)
    page.mouse.up()
    keeps(page, image, before)
    for tool in ("b", "e"):
        page.keyboard.press(tool)
        stroke(page, box, (0.3, 0.8), (0.7, 0.8))
        assert (draft(page, image) == before) == (tool == "e")
    page.keyboard.press("1")
    page.keyboard.press("u")
    stroke(page, box, (0.3, 0.7), (0.7, 0.4))
    painted = draft(page, image)
    assert set(painted) == {0, 1, 255}
    page.keyboard.press("u")
    page.keyboard.press("Control+z")
    keeps(page, image, before)
    page.keyboard.press("Control+Shift+z")
    keeps(page, image, painted)
    page.keyboard.press("Control+s")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved")).to_be_visible()
    assert stored(page, image).ravel().tolist() == painted
    sent = Image.open(BytesIO(page.request.get(f"/images/{image}/annotation?original=true").body()))
    assert (sent.mode, np.asarray(sent).ravel().tolist()) == ("P", painted)
    page.keyboard.press("Control+z")
    keeps(page, image, before)
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+s")
    address = f"/images/{image}"
    until(lambda: page.request.get(address).json()["annotation_revision"] == 2, "a second revision")
    assert stored(page, image).ravel().tolist() == painted


def test_the_next_photo_does_not_wait_until_the_last_is_stored(page: Page, pool: Pool) -> None:
    """It is shown and painted while the service has not answered, and what was painted is stored then. What
    that teaches is suggested on the photo that is shown, without a stroke on it.
    """
    pool.select(budget=3)
    page.goto(f"/app/pools/{pool.id}/label")
    page.locator(".painter canvas").first.wait_for()
    unanswered: list[Route] = []
    page.route("**/annotation?*", lambda route: unanswered.append(route))
    images = []
    for _ in range(2):
        address = page.url
        images.append(address.split("/")[-1].split("?")[0])
        paint_every_class(page)
        painted = draft(page, images[-1])
        page.keyboard.press("Control+Enter")
        expect(page).not_to_have_url(address)
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()  # the next one is shown
    ends = [page.request.get(f"/images/{image}").json()["annotation_revision"] for image in images]
    assert ends == [None, None]
    until(lambda: page.title() and len(unanswered) == 1, "the first label map is sent")
    expect(page.get_by_text("Paint two classes")).to_be_visible()
    unanswered.pop().continue_()
    expect(page.get_by_text("Striped: suggested")).to_be_visible()
    until(lambda: page.title() and len(unanswered) == 1, "the second label map is sent")
    assert stored(page, images[0]).ravel().tolist().count(0) > 0
    unanswered.pop().continue_()
    until(lambda: page.request.get(f"/images/{images[1]}").json()["annotation_revision"] == 1, "it is stored")
    assert stored(page, images[1]).ravel().tolist() == painted


def test_a_refused_photo_is_ticked_only_if_somebody_labelled_it(page: Page, pool: Pool, folder: Path) -> None:
    """A photo that was ended is ticked at once. If the service then refuses its label map, it comes again
    without the tick, unless somebody else has labelled it.
    """
    pool.select(budget=2)
    page.goto(f"/app/pools/{pool.id}/label")
    queue = page.get_by_label("To label").get_by_role("link")
    unanswered: list[Route] = []
    page.route("**/annotation?*", lambda route: unanswered.append(route))
    names = []
    for photo in range(2):
        expect(queue.nth(photo)).to_have_attribute("aria-current", "true")
        names.append(str(queue.nth(photo).get_attribute("title")))
        paint_every_class(page)
        page.keyboard.press("Control+Enter")
        expect(queue.nth(photo)).to_contain_text("✓")
        until(lambda: page.title() and unanswered, "the label map is sent")
        if photo == 0:
            unanswered.pop().fulfill(status=412, json={})
            expect(page.get_by_text(f"What you painted on {names[0]} is not stored")).to_be_visible()
            expect(queue.first).not_to_contain_text("✓")
    expect(queue.first).to_have_attribute("aria-current", "true")
    pool.annotate(folder / "labels" / names[1])
    unanswered.pop().continue_()
    expect(page.get_by_text(f"What you painted on {names[1]} is not stored")).to_be_visible()
    expect(queue.last).to_contain_text("✓")


def test_a_closed_tab_loses_nothing(context: BrowserContext, page: Page, pool: Pool) -> None:
    """500 strokes that were not saved are there when the page is opened again, and each of them can be undone
    and done again.
    """
    image = first_image(pool)
    painting(page, pool, image)
    page.mouse.move(1, 1)
    page.evaluate(DOTS, [500, drawings.WIDTH, drawings.HEIGHT, MARGIN])
    painted = draft(page, image)
    assert painted.count(0) == 500
    page.close()
    again = context.new_page()
    painting(again, pool, image)
    keeps(again, image, painted)
    again.evaluate(PRESSED, [500, {"key": "z", "code": "KeyZ", "ctrlKey": True}])
    assert set(draft(again, image)) == {255}
    again.evaluate(PRESSED, [500, {"key": "Z", "code": "KeyZ", "ctrlKey": True, "shiftKey": True}])
    keeps(again, image, painted)


def test_one_tab_at_a_time_paints_a_photo(context: BrowserContext, page: Page, pool: Pool) -> None:
    """A second tab shows what the first painted, paints nothing, and gets the photo when its person says so;
    then the first one paints nothing.
    """
    image = first_image(pool)
    box = painting(page, pool, image)
    stroke(page, box, (0.3, 0.3), (0.7, 0.3))
    first = draft(page, image)
    second = context.new_page()
    painting(second, pool, image)
    elsewhere = "You paint this photo in another tab"
    expect(second.get_by_text(elsewhere)).to_be_visible()
    second.keyboard.press("2")
    stroke(second, box, (0.3, 0.7), (0.7, 0.7))
    second.keyboard.press("Control+z")
    keeps(second, image, first)
    second.get_by_role("button", name="Paint it here").click()
    expect(second.get_by_text(elsewhere)).to_be_hidden()
    stroke(second, box, (0.3, 0.7), (0.7, 0.7))
    both = draft(second, image)
    assert set(both) == {0, 1, 255}
    page.bring_to_front()
    expect(page.get_by_text(elsewhere)).to_be_visible()
    stroke(page, box, (0.3, 0.5), (0.7, 0.5))
    keeps(page, image, both)


def test_two_people_do_not_overwrite_each_other(
    client: Client, page: Page, pool: Pool, stranger: BrowserContext
) -> None:
    """Who saves second is told so, and chooses; both label maps are revisions then. So is who saves after
    somebody withdrew the label map, also if another photo is open when it is noticed; the page goes on saying
    so, whenever it is opened, until its person knows.
    """
    client.create_user("bea", PASSWORD)
    pool.share("bea", "annotator")
    image = first_image(pool)
    other = stranger.new_page()
    log_in(other, "bea")
    boxes = [painting(each, pool, image) for each in (page, other)]
    stroke(page, boxes[0], (0.3, 0.3), (0.7, 0.3))
    mine = draft(page, image)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved")).to_be_visible()
    other.keyboard.press("2")
    stroke(other, boxes[1], (0.3, 0.7), (0.7, 0.7))
    other.keyboard.press("Control+s")
    expect(other.get_by_text("Somebody else saved a label map")).to_be_visible()
    expect(other.get_by_label("Somebody else saved a label map").locator("canvas")).to_have_count(2)
    assert stored(page, image).ravel().tolist() == mine
    other.get_by_role("button", name="Keep mine").click()
    other.keyboard.press("Control+s")
    expect(other.get_by_text("Saved")).to_be_visible()
    assert set(np.unique(stored(page, image))) == {1, 255}

    pool.withdraw(image)
    stroke(page, boxes[0], (0.3, 0.5), (0.7, 0.5))
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Somebody withdrew the label map")).to_be_visible()
    page.get_by_role("button", name="Keep mine").click()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved")).to_be_visible()
    assert set(np.unique(stored(page, image))) == {0, 255}

    page.route("**/annotation?*", lambda route: route.abort("internetdisconnected"))
    stroke(page, boxes[0], (0.3, 0.7), (0.7, 0.7))
    page.keyboard.press("Control+s")
    expect(page.get_by_text("The service does not answer")).to_be_visible()
    pool.withdraw(image)
    opened, *_, last = pool.images()
    painting(page, pool, last["id"])
    page.unroute("**/annotation?*")
    refused = page.get_by_text(f"What you painted on {opened['name']} is not stored")
    expect(refused).to_be_visible()
    page.reload()
    expect(refused).to_be_visible()
    page.get_by_role("link", name="Look at it").click()
    withdrawn = page.get_by_text("Somebody withdrew the label map")
    expect(withdrawn).to_be_visible()
    page.reload()
    expect(withdrawn).to_be_visible()
    kept = draft_of(page, image)
    assert set(kept) == {0, 255}
    painting(page, pool, last["id"])
    page.get_by_role("button", name="Keep it in this browser").click()
    expect(refused).to_be_hidden()
    page.reload()
    page.locator(".painter canvas").first.wait_for()
    expect(refused).to_be_hidden()
    painting(page, pool, image)
    assert draft_of(page, image) == kept


def test_the_pages_are_usable_by_everyone(page: Page, pool: Pool) -> None:
    """axe finds no violation of the accessibility rules on any page, in light and in dark; and the pages and
    their tables fit a telephone, where the photo that is labelled is as wide as the page.
    """
    image = first_image(pool)
    pool.select(budget=4).explain()
    views = ["photos?map=cluster", "picks", f"label/{image}", "train", "compare", "members"]
    halls = ["jobs", "keys", "people", "audit", "settings", "doctor", "login"]
    addresses = ["", *(f"app/{hall}" for hall in halls), *(f"app/pools/{pool.id}/{view}" for view in views)]
    found = {}
    for address in addresses:
        page.goto(f"/{address}")
        page.wait_for_load_state("networkidle")
        found[address] = violations(page)
        page.set_viewport_size({"width": 414, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth") > 414 or page.evaluate(CUT_OFF):
            found[address].append(("too wide", address))
        if "/label/" in address:
            box = page.locator(".painter").bounding_box()
            assert box
            assert (box["width"], round(box["height"])) == (414, 440)
        page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"/app/pools/{pool.id}/photos?photo={image}")
    for key, dialog in ((None, ".png"), ("?", "Shortcuts"), ("Control+k", "Jump to")):
        if key:
            page.keyboard.press("Escape")
            page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=dialog)).to_be_visible()
        found[dialog] = violations(page)
    assert not any(found.values()), found


def test_the_header_takes_little_room(page: Page, pool: Pool) -> None:
    """One row on a small screen; on a telephone one for the pool and the person, one for the views and one
    for what comes next, and all links are in sight. Without a pool there is one row only.
    """
    for width, rows in ((1280, 1), (414, 3)):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"/app/pools/{pool.id}/photos")
        expect(page.get_by_text("Next:")).to_be_visible()
        links = page.evaluate(ROWS)
        assert len({link["middle"] for link in links}) == rows, width
        assert all(link["left"] >= 0 and link["right"] <= width for link in links), width
    one_row = page.locator("header .brand").bounding_box()
    page.goto("/app/jobs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    header = page.get_by_role("banner").bounding_box()
    assert one_row
    assert header
    assert header["height"] < 2.5 * one_row["height"]
