"""The painter: exact by every device, usable without a mouse, and nothing that it paints is lost."""

import re
from contextlib import suppress
from math import exp
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Locator, Page, Route, expect

from fewpairs import Client, Pool
from tests import drawings
from tests.browser.conftest import started
from tests.browser.test_workbench import MARGIN, draft, first_image, keeps, painting, stored, stroke
from tests.processes import free_port, until

CONTROL, SHIFT = 2, 8
"""Keys that are held, as the protocol of browsers numbers them."""
TOOLS = (
    *("Brush", "Eraser", "Lasso", "Polygon", "Fill region", "Superpixels", "Trace edges", "Magic wand"),
    "Accept region",
)
PLACES = """() => [...document.querySelectorAll(".tools button, .tools select")]
    .map(each => Math.round(each.getBoundingClientRect().top))"""
CUT_OFF = """() => [...document.querySelectorAll(".tools button, .tools label, .tools h2, .tools p")]
    .filter(each => each.scrollWidth > each.clientWidth + 1)
    .map(each => each.textContent.trim())"""
OUT_OF_SIGHT = """() => [...document.querySelectorAll(".tools [role=radio], .tools [aria-pressed]")]
    .filter(each => {
        const box = each.getBoundingClientRect();
        return !each.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
    }).map(each => each.outerHTML.slice(0, 80))"""
ERASER = """places => {
    const painter = document.querySelector(".painter");
    const kinds = ["pointerdown", ...places.slice(1).map(() => "pointermove"), "pointerup"];
    kinds.forEach((kind, at) => painter.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, pointerType: "pen", bubbles: true, button: kind === "pointermove" ? -1 : 5,
        buttons: kind === "pointerup" ? 0 : 32,
        clientX: (places[at] ?? places.at(-1)).x, clientY: (places[at] ?? places.at(-1)).y,
    })));
}"""
"""The other end of a pen goes through these places; the protocol of browsers has only its tip."""
COUNTED = """const put = CanvasRenderingContext2D.prototype.putImageData;
window.drawn = 0;
CanvasRenderingContext2D.prototype.putImageData = function (picture, ...place) {
    window.drawn += picture.width * picture.height;
    return put.call(this, picture, ...place);
}"""
"""Counts the pixels of the label map that are drawn."""
PHOTO_PIXELS = """() => {
    const canvas = document.querySelector(".painter canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value, at) => sum + (at % 4 === 3 && value > 0), 0);
}"""
"""How many pixels of the painter show the photo."""
ANNOUNCED = """() => {
    window.announced = [];
    new MutationObserver(changes => changes.forEach(({target}) => {
        const part = target.closest ? target : target.parentElement;
        const region = part.closest("[role=status], [role=alert]");
        if (region) announced.push(region.textContent);
    })).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""Collects what a screen reader says by itself from now on."""
COVERED = """() => {
    const found = [];
    for (const each of document.querySelectorAll(".tools button, .tools input, .tools select")) {
        if (each.closest(".end") || each.closest("details:not([open])")) continue;
        each.scrollIntoView({block: "center"});
        const box = each.getBoundingClientRect();
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        if (!each.contains(top) && !top?.contains(each)) found.push(each.outerHTML.slice(0, 80));
    }
    return found;
}"""


@pytest.fixture
def pool(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Pool:
    drawings.write(tmp_path, range(1))
    pool = client.create_pool(request.node.name, classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "images")
    return pool


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name)


def press(session: CDPSession, key: str, code: str, modifiers: int = 0) -> None:
    """A key of a keyboard that has other letters than this machine's."""
    for kind in ("keyDown", "keyUp"):
        pressed = {"type": kind, "key": key, "code": code, "modifiers": modifiers}
        session.send("Input.dispatchKeyEvent", pressed)


def kill(page: Page) -> None:
    """End the process that holds a page, as a lack of memory does: nothing in it can run any more."""
    with page.expect_event("crash"), suppress(Error):  # the page never answers
        page.goto("chrome://crash")
    page.close()


