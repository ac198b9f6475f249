"""The pages that belong to no pool: jobs, people, audit, settings, doctor; and the page of a pool itself."""

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from fewpairs import Client, Pool
from tests import drawings
from tests.access import PASSWORD
from tests.browser.axe import violations
from tests.browser.conftest import log_in


@pytest.fixture
def pool(client: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Pool:
    drawings.write(tmp_path, range(1))
    pool = client.create_pool(request.node.name, classes=drawings.CLASS_TABLE)
    pool.upload(tmp_path / "images")
    pool.annotate(tmp_path / "labels")
    return pool


def test_an_administrator_manages_people(page: Page, stranger: BrowserContext, client: Client) -> None:
    """An account is made, gets another password, is shut out and let in again; its person changes the
    password too, with the one until now, and logs in with the new one.
    """
    other, own = f"other {PASSWORD}", f"own {PASSWORD}"
    page.goto("/app/people")
    page.get_by_role("textbox", name="Name").fill("pat")
    page.get_by_label("Password, at least").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    row = page.get_by_role("row", name="pat")
    row.get_by_role("button", name="Set a password").click()
    dialog = page.get_by_role("dialog", name="Password of pat")
    dialog.get_by_label("Password, at least").fill(other)
    dialog.get_by_role("button", name="Set the password").click()
    expect(dialog).to_have_count(0)
    theirs = stranger.new_page()
    log_in(theirs, "pat", password=other)
    theirs.get_by_text("Account: pat").click()
    theirs.get_by_role("button", name="Change password").click()
    theirs.get_by_label("Password until now").fill(other)
    theirs.get_by_label("Password, at least").fill(own)
    theirs.get_by_role("button", name="Set the password").click()
    theirs.wait_for_url("**/app/login")
    log_in(theirs, "pat", password=own)
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("disabled")
    assert {user["name"]: bool(user["disabled_at"]) for user in client.users()}["pat"]
    row.get_by_role("button", name="Let in again").click()
    expect(row).not_to_contain_text("disabled")


def test_roles_are_given(page: Page, pool: Pool, client: Client) -> None:
    """A member's role changes; one that is refused is not left on the screen."""
    client.create_user("mia")
    page.goto(f"/app/pools/{pool.id}/members")
    page.get_by_role("textbox", name="Name", exact=True).fill("mia")
    page.get_by_role("button", name="Give the role").click()
    role = page.get_by_label("Role: mia")
    expect(role).to_have_value("annotator")
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        role.select_option("curator")
    assert pool.members()["mia"] == "curator"
    refusal = {"type": "/problems/class-table-changed", "detail": "Ask again."}
    page.route("**/members/mia", lambda route: route.fulfill(status=409, json=refusal))
    role.select_option("viewer")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(role).to_have_value("curator")


def test_a_pool_is_renamed_and_its_classes_changed(page: Page, pool: Pool, client: Client) -> None:
    """The head shows the new name, the list the new classes. A class that was added can be removed; a change
    that is refused says why, and changes nothing.
    """
    page.goto(f"/app/pools/{pool.id}/members")
    page.get_by_label("Name of the pool").fill("a newer name")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("banner").get_by_role("link", name="a newer name")).to_be_visible()
    assert client.pool("a newer name").id == pool.id

    classes = page.get_by_role("region", name="Classes").get_by_role("listitem")
    for line in ("bicyclist #770b20", "sign"):
        page.get_by_label("New class").fill(line)
        page.get_by_role("button", name="Add the class").click()
        expect(classes.last).to_contain_text(line.split()[0])
    page.get_by_role("button", name="Remove sign").click()
    expect(classes.last).to_contain_text("bicyclist")
    page.get_by_role("button", name="Change disc").click()
    assert violations(page) == []
    page.get_by_label("Colour", exact=True).fill("#102030")
    page.get_by_label("Name of the class").fill("block")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Several classes have the name block")
    page.get_by_label("Name of the class").fill("wheel")
    page.get_by_role("button", name="Save").click()
    expect(classes.filter(has_text="wheel")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    kept = client.pool("a newer name").document["class_table"]["classes"]
    named = [(each["name"], tuple(each["color"])) for each in kept[2:]]
    assert named == [("wheel", (16, 32, 48)), ("never drawn", (250, 250, 250)), ("bicyclist", (119, 11, 32))]


def test_a_pool_is_deleted_and_brought_back(page: Page, pool: Pool, client: Client) -> None:
    """It is asked first, with what goes, also of photos that are left out; Start has what can come back.
    Nothing asks for the pool meanwhile, or the console would say so.
    """
    pool.exclude(next(pool.images())["name"])
    page.goto(f"/app/pools/{pool.id}/members")
    page.get_by_role("button", name="Delete the pool").click()
    dialog = page.get_by_role("dialog", name=f"Delete {pool.name}?")
    expect(dialog).to_contain_text("1 photo, 1 label map")
    assert violations(page) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Delete the pool").click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Deleted pools").click()
    expect(page.get_by_role("link", name=pool.name)).to_have_count(0)
    assert pool.id not in {each.id for each in client.pools()}
    assert violations(page) == []
    page.get_by_role("button", name=f"Bring back {pool.name}").click()
    page.wait_for_url(f"**/app/pools/{pool.id}/photos")
    expect(page.get_by_role("banner").get_by_role("link", name=pool.name)).to_be_visible()
    assert pool.id in {each.id for each in client.pools()}


