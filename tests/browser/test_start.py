"""The first page: photos of one's own, drawn scenes, and label maps that are brought."""

import json
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route, expect

from fewpairs import Client
from tests import drawings
from tests.browser.axe import violations
from tests.export_kinds import zipped


def test_an_upload_goes_on_where_it_stopped(client: Client, page: Page, tmp_path: Path) -> None:
    """If the network is lost, the rest is sent by a click; after a reload the folder can be chosen again, and
    the pool that has its name is offered. No photo is sent twice. The folders say which photos are for tests,
    which is asked about before any is sent, and which are label maps. Who answers by Cancel keeps what was
    dropped, and is asked again.
    """
    drawings.write(tmp_path, range(6))
    folder = tmp_path / "street"
    for n, photo in enumerate(sorted((tmp_path / "images").iterdir())):
        into = folder / ("val" if n == 0 else "train")
        into.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, into)
    shutil.copytree(tmp_path / "labels", folder / "train_masks")
    sent: list[str] = []

    def put(route: Route) -> None:
        if len(sent) < 3:
            sent.append(route.request.url)
            route.continue_()
        else:
            route.abort("internetdisconnected")

    def choose() -> None:
        page.goto("/")
        page.locator("input[webkitdirectory]").set_input_files(folder)
        expect(page.get_by_text("Found: 12 photos.")).to_be_visible()

    page.route("**/images/street/**", put)
    choose()
    page.get_by_label("Names of the classes").fill("a\nb\nc")
    page.get_by_role("button", name="Create the pool and send the photos").click()
    question = page.get_by_text("1 photo in street/val would become test photos")
    expect(question).to_be_visible()
    send = page.get_by_role("button", name="Send the photos")
    expect(send).to_be_disabled()
    assert sent == []
    page.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    expect(page.get_by_text("6 files not sent yet.")).to_be_visible()
    expect(page.get_by_text("Found: 6 photos.")).to_be_visible()
    expect(send).to_have_count(0)
    rest = page.get_by_role("button", name="Send the rest")
    rest.click()
    expect(question).to_be_visible()
    assert sent == []
    page.get_by_role("button", name="Send as test photos").click()
    expect(page.get_by_text("The service does not answer")).to_be_visible()
    page.unroute("**/images/street/**")
    with page.expect_response("**/images/street/**"):
        rest.click()
    expect(page.get_by_text("6 photos added, 1 of them as test photos.")).to_be_visible()
    expect(page.get_by_text("6 files in street/train_masks left out")).to_be_visible()
    again: list[str] = []
    page.on("request", lambda request: again.append(request.url) if request.method == "PUT" else None)
    choose()
    expect(page.get_by_text("There is already a pool named street")).to_be_visible()
    page.get_by_role("button", name="Send the photos into street").click()
    expect(page.get_by_text("0 photos added, 6 were here already.")).to_be_visible()
    assert again == []
    splits = {image["name"]: image["split"] for image in client.pool("street").images()}
    assert sorted(splits.values()) == ["test"] + ["train"] * 5
    assert all(split == name.split("/")[1].replace("val", "test") for name, split in splits.items())