def test_a_photo_is_labelled_by_keyboard_alone(context: BrowserContext, page: Page, pool: Pool) -> None:
    """On a French keyboard a digit chooses a class, on a Russian one letters choose a tool and undo. Arrows
    go from superpixel to superpixel and Enter paints. A key does what its person gave it to. What the service
    stores is what was painted.
    """
    image = first_image(pool)
    painting(page, pool, image)
    gaps = page.get_by_text("Unlabelled pixels are no mistake")
    expect(gaps).to_be_visible()
    keyboard = context.new_cdp_session(page)
    painter = page.locator(".painter")
    painter.focus()
    press(keyboard, "ы", "KeyS")
    expect(tool(page, "Superpixels")).to_be_checked()
    press(keyboard, '"', "Digit3")
    expect(page.get_by_role("button", name="disc 3")).to_have_attribute("aria-pressed", "true")
    expect(painter).to_have_attribute("aria-busy", "false")
    for key in ("ArrowRight", "Enter", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    two = draft(page, image)
    assert set(two) == {2, 255}
    press(keyboard, "я", "KeyZ", CONTROL)
    one = draft(page, image)
    assert 0 < one.count(2) < two.count(2)
    press(keyboard, "w", "KeyZ", CONTROL)  # what a French keyboard writes there is no undo
    press(keyboard, "z", "KeyW", CONTROL | SHIFT)  # and this is: with Shift, it does it again
    keeps(page, image, two)

    page.get_by_role("button", name="Shortcuts", exact=True).click()
    page.get_by_role("button", name="brush: change the shortcut", exact=True).press("Enter")
    page.keyboard.press("q")
    page.keyboard.press("Escape")
    painter.focus()
    page.keyboard.press("q")
    expect(tool(page, "Brush")).to_be_checked()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved")).to_be_visible()
    expect(gaps).to_be_hidden()
    assert stored(page, image).ravel().tolist() == two


def test_a_key_shows_the_whole_photo_again(page: Page, pool: Pool) -> None:
    """After the wheel has made it larger than the painter; a button on it does the same, and is there only
    then.
    """
    box = painting(page, pool, first_image(pool))
    whole = page.evaluate(PHOTO_PIXELS)
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    for again in (
        lambda: page.keyboard.press("z"),
        lambda: page.get_by_role("button", name="Whole photo").click(),
    ):
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.wheel(0, -2000)
        page.wait_for_function(f"() => ({PHOTO_PIXELS})() !== {whole}")
        again()
        page.wait_for_function(f"() => ({PHOTO_PIXELS})() === {whole}")
        expect(page.get_by_role("button", name="Whole photo")).to_have_count(0)


def test_what_labelling_needs_is_in_sight(page: Page, pool: Pool) -> None:
    """The tools and all classes beside the photo, on a small screen; at the pointer, wherever it is, the list
    of all classes; and the keys when they are asked for. While they are shown no key paints.
    """
    box = painting(page, pool, first_image(pool))
    page.set_viewport_size({"width": 1280, "height": 720})
    assert page.evaluate(OUT_OF_SIGHT) == []
    page.mouse.move(box["x"] + box["width"] - 5, 700)
    page.keyboard.press("c")
    expect(page.get_by_role("textbox", name="Class")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="disc", exact=True)).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Shortcuts")
    expect(keys.get_by_text("next unlabelled region")).to_be_in_viewport()
    page.keyboard.press("l")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(tool(page, "Brush")).to_be_checked()


def test_what_is_left_is_counted_before_it_is_told(page: Page, pool: Pool) -> None:
    """A photo that was just opened is not said to have every pixel labelled, and then how many have none."""
    workers: list[Route] = []
    page.route("**/background.worker*", lambda route: workers.append(route))
    painting(page, pool, first_image(pool))
    following = page.get_by_role("button", name="Next unlabelled region")
    expect(following).to_be_disabled()
    expect(page.get_by_text("Every pixel is labelled")).to_be_hidden()
    until(lambda: page.title() and workers, "the counter is asked for")
    workers.pop().continue_()
    pixels = drawings.WIDTH * drawings.HEIGHT
    expect(page.get_by_text(f"{pixels:,} px unlabelled in 1 region")).to_be_visible()
    expect(following).to_be_enabled()


