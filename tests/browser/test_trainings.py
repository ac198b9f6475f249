"""Trainings in the pages: what is seen of them, and what can be done with them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from fewpairs import Client, Pool
from tests import drawings
from tests.browser.axe import violations
from tests.fewpairs.conftest import TINY

LONG: dict[str, Any] = TINY | {"total_steps": 10**6}
COLOUR = "marker => getComputedStyle(marker).borderTopColor"
UNSEEN_TAB = """
  window.told = [];
  window.Notification = class {
    static permission = "granted";
    constructor(text) { this.text = text; window.told.push(this); }
    close() {}
  };
  Object.defineProperty(document, "hidden", { get: () => true });
"""
"""From now on nobody sees the tab, and it keeps its notifications."""


def test_a_training_is_watched_and_steered(page: Page, client: Client, pool: Pool, tmp_path: Path) -> None:
    """The page of a pool with pairs leads to its training. Losses are drawn in words while it trains, but
    for those that are hidden, in the colours of light or dark. A class that no label map shows is told
    once, of a training when that has changed since, and what CamVid is with the advice. What waits says for
    which work, also of another pool, and leads to it; who looks for models sees that one is being trained.
    It can be finished early, which is said. Who goes on from it, or cancels it, there or on the page Jobs,
    is told first what that does. Two clicks order one training. How long a training took here is told in
    place of what was measured. Another one is as advised, until something else is chosen; a size for a GPU
    is warned of. A notification tells somebody who looks elsewhere that it has ended, as the page does
    until its model is opened, without moving anything. A model is compared with the one before it, which
    stay the same when another training ends, and one that was finished early says so. A model that is not
    scored is shown by a photo. Two models that were scored on different test photos are not compared until
    one is scored again; the better one is named then. The wheel zooms with Ctrl alone.
    """
    other = client.create_pool(f"beside {pool.name}", classes=drawings.CLASS_TABLE)
    other.upload(tmp_path / "drawn" / "images")
    other.annotate(tmp_path / "drawn" / "labels")
    page.goto(f"/app/pools/{pool.id}/photos")
    page.get_by_role("link", name="train a model", exact=True).click()
    expect(page.get_by_role("heading", name="Train a model")).to_be_visible()
    expect(page.get_by_text("Next:")).to_have_count(0)
    first = pool.train("hybrid", recipe="tiny", **LONG)
    page.goto(f"/app/pools/{pool.id}/train")
    training = page.get_by_label("Training", exact=True)
    expect(training.get_by_role("img", name="Losses over the steps").locator("canvas")).to_be_visible()
    judge = training.locator(".u-series").filter(has_text="judge of photos (D_X)")
    judge.get_by_text("judge of photos").click()
    page.evaluate("window.drawn = document.querySelector('.uplot')")
    page.wait_for_function("() => document.querySelector('.uplot') !== window.drawn")
    expect(judge).to_have_class(re.compile("u-off"))
    expect(training.get_by_text(re.compile("^about .* left$"))).to_be_visible()
    expect(page.get_by_text("never drawn")).to_have_count(1)
    expect(page.get_by_text("measured on CamVid, a public set of street photos")).to_be_visible()
    page.get_by_text("What these words mean").click()
    for word in ("pair", "hybrid", "tiny"):
        expect(page.get_by_role("term").filter(has_text=word)).to_be_visible()
    ahead = "Running now: a training (hybrid · tiny){}. A new training starts after that"
    expect(page.get_by_text(ahead.format(""))).to_be_visible()
    page.goto(f"/app/pools/{other.id}/train")
    expect(page.get_by_role("link", name="Choose test photos")).to_be_visible()
    elsewhere = page.get_by_text(ahead.format(" in another pool"))
    elsewhere.get_by_role("link").click()
    page.wait_for_url(f"**/train/{first.id}")
    waiting = pool.train("probe")
    page.goto(f"/app/pools/{pool.id}/train/{waiting.id}")
    expect(training.get_by_text("It waits for a training (hybrid · tiny).")).to_be_visible()
    waiting.cancel()
    page.goto(f"/app/pools/{pool.id}/compare")
    expect(page.get_by_text("A model is being trained: hybrid · tiny")).to_be_visible()
    page.get_by_role("link", name="See the training").click()
    page.wait_for_url(f"**/train/{first.id}")
    training.get_by_role("button", name="Finish now and keep the model").click()
    early = f"finished early after step {first.wait().result['steps']:,} of 1,000,000"
    expect(training.get_by_role("heading", name=early)).to_be_visible()
    expect(page.get_by_role("cell", name=early)).to_be_visible()
    expect(training.get_by_role("link", name="Compare it")).to_be_visible()
    light = judge.locator(".u-marker").evaluate(COLOUR)
    page.emulate_media(color_scheme="dark")
    expect(judge.locator(".u-marker")).not_to_have_css("border-top-color", light)
    expect(training.get_by_role("button", name="Score it")).to_have_count(0)

    go_on = page.get_by_role("button", name="Go on from this model")
    go_on.click()
    asks = page.get_by_role("dialog")
    expect(asks).to_contain_text("A new training of 1,000,000 steps begins with the weights of this model")
    asks.get_by_role("button", name="Leave it").click()
    expect(asks).to_have_count(0)
    go_on.click()
    asks.get_by_role("button", name="Go on from this model").dblclick()
    expect(training.get_by_role("heading", name="running")).to_be_visible()
    expect(page.get_by_role("cell", name="running")).to_be_visible()
    second, _, _ = pool.jobs(kind="train")
    page.get_by_role("link", name="Photos", exact=True).click()
    page.evaluate(UNSEEN_TAB)
    before = page.locator("main").bounding_box()
    second.finish()
    told = f"A model of {pool.name} is trained."
    expect(page).to_have_title(f"● {told}")
    assert page.evaluate("window.told.map(({ text }) => text)") == [told]
    notice = page.get_by_role("status").filter(has_text=told)
    expect(notice).to_be_visible()
    expect(page.locator("header").get_by_role("status")).to_contain_text(told)
    assert page.locator("main").bounding_box() == before
    page.evaluate("window.told[0].onclick()")
    expect(page.get_by_role("heading", name="Compare models")).to_be_visible()
    expect(page).to_have_url(f"/app/pools/{pool.id}/compare/{second.wait().model.id}")
    expect(notice).to_have_count(0)
    sample = page.get_by_role("region", name="What it makes of a photo")
    expect(sample.get_by_role("img")).to_have_count(3)

    page.goto(f"/app/pools/{pool.id}/compare")
    both = f"/app/pools/{pool.id}/compare/{second.model.id}/{first.wait().model.id}"
    expect(page).to_have_url(both)
    pool.train("probe").wait()
    models = page.get_by_label("Model A").get_by_role("option")
    expect(models).to_have_count(3)
    expect(
        models.filter(has_text=f"hybrid · {first.wait().result['steps']:,} of 1,000,000 steps")
    ).to_have_count(1)
    expect(page.get_by_role("heading", name="of 1,000,000 steps").first).to_be_visible()
    expect(page).to_have_url(both)
    expect(page.get_by_label("Model A")).to_have_value(second.model.id)

    for seeds in (range(100, 102), range(102, 103)):
        drawings.write(tmp_path / "test", seeds)
        pool.upload(tmp_path / "test" / "images", split="test")
        pool.annotate(tmp_path / "test" / "labels")
        (first if 100 in seeds else second).wait().model.evaluate().wait()
    page.goto(f"/app/pools/{pool.id}/compare/{second.model.id}/{first.wait().model.id}")
    expect(page.get_by_text("cannot be compared")).to_be_visible()
    expect(page.locator("[data-image]").last).to_be_visible()
    assert page.evaluate("scrollY") == 0
    page.get_by_role("button", name="again").click()
    expect(page.get_by_role("columnheader", name="A − B")).to_be_visible()
    expect(page.get_by_text(re.compile("is better: its mean IoU|about as good"))).to_be_visible()
    zoom = page.get_by_text(re.compile("^Zoom .* %$"))
    whole = zoom.inner_text()
    page.locator(".stage").first.hover()
    page.mouse.wheel(0, 40)
    page.wait_for_function("() => scrollY > 0")
    expect(zoom).to_have_text(whole)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -40)
    page.keyboard.up("Control")
    expect(zoom).not_to_have_text(whole)
    page.get_by_role("button", name="Fit").click()
    expect(zoom).to_have_text(whole)
    expect(page.get_by_text("cannot be compared")).to_have_count(0)
    expect(page.get_by_role("button", name="again")).to_have_count(0)

    third = pool.train("hybrid", recipe="tiny", **LONG)
    page.goto(f"/app/pools/{pool.id}/train/{third.id}")
    expect(training.get_by_text(re.compile("^about .* left$"))).to_be_visible()
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    cancel.click()
    expect(asks).to_contain_text(re.compile(r"in [\d,]+ of 1,000,000 steps is lost: no model is made"))
    expect(asks.get_by_role("button", name="Finish now and keep the model")).to_be_visible()
    assert violations(page) == []
    expect(asks.get_by_role("button", name="Let it train")).to_be_focused()
    page.keyboard.press("Enter")
    expect(asks).to_have_count(0)
    page.goto("/app/jobs")
    cancel.click()
    asks.get_by_role("button", name="Cancel the training").click()
    expect(page.get_by_role("row", name="training").first).to_contain_text("cancelled")
    page.goto(f"/app/pools/{pool.id}/train/{third.id}")
    expect(training.get_by_role("heading", name="cancelled")).to_be_visible()

    drawings.write(tmp_path / "more", range(5, 6))
    (tmp_path / "more" / "labels" / "0005.png").write_bytes(drawings.png(np.full((48, 64), 3, np.uint8)))
    pool.upload(tmp_path / "more" / "images")
    pool.annotate(tmp_path / "more" / "labels")
    page.reload()
    offers = page.get_by_role("form", name="Which training")
    expect(offers.get_by_text("On this server: about")).to_have_count(1)
    expect(offers.get_by_text("on two CPU cores")).to_have_count(2)
    offers.get_by_label("Another one").check()
    method, size = offers.get_by_role("combobox").all()
    expect(method).to_have_value("finetune")
    size.select_option("paper")
    expect(offers.get_by_text("The size paper is made for a GPU")).to_be_visible()
    expect(training.get_by_text("No label map showed never drawn when")).to_be_visible()