def test_test_photos_of_an_archive_are_asked_about(client: Client, page: Page, tmp_path: Path) -> None:
    """It is told how many a zip has. What its folders made test photos can become train photos, and test
    photos again. The question stays where it is.
    """
    drawings.write(tmp_path, range(5))
    photos = sorted((tmp_path / "images").iterdir())
    for n, folder in enumerate(["train", "train", "train", "val", "val"]):
        (tmp_path / "city" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(photos[n], tmp_path / "city" / folder)
    archive = shutil.make_archive(str(tmp_path / "city"), "zip", tmp_path, "city")

    def tests() -> int:
        return client.pool("city").counts["test"]["images"]

    page.goto("/")
    page.get_by_label("Choose files").set_input_files(archive)
    expect(page.get_by_text("Found: 1 archive with 5 photos.")).to_be_visible()
    page.get_by_label("Names of the classes").fill("a\nb\nc")
    page.get_by_role("button", name="Create the pool and send the photos").click()
    expect(page.get_by_text("2 photos in city/val became test photos")).to_be_visible()
    assert tests() == 2
    keep, make_train = (page.get_by_label(name) for name in ("Keep them as test", "Make them train"))
    expect(keep).to_be_checked()
    make_train.scroll_into_view_if_needed()
    place = make_train.bounding_box()
    make_train.check()
    expect(make_train).to_be_enabled()
    assert tests() == 0
    assert make_train.bounding_box() == place
    keep.check()
    expect(keep).to_be_enabled()
    assert tests() == 2
    page.get_by_role("link", name="See the photos").click()
    expect(page.get_by_text("5 photos, 0 labelled")).to_be_visible()


def test_known_class_tables_say_what_they_hold(page: Page) -> None:
    """How many classes each has, and the names of some, before one is taken."""
    page.goto("/")
    page.get_by_role("combobox", name="Classes").select_option("camvid32: 31 classes")
    expect(page.get_by_text("Archway")).to_be_visible()
    expect(page.get_by_text("and 19 more")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("known")
    page.get_by_role("button", name="Create the pool").click()
    expect(page.get_by_role("heading", name="Photos", exact=True)).to_be_visible()
    known = page.request.get("/pools?name=known").json()["items"][0]
    assert len(known["class_table"]["classes"]) == 31


def test_pictures_are_brought_to_a_pool_without_classes(client: Client, page: Page, tmp_path: Path) -> None:
    """In the page alone, by the names of the photos; what belongs to no photo is said."""
    drawings.write(tmp_path, range(2))
    pool = client.create_pool("maps", classes="rgb")
    pool.upload(tmp_path / "images")
    names = sorted(image["name"] for image in pool.images())
    for name in (*names, "elsewhere.png"):
        with Image.open(tmp_path / "images" / names[0]) as photo:
            Image.effect_noise(photo.size, 50).convert("RGB").save(
                tmp_path / Path(name).with_suffix(".png").name
            )
    page.goto("/")
    page.get_by_role("combobox", name="Pool").select_option("maps")
    pictures = page.get_by_label("The pictures that the photos are to become")
    pictures.set_input_files(sorted(tmp_path.glob("*.png")))
    page.get_by_role("button", name="Send the pictures").click()
    expect(page.get_by_text("2 pictures sent")).to_be_visible()
    page.get_by_text("1 file refused").click()
    expect(page.get_by_text("elsewhere.png: The pool has no photo")).to_be_visible()
    assert [image["annotation_revision"] for image in pool.images()] == [1, 1]


def test_drawn_scenes_pull_nobody_away(page: Page) -> None:
    """Who has gone to another page by the time when they are drawn stays there, and is told."""

    def few(route: Route) -> None:
        asked = route.request.post_data_json
        route.continue_(post_data={**asked, "count": 2})

    page.route("**/scenes", few)
    page.goto("/")
    with page.expect_response("**/scenes"):
        page.get_by_role("button", name="Draw the scenes").click()
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.get_by_text("The scenes of street scenes are drawn.")).to_be_visible()
    expect(page).to_have_url("/app/jobs")
    page.get_by_role("link", name="See the photos").click()
    expect(page.get_by_role("heading", name="Photos", exact=True)).to_be_visible()


def test_label_maps_are_brought_in_only_as_they_were_looked_at(
    client: Client, page: Page, tmp_path: Path
) -> None:
    """A label that the pool does not know is asked about. When anything is chosen anew, what was found before
    does not count any more.
    """
    drawings.write(tmp_path, range(1))
    pool = client.create_pool("brought", classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "images")
    names = ["ground", "block", "coin"]
    table = json.dumps({"ignore": 255, "classes": [{"name": name} for name in names]}).encode()
    [label_map] = (tmp_path / "labels").iterdir()
    export = tmp_path / "export.zip"
    export.write_bytes(zipped({"classes.json": table, label_map.name: label_map.read_bytes()}))
    page.goto("/")
    page.get_by_role("combobox", name="Pool").select_option("brought")
    page.get_by_label("The export").set_input_files(export)
    look, bring = (page.get_by_role("button", name=name) for name in ("Look what would", "Bring them in"))
    look.click()
    dialog = page.get_by_role("dialog", name="What the labels mean")
    expect(dialog.get_by_text("coin")).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("combobox").select_option("disc")
    dialog.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("If you bring them in, 1 label map: 1 new.")).to_be_visible()
    expect(bring).to_be_enabled()
    page.get_by_label("Replace label maps").check()
    expect(bring).to_have_count(0)
    assert [image["annotation_revision"] for image in pool.images()] == [None]