def test_a_suggestion_comes_once_two_classes_are_painted(page: Page, pool: Pool, tmp_path: Path) -> None:
    """It is asked for with strokes of two classes, not of one, and goes when it is no longer wanted; then
    none is asked for. What is under the pointer, painted or suggested, is told in words. For a test photo
    there is no suggestion at first. Nothing of the panel moves, whatever it says and whatever the tool.
    """
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "suggestion" in request.url else None)
    image = first_image(pool)
    box = painting(page, pool, image)
    source, accept = page.get_by_label("Suggest"), page.get_by_role("button", name="Accept all")
    placed = page.evaluate(PLACES)
    expect(page.get_by_text("Paint two classes")).to_be_visible()
    assert page.evaluate("document.activeElement.className").startswith("painter")
    stroke(page, box, (0.3, 0.3), (0.7, 0.3))
    draft(page, image)
    expect(page.get_by_text("Paint a second class")).to_be_visible()
    assert asked == []
    page.keyboard.press("2")
    stroke(page, box, (0.3, 0.7), (0.7, 0.7))
    expect(page.get_by_text("Striped: suggested")).to_be_visible()
    expect(accept).to_be_enabled()
    for y, told in (
        (0.3, re.compile(r"^\s*ground\s*$")),
        (0.5, re.compile(r"(ground|block): suggested")),
    ):
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + y * box["height"])
        expect(page.locator(".painter")).to_have_text(told)
    for name in TOOLS:
        tool(page, name).click()
        assert page.evaluate(PLACES) == placed, name
    source.select_option("nothing")
    expect(accept).to_be_disabled()
    asked.clear()
    tool(page, "Brush").click()
    stroke(page, box, (0.3, 0.5), (0.7, 0.5))
    draft(page, image)
    assert asked == []

    drawings.write(tmp_path / "test", range(1, 2))
    pool.upload(tmp_path / "test" / "images", split="test")
    painting(page, pool, pool.image_id("0001.png"))
    expect(page.get_by_text("A test photo: label it yourself")).to_be_visible()
    expect(source).to_have_value("nothing")


def test_two_clicks_close_a_polygon(page: Page, pool: Pool) -> None:
    """The shape between the corners gets the class, and no text is selected; a click then begins another. An
    open shape outlasts other tools, which say that it is open; the strokes between and the shape are undone
    one by one.
    """
    image = first_image(pool)
    box = painting(page, pool, image)
    page.keyboard.press("2")
    tool(page, "Polygon").click()
    places = [
        {"x": box["width"] * x, "y": box["height"] * y} for x, y in ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6))
    ]
    for place in places[:2]:
        page.locator(".painter").click(position=place)
    page.locator(".painter").dblclick(position=places[2])
    triangle = draft(page, image)
    assert set(triangle) == {1, 255}
    assert page.evaluate("String(getSelection())") == ""
    page.locator(".painter").click(position=places[0])
    keeps(page, image, triangle)
    page.keyboard.press("Control+z")
    page.locator(".painter").click(position=places[1])
    open_shape = page.get_by_text("A shape is open")
    expect(open_shape).to_be_hidden()
    page.keyboard.press("b")
    expect(open_shape).to_be_visible()
    stroke(page, box, (0.3, 0.8), (0.7, 0.8))
    stroked = draft(page, image)
    assert set(stroked) == {1, 255}
    page.keyboard.press("Enter")
    page.keyboard.press("l")
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    keeps(page, image, stroked)
    page.keyboard.press("p")
    page.locator(".painter").click(position=places[2])
    page.keyboard.press("Enter")
    both = [1 if 1 in pair else 255 for pair in zip(triangle, stroked, strict=True)]
    keeps(page, image, both)
    page.keyboard.press("Control+z")
    keeps(page, image, stroked)
    page.keyboard.press("Control+z")
    assert set(draft(page, image)) == {255}
    page.keyboard.press("b")
    expect(open_shape).to_be_hidden()