def test_jobs_are_filtered_and_taken_along(page: Page, pool: Pool, tmp_path: Path) -> None:
    """The list follows its filters, its order and what is searched, and says how long it is; a job is
    cancelled and ordered again, once however often one clicks; the zip of an export is there to take.
    """
    pool.export_annotations("png").wait()
    pool.train("probe").cancel()
    page.goto("/app/jobs")
    page.get_by_role("combobox", name="Pool", exact=True).select_option(pool.name)
    page.get_by_role("combobox", name="Kind", exact=True).select_option("export")
    expect(page.get_by_role("row")).to_have_count(2)
    with page.expect_download() as getting:
        page.get_by_role("link", name="Get the zip").click()
    assert getting.value.path().read_bytes().startswith(b"PK")
    page.get_by_role("combobox", name="Kind", exact=True).select_option("training")
    page.get_by_role("combobox", name="State", exact=True).select_option("cancelled")
    page.wait_for_url(f"**/app/jobs?pool={pool.id}&kind=train&state=cancelled")
    page.get_by_role("button", name="Try again").dblclick()
    page.get_by_role("combobox", name="State", exact=True).select_option("all")
    expect(page.get_by_role("row")).to_have_count(3)
    assert len(list(pool.jobs(kind="train"))) == 2
    page.get_by_role("combobox", name="Order", exact=True).select_option("oldest first")
    expect(page.get_by_role("row").nth(1)).to_contain_text("cancelled")
    page.get_by_role("combobox", name="Kind", exact=True).select_option("all")
    page.get_by_label("Search", exact=True).fill("PROB")
    expect(page.get_by_text("2 jobs", exact=True)).to_be_visible()


def test_the_audit_is_filtered_and_exported(page: Page, pool: Pool) -> None:
    """The page and the export have what the address names; a day that is none is left out of it. Photos and
    jobs have names."""
    pool.export_annotations("png").wait()
    page.goto(f"/app/audit?pool={pool.id}&since=yesterday")
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="pool created")).to_have_count(1)
    expect(rows.filter(has_text="job ordered")).to_contain_text("export")
    kinds = page.get_by_role("combobox", name="Of", exact=True)
    heights = [field.evaluate("field => field.offsetHeight") for field in (kinds, page.get_by_label("Since"))]
    assert heights[0] == heights[1]
    kinds.select_option("label map")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text(next(pool.images())["name"])
    with page.expect_download() as getting:
        page.get_by_role("link", name="Export as CSV").click()
    lines = getting.value.path().read_text().splitlines()
    assert ["annotated" in line for line in lines] == [False, True]


def test_settings_and_the_doctor(page: Page) -> None:
    """The settings have values and meanings and no secret; the doctor says that all is well."""
    page.goto("/app/settings")
    expect(page.get_by_role("row", name="FEWPAIRS_DEVICE")).to_contain_text("cpu")
    expect(page.get_by_role("row", name="FEWPAIRS_KEEP_DELETED_S")).to_contain_text("7 days")
    expect(page.get_by_role("row", name="FEWPAIRS_ANSWER_WAIT_S")).to_contain_text("4 s")
    expect(page.get_by_role("row", name="FEWPAIRS_ADMIN_KEY")).to_have_count(0)
    expect(page.get_by_text("`")).to_have_count(0)
    page.goto("/app/doctor")
    page.get_by_role("button", name="Look now").click()
    expect(page.get_by_role("heading", name="Found on")).to_be_visible()
    expect(page.get_by_role("heading", name="What takes space")).to_be_visible()


def test_a_page_that_cannot_be_loaded_says_so(page: Page) -> None:
    """The files of a page are loaded when it is first opened; without them it says why, and tries again."""
    page.goto("/app")
    page.route("**/assets/Jobs-*.js", lambda route: route.abort("internetdisconnected"))
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.get_by_text("This page cannot be loaded")).to_be_visible()
    page.unroute("**/assets/Jobs-*.js")
    page.get_by_role("button", name="Load again").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
