"""The page Compare: what it shows of models, and what it keeps of what was chosen."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from fewpairs import Client, Pool
from tests import drawings
from tests.fewpairs.conftest import TINY
from tests.processes import until


@pytest.fixture(scope="module")
def compared(server: str, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """A pool with two models, both scored on two test photos."""
    folder = tmp_path_factory.mktemp("compared")
    drawings.write(folder / "train", range(3))
    drawings.write(folder / "test", range(100, 102))
    pool = Client(server).create_pool("compared", classes=drawings.CLASS_TABLE)
    pool.upload(folder / "train" / "images")
    pool.upload(folder / "test" / "images", split="test")
    pool.annotate([folder / "train" / "labels", folder / "test" / "labels"])
    for training in [pool.train("probe"), pool.train("pix2pix", recipe="tiny", **TINY)]:
        training.wait().model.evaluate().wait()
    return pool


def test_what_is_compared_is_found_again(page: Page, compared: Pool, tmp_path: Path) -> None:
    """Both models, the photo, the order of the photos and whether errors are shown stay when the page is
    loaded anew, or left and come back to, by Back or by the navigation. Model B is the one before A, until
    another or none is chosen. The model that was B and is chosen as A changes places with it. A photo of
    one's own is shown again, without asking the models again, until the page is loaded anew. Whoever leaves
    while the page is loading gets no warning in the console.
    """
    newer, older = compared.models()
    drawings.write(tmp_path, range(100, 101))
    asked: list[Route] = []
    late = re.compile("/evaluations/[^/]+/(images|confusion)|/images/[^/]+$")
    page.goto(f"/app/pools/{compared.id}/train")
    page.route(late, lambda route: asked.append(route))
    page.get_by_role("link", name="Compare", exact=True).click()
    first, second = (page.get_by_role("combobox", name=f"Model {each}") for each in "AB")
    expect(first).to_have_value(newer.id)
    expect(second).to_have_value(older.id)
    until(lambda: page.evaluate("1") and len(asked) > 2, "the page asks for the scores of both")
    page.get_by_role("link", name="Pool", exact=True).click()
    expect(page.get_by_role("heading", name="Who works in this pool")).to_be_visible()
    for route in asked:
        with page.expect_response(route.request.url):
            route.continue_()
    page.unroute(late)

    page.go_back()
    expect(second).to_have_value(older.id)
    second.select_option("nothing")
    expect(page.get_by_role("columnheader", name="A − B")).to_have_count(0)
    page.reload()
    expect(first).to_have_value(newer.id)
    expect(second).to_have_value("")
    second.select_option(older.id)
    first.select_option(older.id)
    expect(second).to_have_value(newer.id)
    page.locator("[data-image]").last.click()
    page.get_by_label("Photos", exact=True).get_by_role("combobox").select_option("change")
    page.get_by_label("Show where it is wrong").check()
    page.get_by_label("Choose a photo").set_input_files(tmp_path / "images" / "0100.png")
    own = page.get_by_role("region", name="Try a photo of your own")
    expect(own.get_by_role("img")).to_have_count(3)
    expect(own.get_by_role("listitem")).to_have_text(
        [each["name"] for each in drawings.CLASS_TABLE["classes"]]
    )
    address = page.url
    assert re.search(f"/compare/{older.id}/{newer.id}[?]photo=.+&order=change&wrong=1$", address)
    translations: list[str] = []
    page.on(
        "request", lambda request: translations.append(request.url) if "/translate" in request.url else None
    )
    for back in (page.go_back, page.get_by_role("link", name="Compare", exact=True).click, page.reload):
        if back != page.reload:
            page.get_by_role("link", name="Photos", exact=True).click()
            expect(page.get_by_label("Split", exact=True)).to_be_visible()
        back()
        expect(page.get_by_label("Show where it is wrong")).to_be_checked()
        expect(page).to_have_url(address)
        expect(first).to_have_value(older.id)
        expect(second).to_have_value(newer.id)
        expect(page.get_by_text("px wrong")).to_have_count(2)
        expect(own.get_by_role("img")).to_have_count(0 if back == page.reload else 3)
    assert translations == []


def test_pictures_tell_their_classes_and_obey_fingers(
    context: BrowserContext, page: Page, compared: Pool
) -> None:
    """Models are told apart by their pairs and scores. The colours of the classes, of unlabelled pixels and
    of errors stand beside the pictures, what each file is for beside the file, and each picture of classes
    says which one is under the pointer. A finger on a whole picture scrolls the page; two zoom the
    pictures, and then one moves them.
    """
    newer, _ = compared.models()
    page.goto(f"/app/pools/{compared.id}/compare/{newer.id}")
    models = page.get_by_role("combobox", name="Model A").get_by_role("option")
    told = [re.compile(rf"^{each} · 3 pairs · mean IoU 0\.\d+ · ") for each in ("pix2pix", "probe")]
    expect(models).to_have_text(told)
    stages = page.locator(".stage")
    legend = page.locator("main").get_by_role("list", name="Classes")
    names = [each["name"] for each in drawings.CLASS_TABLE["classes"]] + ["Unlabelled"]
    expect(legend.get_by_role("listitem")).to_have_text(names)
    swatches = legend.locator("i")
    expect(swatches.nth(len(names) - 1)).to_have_css("background-color", "rgb(0, 0, 0)")
    page.keyboard.press("e")
    expect(legend.get_by_role("listitem")).to_have_text([*names, "Wrong", "Unlabelled, does not count"])
    expect(swatches.nth(len(names))).to_have_css("background-color", "rgb(230, 30, 30)")
    expect(page.get_by_text("px wrong").first).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_text("px wrong")).to_have_count(0)  # its lines move what is below
    box = stages.nth(1).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 20)
    expect(stages.nth(1)).to_have_text("Unlabelled")
    expect(stages.nth(2)).to_have_text(re.compile("ground|block|disc|never drawn"))
    page.mouse.move(box["x"] + 24, box["y"] + 24)
    expect(stages.nth(1)).to_have_text("ground")
    page.mouse.move(5, 5)
    expect(stages.nth(1)).to_have_text("")
    files = page.get_by_role("region", name="Files").get_by_role("listitem")
    expect(files.filter(has_text="· ")).to_have_count(len(newer.files))

    devices = context.new_cdp_session(page)
    devices.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number}
            for number, (x, y) in enumerate(points)
        ]
        devices.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def swipe(*way: tuple[float, float]) -> None:
        touch("touchStart", way[0])
        for point in way[1:]:
            touch("touchMove", point)
        touch("touchCancel")  # after touchEnd the page would scroll on

    def view() -> str:
        return str(page.locator(".picture").first.get_attribute("style"))

    whole = view()
    up = [(0.5, 0.9 - step / 20) for step in range(16)]
    swipe(*up)
    page.wait_for_function("() => scrollY > 0")
    assert view() == whole
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("() => scrollY === 0")
    touch("touchStart", (0.4, 0.5))
    touch("touchStart", (0.4, 0.5), (0.6, 0.5))
    for apart in (0.15, 0.2, 0.3, 0.4):
        touch("touchMove", (0.5 - apart, 0.5), (0.5 + apart, 0.5))
    touch("touchEnd")
    zoomed = view()
    assert zoomed != whole
    swipe(*up)
    assert view() != zoomed
    assert page.evaluate("scrollY") == 0


def test_a_folder_is_translated_into_a_zip(page: Page, compared: Pool, tmp_path: Path) -> None:
    """What the model makes of each photo, under the photo's name; what is no photo is refused and stops
    nothing. Who stops it has what was made by then, and may go on with the rest. The pool stays as it is.
    """
    _, model = compared.models()
    folder = tmp_path / "mine"
    drawings.write(folder, range(200, 208))
    shutil.rmtree(folder / "labels")
    (folder / "images" / "notes.txt").write_text("no photo")
    (folder / "more.zip").write_bytes(b"")
    page.goto(f"/app/pools/{compared.id}/compare/{model.id}")
    card = page.get_by_role("region", name="Translate a folder")
    with page.expect_download() as saving:
        card.get_by_label("Choose a folder").set_input_files(folder)
    expect(card.get_by_text("8 PNGs saved in a zip.")).to_be_visible()
    expect(card.get_by_text("2 files refused")).to_be_visible()
    with zipfile.ZipFile(saving.value.path()) as whole:
        assert sorted(whole.namelist()) == [f"mine/images/0{number}.png" for number in range(200, 208)]
        made = model.translate(folder / "images" / "0203.png").content
        assert whole.read("mine/images/0203.png") == made

    waiting: list[Route] = []
    page.route("**/translate", lambda route: waiting.append(route))
    card.get_by_label("Choose a folder").set_input_files(folder)
    until(lambda: page.evaluate("1") and len(waiting) == 4, "four photos are sent")
    card.get_by_role("button", name="Stop and save what is made").click()
    with page.expect_download():
        page.unroute("**/translate")  # what waits goes on
    expect(card.get_by_text("5 photos not translated yet.")).to_be_visible()
    with page.expect_download():
        card.get_by_role("button", name="Translate the rest").click()
    expect(card.get_by_text("not translated yet")).to_have_count(0)
    assert len(list(compared.images())) == 5