def test_an_open_shape_is_closed_or_dropped_before_its_photo_is_left(
    page: Page, pool: Pool, tmp_path: Path
) -> None:
    """Done and next, Skip, a photo of the list, another page and Back keep the photo while a shape is open,
    and say what to do, whatever the tool; Enter then closes the shape, and the photo can be left.
    """
    drawings.write(tmp_path, range(1, 2))
    pool.upload(tmp_path / "images")
    pool.select(budget=2)
    page.goto(f"/app/pools/{pool.id}/picks")
    page.get_by_role("link", name="Start labelling").click()
    page.locator(".painter canvas").first.wait_for()
    box, address = page.locator(".painter").bounding_box(), page.url
    assert box
    listed = page.get_by_label("To label").get_by_role("link")
    ways = (
        lambda: page.get_by_role("button", name="Done and next").click(),
        lambda: page.get_by_role("button", name="Skip").click(),
        lambda: listed.last.click(),
        lambda: page.get_by_role("link", name="Photos", exact=True).click(),
        lambda: page.evaluate("history.back()"),
    )
    open_shape = page.get_by_text("a shape is open. Enter closes it, Esc drops it.")
    for leave in ways:
        tool(page, "Polygon").click()
        for x, y in ((0.35, 0.35), (0.65, 0.35), (0.5, 0.6)):
            page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        tool(page, "Brush").click()
        leave()
        expect(open_shape).to_be_visible()
        expect(page).to_have_url(address)
        expect(page.locator(".painter canvas")).to_have_count(3)
        page.keyboard.press("Enter")
        expect(open_shape).to_be_hidden()
    assert set(draft(page, address.split("/")[-1].split("?")[0])) == {0, 255}
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.keyboard.press("Control+Enter")
    expect(open_shape).to_be_visible()
    page.keyboard.press("Escape")
    expect(open_shape).to_be_hidden()
    page.get_by_role("button", name="Skip").click()
    expect(listed.last).to_have_attribute("aria-current", "true")


def test_a_photo_with_next_to_nothing_labelled_is_not_ended_by_a_slip(page: Page, pool: Pool) -> None:
    """Without any label it stays. With less than a hundredth of it labelled the page says how much that is,
    and asks again once it is another map; who says it twice has it stored as it is.
    """
    image = first_image(pool)
    box = painting(page, pool, image)
    few = page.get_by_text("of the photo is labelled. Press Done and next again")
    page.get_by_role("button", name="Done and next").click()
    expect(page.get_by_text("Nothing is labelled on this photo yet")).to_be_visible()
    for end in (0.5, 0.6):
        stroke(page, box, (0.5, 0.5), (end, 0.5))
        expect(few).to_be_hidden()
        expect(page.get_by_text("Nothing is labelled")).to_be_hidden()
        page.keyboard.press("Control+Enter")
        expect(few).to_contain_text("Only < 0.1 %" if end == 0.5 else "Only 0.")
    painted = draft(page, image)
    assert page.request.get(f"/images/{image}").json()["annotation_revision"] is None
    page.keyboard.press("Control+Enter")
    until(lambda: page.request.get(f"/images/{image}").json()["annotation_revision"] == 1, "it is stored")
    assert stored(page, image).ravel().tolist() == painted


def test_only_news_is_announced(page: Page, pool: Pool) -> None:
    """What a tool does is told as the description of the painter, and not announced whenever another tool is
    chosen; that a shape keeps the photo is.
    """
    box = painting(page, pool, first_image(pool))
    expect(page.get_by_role("status").get_by_text("px unlabelled in 1 region")).to_be_visible()
    page.evaluate(ANNOUNCED)
    for name in TOOLS:
        tool(page, name).click()
    expect(page.get_by_role("application")).to_have_accessible_description(
        "Click a suggested region to take it over."
    )
    assert page.evaluate("announced") == []
    tool(page, "Polygon").click()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("a shape is open")


