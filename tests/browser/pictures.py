"""Pictures of the pages, in light and in dark: `python -m tests.browser.pictures docs/pages`.

The pool holds drawn street scenes, ten of them labelled, and two models trained on them. Needs Chromium, and
the pages built.
"""

import argparse
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from fewpairs import Client, Pool
from scenes import write
from tests.browser.conftest import CHROMIUM, OPTIONS, PATIENCE_MS, running
from tests.processes import until

SIZE = {"width": 1280, "height": 800}
LOADED = "[...document.images].every(each => each.complete || each.getBoundingClientRect().top > innerHeight)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, running(Path(temporary)) as opening:
        pool = filled(Client(opening.split("/session")[0]), Path(temporary) / "street")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
                page.set_default_timeout(PATIENCE_MS)
                page.goto(opening)
                take(page, pool, folder, scheme)


def filled(client: Client, street: Path) -> Pool:
    """A pool of 60 street scenes with ten pairs, labelled test photos and a model."""
    write(street, 60, seed=1)
    pool = client.create_pool("street", classes=street / "classes.json")
    pool.upload(street / "train" / "images")
    pool.upload(street / "val" / "images", split="test")
    selection = pool.select(budget=10)
    selection.explain()
    names = [Path(pick.name).stem for pick in selection.picks]
    pool.annotate([street / "train" / "labels" / f"{name}.png" for name in names])
    pool.annotate(street / "val" / "labels")
    for training in (pool.train("probe"), pool.train("pix2pix", "tiny", total_steps=100)):
        training.wait().model.evaluate().wait()
    client.create_user("ana", "four words of hers")
    pool.share("ana", "annotator")
    client.create_key("the night job", days=90)
    return pool


def take(page: Page, pool: Pool, folder: Path, scheme: str) -> None:
    first = next(pool.images(annotated=True))["id"]
    training = next(pool.jobs(kind="train")).id
    models = [model.id for model in pool.models()][:2]
    views = {
        "login": "app/login",
        "start": "",
        "photos": f"app/pools/{pool.id}/photos",
        "picks": f"app/pools/{pool.id}/picks",
        "label": f"app/pools/{pool.id}/label/{first}",
        "train": f"app/pools/{pool.id}/train/{training}",
        "compare": f"app/pools/{pool.id}/compare/{'/'.join(models)}",
        "members": f"app/pools/{pool.id}/members",
        **{hall: f"app/{hall}" for hall in ("jobs", "keys", "people", "audit", "settings", "doctor")},
    }
    for name, address in views.items():
        page.goto("/".join(page.url.split("/", 3)[:3]) + "/" + address)
        if name == "doctor":
            page.get_by_role("button", name="Look now").click()
            page.get_by_role("heading", name="Found on").wait_for()
        page.wait_for_timeout(4000)
        until(lambda: page.evaluate(LOADED), "everything on the page is loaded")
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        picture.quantize(256).save(folder / f"{name}-{scheme}.png", optimize=True)


if __name__ == "__main__":
    main()
