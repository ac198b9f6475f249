"""How long it takes from the end of a photo to a stroke on the next one.

    python -m benchmarks.next_photo --out benchmarks/results/next_photo.json

Chromium labels one test photo after the other by a dot of the largest brush: a photo with less than a
hundredth of it labelled is asked about first. `next_ms` is the time from Ctrl + Enter until a dot on the next
photo is on its way to the screen; `dot_ms` is what a later dot takes. Medians over the ends of a round. Needs
Chromium, and the pages built.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import httpx
import torch
from playwright.sync_api import Browser, sync_playwright

from benchmarks.measuring import Report
from benchmarks.pages import CHROMIUM, SIZE
from benchmarks.painter import photo
from benchmarks.serving import WITH_KEY, api
from store.settings import Settings

ROUNDS = 3
ENDS = {1: 8, 12: 5}
"""How many photos are ended in a round, by megapixels; the first end is not counted."""
PAINTED_MS = 4000
"""How long a person paints at least; the next photo is got meanwhile."""
DOTTED = """async ends => {
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const undo = () => [...document.querySelectorAll('.tools button')].find(each => each.innerText === 'Undo');
  const before = document.querySelector('.painter');
  const key = {key: 'Enter', code: 'Enter', ctrlKey: true, bubbles: true};
  const start = performance.now();
  if (ends) document.body.dispatchEvent(new KeyboardEvent('keydown', key));
  for (;;) {
    await frame();
    const painter = document.querySelector('.painter');
    if (!painter || (ends && painter === before)) continue;
    const box = painter.getBoundingClientRect();
    painter.setPointerCapture = () => {};
    for (const [kind, buttons] of [['pointerdown', 1], ['pointerup', 0]])
      painter.dispatchEvent(new PointerEvent(kind, {
        bubbles: true, pointerId: 1, pointerType: 'mouse', button: 0, buttons,
        clientX: box.left + box.width * (ends ? 0.5 : 0.4), clientY: box.top + box.height / 2,
      }));
    await frame();
    if (!undo().disabled) return performance.now() - start;
  }
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    report = Report(parser.parse_args().out, torch.device("cpu"), viewport=SIZE)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(data_dir=Path(folder), broker_url="redis://127.0.0.1:1/0")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with api(settings) as service:
            for turn in range(1, ROUNDS + 1):
                for megapixels, ends in ENDS.items():
                    address = _furnished(service.address, f"{megapixels}, round {turn}", megapixels, ends + 1)
                    report.add(round=turn, megapixels=megapixels, **_measured(browser, address, ends))


def _furnished(address: str, name: str, megapixels: int, photos: int) -> str:
    """The address of the painter for as many unlabelled photos."""
    with httpx.Client(base_url=address, headers=WITH_KEY, timeout=300) as client:
        pool = client.post("/pools", json={"name": name, "class_table": "scenes"}).json()["id"]
        for number in range(photos):
            path = f"/pools/{pool}/images/{number}.jpg?split=test"
            client.put(path, content=photo(megapixels, number)).raise_for_status()
    return f"{address}/app/pools/{pool}/label?split=test"


def _measured(browser: Browser, address: str, ends: int) -> dict[str, float]:
    page = browser.new_page(viewport=SIZE, extra_http_headers=WITH_KEY)  # type: ignore[arg-type]
    page.set_default_timeout(300_000)
    page.goto(address)
    brush = page.get_by_role("slider", name="Size")
    brush.fill(brush.get_attribute("max") or "")
    page.locator(".painter").click()
    found: dict[str, list[float]] = {"next_ms": [], "dot_ms": []}
    for _ in range(ends):
        page.wait_for_timeout(PAINTED_MS)
        found["dot_ms"].append(page.evaluate(DOTTED, False))
        page.wait_for_timeout(1000)
        found["next_ms"].append(page.evaluate(DOTTED, True))
    page.close()
    return {name: round(median(values[1:]), 1) for name, values in found.items()}


if __name__ == "__main__":
    main()