def test_pens_paint_and_two_fingers_move(context: BrowserContext, page: Page, pool: Pool) -> None:
    """A pen paints as a mouse does, and its other end erases. One finger paints; with a second finger nothing
    more is painted, and a lasso is not filled.
    """
    image = first_image(pool)
    box = painting(page, pool, image)
    devices = context.new_cdp_session(page)
    devices.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def at(x: float, y: float) -> dict[str, float]:
        return {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [at(*point) | {"id": number} for number, point in enumerate(points)]
        devices.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    pen = {"pointerType": "pen", "button": "left", "buttons": 1, "clickCount": 1}
    for kind, x in (("mousePressed", 0.3), ("mouseMoved", 0.5), ("mouseReleased", 0.5)):
        devices.send("Input.dispatchMouseEvent", {"type": kind, **at(x, 0.3), **pen})
    by_pen = draft(page, image)
    assert set(by_pen) == {0, 255}
    page.mouse.move(1, 1)
    page.evaluate(ERASER, [at(x, 0.3) for x in (0.3, 0.5)])
    assert set(draft(page, image)) == {255}
    page.keyboard.press("Control+z")
    keeps(page, image, by_pen)
    page.keyboard.press("2")
    touch("touchStart", (0.3, 0.7))
    touch("touchMove", (0.5, 0.7))
    touch("touchEnd")
    by_finger = draft(page, image)
    assert set(by_finger) == {0, 1, 255}
    page.keyboard.press("3")
    touch("touchStart", (0.45, 0.5))
    touch("touchStart", (0.45, 0.5), (0.55, 0.5))
    touch("touchMove", (0.4, 0.6), (0.6, 0.6))
    touch("touchEnd")
    assert draft(page, image).count(2) <= 20  # a dot, from before there were two fingers
    page.keyboard.press("l")
    page.keyboard.press("4")
    touch("touchStart", (0.4, 0.4))
    for place in ((0.6, 0.4), (0.6, 0.6)):
        touch("touchMove", place)
    touch("touchStart", (0.6, 0.6), (0.5, 0.7))
    touch("touchEnd")
    assert 3 not in draft(page, image)


def test_a_click_paints_the_pixel_under_it(context: BrowserContext, page: Page, pool: Pool) -> None:
    """On a screen of 1.5 device pixels per CSS pixel, and zoomed, the smallest brush paints the pixel that is
    under the pointer.
    """
    screen = {"width": 1280, "height": 800, "deviceScaleFactor": 1.5, "mobile": False}
    context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", screen)
    image = first_image(pool)
    painting(page, pool, image)
    page.locator(".painter").click()
    draft(page, image)
    page.keyboard.press("Control+z")
    box = page.locator(".painter").bounding_box()
    assert box
    width, height = drawings.WIDTH, drawings.HEIGHT
    scale = min((box["width"] - 2 * MARGIN) / width, (box["height"] - 2 * MARGIN) / height)
    left = box["x"] + (box["width"] - scale * width) / 2
    top = box["y"] + (box["height"] - scale * height) / 2
    page.mouse.click(left + 20.1 * scale, top + 11.9 * scale)
    x, y = left + 40.3 * scale, top + 30.7 * scale
    page.mouse.move(x, y)
    turning = "new Promise(done => addEventListener('wheel', turn => done(turn.deltaY), {once: true}))"
    page.evaluate(f"turned = {turning}; null")
    page.mouse.wheel(0, -800)
    near = exp(-0.0015 * page.evaluate("turned"))
    page.mouse.click(x + 0.5 * scale * near, y)
    page.mouse.click(x + 0.9 * scale * near, y + 0.5 * scale * near)
    painted = draft(page, image)
    pixels = {divmod(at, width) for at, value in enumerate(painted) if value == 0}
    assert pixels == {(11, 20), (30, 40), (31, 41)}


def test_large_photos_are_drawn_in_parts(page: Page, pool: Pool, tmp_path: Path) -> None:
    """A movement of the brush draws no more of the screen on a photo of 12 megapixels than on one of 1. How
    one paints is remembered, and the brush is as large beside every photo.
    """
    page.add_init_script(COUNTED)
    drawn = []
    for width, height, largest, size in ((1160, 870, 218, 23), (4000, 3000, 750, 345)):
        name = f"{width}.png"
        Image.new("RGB", (width, height), (width % 256, 90, 40)).save(tmp_path / name)
        pool.upload(tmp_path / name)
        box = painting(page, pool, pool.image_id(name))
        brush, only = page.get_by_role("slider", name="Size"), page.get_by_label("What you paint over")
        expect(brush).to_have_attribute("max", str(largest))
        expect(brush).to_have_value(str(size))
        expect(only).to_have_value("unlabelled" if width == 4000 else "everything")
        expect(page.get_by_label("Outlines")).to_be_checked(checked=width == 4000)
        if width == 1160:
            brush.fill("100")
            only.select_option("unlabelled")
            page.get_by_label("Outlines").check()
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
        page.mouse.down()
        before = page.evaluate("drawn")
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=12)
        drawn.append(page.evaluate("drawn") - before)
        page.mouse.up()
    assert 0 < drawn[1] <= 1.5 * drawn[0]


