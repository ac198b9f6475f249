"""How long the painter takes from a movement of the pointer to its pixels, for photos of several sizes.

    python -m benchmarks.painter --out benchmarks/results/painter.json

Chromium draws the same strokes on the screen over a photo of one megapixel (the baseline), of 12 and of 48:
first with the whole photo in view and a brush that is as large on the screen as it is over the baseline, then
at one image pixel or less to a screen pixel. `drawn_ms` is the time of the page's own work for one movement:
the label map and the canvas are changed when it ends. `shown_ms` is the time until the frame after that is on
its way to the screen; it is about a frame, 17 ms, for all that is quick. Needs Chromium, and the pages built.
"""

import argparse
import io
import math
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.measuring import Report, say, table
from benchmarks.pages import CHROMIUM, SIZE
from benchmarks.serving import WITH_KEY, api
from store.settings import Settings

PHOTOS = {1: (1155, 866), 12: (4000, 3000), 48: (8000, 6000)}
"""Width and height by megapixels."""
STROKES, MOVEMENTS, ZOOMS = 6, 60, 40
BRUSH_STEP = 1.25
"""What `]` makes the brush larger by."""
STROKED = """async ([strokes, movements]) => {
  const painter = document.querySelector('.painter'), box = painter.getBoundingClientRect();
  const [drawn, shown] = [[], []];
  painter.setPointerCapture = () => {};
  const send = (kind, x, y, buttons) => painter.dispatchEvent(new PointerEvent(kind, {
    bubbles: true, pointerId: 1, pointerType: 'mouse', button: kind === 'pointermove' ? -1 : 0, buttons,
    clientX: box.left + x * box.width, clientY: box.top + y * box.height,
  }));
  for (let stroke = 0; stroke < strokes; stroke++) {
    const row = 0.3 + 0.4 * stroke / strokes;
    send('pointerdown', 0.3, row, 1);
    for (let movement = 1; movement <= movements; movement++) {
      const start = performance.now();
      send('pointermove', 0.3 + 0.4 * movement / movements, row + 0.02 * Math.sin(movement), 1);
      drawn.push(performance.now() - start);
      await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
      shown.push(performance.now() - start);
    }
    send('pointerup', 0.7, row, 0);
    await new Promise(done => setTimeout(done, 800));
  }
  return {drawn, shown};
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    report = Report(parser.parse_args().out, torch.device("cpu"), viewport=SIZE, strokes=STROKES)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(data_dir=Path(folder), broker_url="redis://127.0.0.1:1/0")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with api(settings) as service:
            _measure(browser, _furnished(service.address), report)
    say(table(report.rows))


def _measure(browser: Browser, addresses: dict[int, str], report: Report) -> None:
    baseline: dict[str, dict[str, float]] = {}
    for megapixels, address in addresses.items():
        page = browser.new_page(viewport=SIZE, extra_http_headers=WITH_KEY)  # type: ignore[arg-type]
        page.set_default_timeout(300_000)
        page.goto(address)
        page.locator(".painter canvas").first.wait_for()
        page.wait_for_timeout(3000)
        larger = round(math.log(PHOTOS[megapixels][0] / PHOTOS[1][0], BRUSH_STEP))
        for view in ("whole photo", "pixel by pixel"):
            if view == "pixel by pixel":
                _zoom(page)
            for _ in range(larger):
                page.keyboard.press("]" if view == "whole photo" else "[")
            took = _stroked(page)
            first = baseline.setdefault(view, took)
            ratios = {
                f"{name}_ratio": took[f"{name}_ms"] / first[f"{name}_ms"] for name in ("drawn", "shown")
            }
            report.add(megapixels=megapixels, view=view, **took, **ratios)
        page.close()


def _furnished(address: str) -> dict[int, str]:
    """The addresses of the painter by the megapixels of its photo."""
    with httpx.Client(base_url=address, headers=WITH_KEY, timeout=300) as client:
        pool = client.post("/pools", json={"name": "sizes", "class_table": "scenes"}).json()["id"]
        found = {}
        for megapixels in PHOTOS:
            put = client.put(f"/pools/{pool}/images/{megapixels}.jpg", content=photo(megapixels))
            image = put.raise_for_status().json()["id"]
            found[megapixels] = f"{address}/app/pools/{pool}/label/{image}"
    return found


def photo(megapixels: int, seed: int = 0) -> bytes:
    """Coloured clouds, as a JPEG."""
    content = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(noise).resize(PHOTOS[megapixels], Image.Resampling.BICUBIC).save(content, "JPEG")
    return content.getvalue()


def _zoom(page: Page) -> None:
    """Turn the wheel until one image pixel is at least one screen pixel."""
    page.locator(".painter").hover()
    for _ in range(ZOOMS):
        page.mouse.wheel(0, -100)
    page.wait_for_timeout(500)


def _stroked(page: Page) -> dict[str, float]:
    """Medians and 95th percentiles in milliseconds."""
    found: dict[str, Any] = page.evaluate(STROKED, [STROKES, MOVEMENTS])
    return {
        f"{name}_{what}": round(value, 2)
        for name, values in found.items()
        for what, value in (("ms", median(values)), ("p95_ms", float(np.quantile(values, 0.95))))
    }


if __name__ == "__main__":
    main()
