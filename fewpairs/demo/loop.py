"""Runs the demo: the whole loop, with the paper's method and with the advised one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.panel import Panel

from fewpairs.cli.output import counted
from fewpairs.client import Client
from fewpairs.demo.data import DemoData, Pairs, draw_scenes, read_data
from fewpairs.demo.picture import draw_picture
from fewpairs.demo.report import conclude, done, step
from fewpairs.demo.trainings import orders, train_and_evaluate
from fewpairs.embedded.settings import Settings, read_settings
from fewpairs.errors import FewpairsError
from fewpairs.pool import Pool
from fewpairs.selection import Selection
from fewpairs.uploads import Upload
from models.catalog import ADVISED
from processes.lifeline import spawn

BUDGET = 10
ENCODER = "efficientnet_lite0"
STOP_LIMIT_S = 60.0


def run_demo(source: Path | None, folder: Path, console: Console) -> None:
    """Run the loop on `source`, or on drawn street scenes. All files go to `folder`. Raises FewpairsError."""
    began = time.monotonic()
    settings = read_settings(os.environ, console)
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    console.print(
        Panel("Fewpairs: which photos to label, and what a model learns from these few", style="bold")
    )
    with _service(folder, settings, console) as address, Client(address) as client:
        data = _data(source, folder, console)
        pool = _fill_pool(client, data, console)
        picks, control = _select(pool, console)
        step(console, "Annotation")
        _annotate(pool, data.train, picks, console)
        advice = _advice(pool, console)
        _annotate(pool, data.train, control, console)
        outcomes = train_and_evaluate(pool, list(orders(advice, picks, control)), console)
        columns = {
            f"{outcome.order.method} ({outcome.order.role})": outcome.evaluation for outcome in outcomes[:2]
        }
        picture = draw_picture(columns, data.test, data.class_table, folder / "predictions")
        picture.save(folder / "samples.png")
        conclude(outcomes, folder / "samples.png", folder, time.monotonic() - began, console)


@contextmanager
def _service(folder: Path, settings: Settings, console: Console) -> Iterator[str]:
    """The embedded service on a free port. It ends with this block, or when this process is killed."""
    step(console, "Service")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    words = ["up", "--data", str(folder / "service"), "--host", "127.0.0.1", "--port", str(port)]
    environment = settings.environment(os.environ)
    for elsewhere in ("FEWPAIRS_DATABASE_URL", "FEWPAIRS_BLOB_URL", "FEWPAIRS_BROKER_URL"):
        environment.pop(elsewhere, None)
    with (folder / "service.log").open("wb") as log:
        process = spawn(
            [sys.executable, "-m", "fewpairs", *words],
            environment={"FEWPAIRS_ENCODER": ENCODER} | environment,
            output=log.fileno(),
            on_parents_death=signal.SIGTERM,
        )
    try:
        with console.status("Starting database, broker, API and three workers"):
            _wait_until_ready(process, address, folder / "service.log")
        done(console, f"API, broker and three workers at {address}; their log is {folder / 'service.log'}")
        yield address
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        process.kill()
        process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    while process.poll() is None:  # the service itself gives up when it cannot start
        with suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz", timeout=1, trust_env=False).is_success:
                return
        time.sleep(0.1)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
    raise FewpairsError("\n".join(["The service did not start. Its last lines:", *last]))


def _data(source: Path | None, folder: Path, console: Console) -> DemoData:
    step(console, "Data")
    if source is None:
        with console.status("Drawing street scenes") as status:
            data = draw_scenes(folder / "scenes", lambda text: status.update(text))
        origin = "street scenes, drawn with their label maps"
    else:
        data = read_data(source, folder / "data")
        origin = f"photos of {source}"
    done(console, f"{len(data.train)} train and {len(data.test)} test {origin}")
    for note in data.notes:
        console.print(f"  [dim]{note}[/]")
    return data


def _fill_pool(client: Client, data: DemoData, console: Console) -> Pool:
    step(console, "Pool")
    pool = client.create_pool(f"demo {datetime.now():%Y-%m-%d %H:%M:%S}", classes=data.class_table)
    done(console, f"Pool “{pool.name}”, encoder {pool.document['encoder']}")
    with console.status("Uploading"):
        _sent(console, pool.upload([photo for photo, _ in data.train]), "train photos")
        _sent(console, pool.upload([photo for photo, _ in data.test], split="test"), "test photos")
        _sent(console, pool.upload_labels(data.unpaired), "unpaired label maps")
        _sent(console, pool.annotate([label for _, label in data.test]), "label maps of the test photos")
    return pool


def _select(pool: Pool, console: Console) -> tuple[Selection, Selection]:
    """The advised picks, and as many random ones as the control."""
    step(console, f"Selection: {BUDGET} photos to label")
    began = time.monotonic()

    def tell(seen: Pool) -> None:
        status.update(f"Embedding: {seen.counts['embedded']} of {seen.counts['images']} photos")

    with console.status("Embedding") as status:
        picks = pool.select(BUDGET, ADVISED, on_wait=tell)
    embedded = pool.refresh().counts["embedded"]
    seconds = time.monotonic() - began
    done(console, f"{embedded} photos embedded and {BUDGET} picked by {picks.strategy} in {seconds:.0f} s")
    for pick in picks.picks[:3]:
        size = counted(pick.cluster_size or 0, "photo")
        console.print(f"  [dim]{pick.rank}. {pick.name} stands for {size}[/]")
    console.print(f"  [dim]… and {BUDGET - 3} more[/]")
    control = pool.select(BUDGET, "random")
    done(console, f"{BUDGET} drawn at random as the control")
    return picks, control


def _annotate(pool: Pool, train: Pairs, picks: Selection, console: Console) -> None:
    picked = {pick.name for pick in picks}
    labels = [label for photo, label in train if photo.name in picked]
    what = f"label maps of the photos picked by {picks.strategy} (the demo has them; you would draw yours)"
    _sent(console, pool.annotate(labels), what)


def _advice(pool: Pool, console: Console) -> dict[str, Any]:
    """How to train on the pairs so far."""
    advice = pool.advice()
    training = advice["training"]
    done(console, f"Advice: {training['method']}, recipe {training['recipe']}")
    for reason in training["reasons"]:
        console.print(f"  [dim]{reason}[/]")
    return advice


def _sent(console: Console, upload: Upload, what: str) -> None:
    """Report an upload. Raises FewpairsError with the first refusal, as the demo needs all of its files."""
    if upload.rejected:
        first = upload.rejected[0]
        raise FewpairsError(f"{len(upload.rejected)} {what} were refused, {first.path} first: {first.reason}")
    done(console, f"{upload.done} {what}")
