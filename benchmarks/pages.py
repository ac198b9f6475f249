"""How the pages bear many photos: a grid that is scrolled from end to end, and a map that is drawn again.

The service has a pool with rows for so many photos, which share the bytes of one. The map's points are made
up here. Needs Chromium, and the pages built.

python -m benchmarks.pages --photos 10000 --points 100000 --out benchmarks/results/pages.json
"""

import argparse
import gzip
import io
import json
import tempfile
import uuid
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import torch
from PIL import Image as Picture
from playwright.sync_api import Page, Route, sync_playwright

from benchmarks.measuring import Report
from benchmarks.serving import WITH_KEY, api
from service.pages.routes import BUILT
from store.database import Database
from store.settings import Settings
from store.tables import Image, new_id

CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1440, "height": 900}
STEPS = 240
SCROLLED = """async steps => {
  const view = document.querySelector('.view'), frames = [];
  let [most, before] = [0, performance.now()];
  for (let step = 0; step <= steps; step++) {
    view.scrollTop = (view.scrollHeight - view.clientHeight) * step / steps;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
    most = Math.max(most, view.querySelectorAll('*').length);
  }
  return {frames: frames.slice(1), most};
}"""
REDRAWN = """async tint => {
  const select = document.querySelector('.panel select');
  const start = performance.now();
  select.value = tint;
  select.dispatchEvent(new Event('change', {bubbles: true}));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
FIRST_VIEWS = {"start": "/app"} | {
    name: f"/app/pools/{{}}/{name}" for name in ("photos", "picks", "label", "train", "compare")
}
LOADED = """() => performance.getEntriesByType('resource')
  .map(({name}) => new URL(name).pathname.match(/assets\\/.*/)?.[0]).filter(Boolean)"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    report = Report(given.out, torch.device("cpu"), viewport=SIZE)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(data_dir=Path(folder), broker_url="redis://127.0.0.1:1/0")
        with api(settings) as service:
            pool_id = filled(settings, service.address, given.photos)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, extra_http_headers=WITH_KEY)  # type: ignore[arg-type]
            page.set_default_timeout(120_000)
            for name, path in FIRST_VIEWS.items():
                size = opened(page, service.address + path.format(pool_id))
                report.add(view=f"first view: {name}", gzip_bytes=size)
            address = service.address + FIRST_VIEWS["photos"].format(pool_id)
            report.add(view=f"grid of {given.photos:,} photos", **scrolled(page, address))
            report.add(view=f"map of {given.points:,} points", **redrawn(page, address, given.points))


def filled(settings: Settings, address: str, count: int) -> str:
    """A pool with so many photos that share one picture."""
    content = io.BytesIO()
    Picture.effect_noise((256, 192), 60).convert("RGB").save(content, "JPEG")
    with httpx.Client(base_url=address, headers=WITH_KEY, timeout=60) as client:
        pool_id = client.post("/pools", json={"name": "many", "class_table": "scenes"}).json()["id"]
        put = client.put(f"/pools/{pool_id}/images/0.jpg", content=content.getvalue()).raise_for_status()
    database = Database(settings.database)
    with database.write() as session:
        first = session.get_one(Image, uuid.UUID(put.json()["id"]))
        names = ("pool_id", "split", "sha256", "size_bytes", "media_type", "width", "height", "embed_job_id")
        same = {name: getattr(first, name) for name in names}
        session.add_all(Image(id=new_id(), name=f"{number}.jpg", **same) for number in range(1, count))
    database.close()
    return str(pool_id)


def opened(page: Page, address: str) -> int:
    """Show a page anew; how many bytes of its files the browser loads to do so, compressed."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    files = {"index.html", *page.evaluate(LOADED)}
    return sum(len(gzip.compress((BUILT / name).read_bytes())) for name in files)


def scrolled(page: Page, address: str) -> dict[str, Any]:
    page.goto(address)
    page.locator("button[data-place]").first.wait_for()
    page.wait_for_timeout(2000)
    found = page.evaluate(SCROLLED, STEPS)
    frames = sorted(found["frames"])
    return {
        "most_nodes": found["most"],
        "frames": len(frames),
        "median_ms": round(median(frames), 1),
        "p95_ms": round(frames[int(0.95 * len(frames))], 1),
    }


def redrawn(page: Page, address: str, count: int) -> dict[str, Any]:
    content = json.dumps(columns(count))

    def answer(route: Route) -> None:
        route.fulfill(body=content, content_type="application/json")

    page.route("**/map*", answer)
    page.goto(f"{address}?map=cluster")
    page.locator(".map canvas").wait_for()
    page.wait_for_timeout(2000)
    took = [page.evaluate(REDRAWN, tint) for tint in ("split", "labelled", "cluster") * 5]
    return {"redraws": len(took), "median_ms": round(median(took), 1), "longest_ms": round(max(took), 1)}


def columns(count: int) -> dict[str, Any]:
    """A map of made-up photos in twelve groups."""
    rng = np.random.default_rng(0)
    cluster = rng.integers(0, 12, count)
    places = rng.normal(size=(12, 2))[cluster] * 3 + rng.normal(size=(count, 2))
    marks = {name: rng.integers(0, 2, count).tolist() for name in ("test", "labelled", "excluded")}
    return {
        "method": "pca",
        "explained_variance": [0.5, 0.25],
        "image_ids": [str(uuid.UUID(int=number)) for number in range(count)],
        "x": places[:, 0].round(4).tolist(),
        "y": places[:, 1].round(4).tolist(),
        "cluster": cluster.tolist(),
        **marks,
        **{"share": None, "uncertainty": None},
    }


if __name__ == "__main__":
    main()