def test_nothing_painted_is_lost(
    context: BrowserContext, page: Page, client: Client, pool: Pool, tmp_path: Path
) -> None:
    """A stroke whose tab is killed before its end is there when the photo is opened again. While the service
    cannot be reached a saved label map waits, visibly, and then it is stored, with the classes of its own
    pool though another one is opened before. A browser that keeps nothing says so, and paints and saves.
    """
    image = first_image(pool)
    box = painting(page, pool, image)
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
    until(lambda: draft(page, image).count(0) > 15, "the browser keeps the stroke so far")
    kill(page)
    again = context.new_page()
    painting(again, pool, image)
    painted = draft(again, image)
    assert painted.count(0) > 15
    context.set_offline(True)
    again.keyboard.press("Control+s")
    expect(again.get_by_text("The service does not answer. 1 label map waits")).to_be_visible()
    again.close()
    context.set_offline(False)
    turned = {**drawings.CLASS_TABLE, "classes": drawings.CLASS_TABLE["classes"][::-1]}
    other = client.create_pool(f"{pool.name}, classes turned", classes=turned)
    other.upload(tmp_path / "images")
    last = context.new_page()
    painting(last, other, first_image(other))
    last.wait_for_timeout(1500)
    painting(last, pool, image)
    expect(last.get_by_text("Saved")).to_be_visible()
    assert stored(last, image).ravel().tolist() == painted

    last.close()
    forgetful = context.new_page()
    forgetful.add_init_script("IDBFactory.prototype.open = () => { throw new Error('private') }")
    box = painting(forgetful, pool, image)
    expect(forgetful.get_by_text("This browser keeps nothing")).to_be_visible()
    forgetful.keyboard.press("3")
    stroke(forgetful, box, (0.3, 0.8), (0.6, 0.8))
    expect(forgetful.get_by_text("Not saved yet")).to_be_visible()
    forgetful.keyboard.press("Control+s")
    expect(forgetful.get_by_text("Saved")).to_be_visible()
    assert set(stored(forgetful, image).ravel().tolist()) == {*painted, 2}


def test_large_text_and_still_pages(page: Page, pool: Pool) -> None:
    """With text of twice the size no control of the painter is cut off or covered, and who wants no movement
    sees none.
    """
    page.emulate_media(reduced_motion="reduce")
    painting(page, pool, first_image(pool))
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(COVERED) == []
    page.get_by_role("button", name="Undo").hover()
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.slow
def test_a_photo_of_48_megapixels_is_painted(page: Page, pool: Pool, tmp_path: Path) -> None:
    """It opens, a stroke changes it, and what the service stores has the stroke."""
    Image.effect_noise((8000, 6000), 40).convert("RGB").save(tmp_path / "large.jpg", quality=60)
    pool.upload(tmp_path / "large.jpg")
    image = pool.image_id("large.jpg")
    box = painting(page, pool, image)
    stroke(page, box, (0.3, 0.5), (0.6, 0.5))
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved")).to_be_visible()
    labelled = stored(page, image)
    assert labelled.shape == (6000, 8000)
    assert 0 < int((labelled == 0).sum()) < labelled.size // 100


@pytest.mark.slow
def test_a_service_that_is_killed_in_a_save_has_the_label_map_later(browser: Browser, tmp_path: Path) -> None:
    """The service stores a label map and is killed before it answers: the page sends the label map again when
    the service is back, and there is one revision, of what was painted.
    """
    drawings.write(tmp_path, range(1))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 800})
    with started(tmp_path, port) as (process, opening), Client(address) as client:
        page.goto(opening)
        pool = client.create_pool("killed", classes=drawings.CLASS_TABLE)
        pool.upload(tmp_path / "images")
        image = first_image(pool)
        box = painting(page, pool, image)
        stroke(page, box, (0.3, 0.5), (0.7, 0.5))
        painted = draft(page, image)

        def lost(route: Route) -> None:
            route.fetch()
            process.kill()
            route.abort()

        page.route("**/annotation?*", lost)
        page.keyboard.press("Control+s")
        expect(page.get_by_text("The service does not answer")).to_be_visible()
        page.unroute("**/annotation?*")
    with started(tmp_path, port):
        expect(page.get_by_text("Saved")).to_be_visible()
        assert stored(page, image).ravel().tolist() == painted
        assert page.request.get(f"/images/{image}").json()["annotation_revision"] == 1
    page.close()
