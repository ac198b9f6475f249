"""`fewpairs demo`: the whole loop on this machine, with a random selection as its control."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from fewpairs.cli.common import counted
from fewpairs.cli.follow import follow_training, wait_with_status
from fewpairs.client import Client
from fewpairs.demo_data import DemoData, Pairs, draw_scenes, read_data
from fewpairs.embedded.settings import Settings, read_settings
from fewpairs.errors import FewpairsError
from fewpairs.model import Model
from fewpairs.pool import Pool
from fewpairs.selection import Selection
from fewpairs.uploads import Upload
from processes.lifeline import spawn

BUDGET = 10
STEPS = 400
SEED = 0
STRATEGIES = {"kmedoids": "medoids (ours)", "random": "random"}
ENCODER = "efficientnet_lite0"
START_LIMIT_S, STOP_LIMIT_S = 90.0, 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of one selection."""

    selection: Selection
    model: Model
    scores: dict[str, Any]


def demo(source: Path | None, folder: Path, console: Console) -> None:
    """Run the loop on `source`, or on drawn street scenes; all files go to `folder`. Raises FewpairsError."""
    began = time.monotonic()
    settings = read_settings(os.environ, console)
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    console.print(
        Panel("Few pairs: which photos to label, and what can be learned from so few", style="bold")
    )
    with _service(folder, settings, console) as address, Client(address) as client:
        data = _data(source, folder, console)
        pool = _fill_pool(client, data, console)
        selections = _select(pool, console)
        _annotate(pool, data.train, selections, console)
        outcomes = _train_and_evaluate(pool, selections, console)
        samples = outcomes["kmedoids"].model.download_file("samples.png", folder / "samples.png")
        _conclude(outcomes, pool, samples, folder, time.monotonic() - began, console)


@contextmanager
def _service(folder: Path, settings: Settings, console: Console) -> Iterator[str]:
    """The embedded service on a free port; it ends with this block, also when this process is killed."""
    _step(console, "Service")
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
        with console.status("Starting database, broker, API and two workers"):
            _wait_until_ready(process, address, folder / "service.log")
        _done(console, f"API, broker and two workers at {address}; their log is {folder / 'service.log'}")
        yield address
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        process.kill()
        process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz", timeout=1, trust_env=False).is_success:
                return
        time.sleep(0.1)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
    raise FewpairsError("\n".join(["The service did not start. Its last lines:", *last]))


def _data(source: Path | None, folder: Path, console: Console) -> DemoData:
    _step(console, "Data")
    if source is None:
        with console.status("Drawing street scenes") as status:
            data = draw_scenes(folder / "scenes", lambda text: status.update(text))
        origin = "street scenes, drawn with their label maps"
    else:
        data = read_data(source, folder / "data")
        origin = f"photos of {source}"
    _done(console, f"{len(data.train)} train and {len(data.test)} test {origin}")
    for note in data.notes:
        console.print(f"  [dim]{note}[/]")
    return data


def _fill_pool(client: Client, data: DemoData, console: Console) -> Pool:
    _step(console, "Pool")
    pool = client.create_pool(f"demo {datetime.now():%Y-%m-%d %H:%M:%S}", classes=data.class_table)
    _done(console, f"Pool “{pool.name}”, encoder {pool.document['encoder']}")
    with console.status("Uploading"):
        _sent(console, pool.upload([photo for photo, _ in data.train]), "train photos")
        _sent(console, pool.upload([photo for photo, _ in data.test], split="test"), "test photos")
        _sent(console, pool.upload_labels(data.unpaired), "unpaired label maps")
        _sent(console, pool.annotate([label for _, label in data.test]), "label maps of the test photos")
    return pool


def _select(pool: Pool, console: Console) -> dict[str, Selection]:
    _step(console, f"Selection: {BUDGET} photos to label")
    began = time.monotonic()

    def tell(seen: Pool) -> None:
        status.update(f"Embedding: {seen.counts['embedded']} of {seen.counts['images']} photos")

    with console.status("Embedding") as status:
        first = pool.select(BUDGET, "kmedoids", SEED, on_wait=tell)
    embedded = pool.refresh().counts["embedded"]
    _done(
        console, f"{embedded} photos embedded and {BUDGET} medoids found in {time.monotonic() - began:.0f} s"
    )
    for pick in first.picks[:3]:
        size = counted(pick.cluster_size or 0, "photo")
        console.print(f"  [dim]{pick.rank}. {pick.name} stands for {size}[/]")
    console.print(f"  [dim]… and {BUDGET - 3} more[/]")
    control = pool.select(BUDGET, "random", SEED)
    _done(console, f"{BUDGET} drawn at random as the control")
    return {"kmedoids": first, "random": control}


def _annotate(pool: Pool, train: Pairs, selections: dict[str, Selection], console: Console) -> None:
    _step(console, "Annotation")
    picked = {pick.name for selection in selections.values() for pick in selection}
    labels = [label for photo, label in train if photo.name in picked]
    _sent(
        console,
        pool.annotate(labels),
        "label maps of the picked photos (the demo has them; you would draw yours)",
    )


def _train_and_evaluate(pool: Pool, selections: dict[str, Selection], console: Console) -> dict[str, Outcome]:
    _step(console, f"Training: hybrid, recipe tiny, {STEPS} steps for each selection")
    jobs = {}
    for strategy, selection in selections.items():
        pairs = selection.image_ids
        jobs[strategy] = pool.train("hybrid", recipe="tiny", pairs=pairs, total_steps=STEPS, seed=SEED)
    models: dict[str, Model] = {}
    for strategy, job in jobs.items():
        began = time.monotonic()
        models[strategy] = follow_training(console, job, f"{BUDGET} {strategy}").model
        _done(console, f"Model from {BUDGET} {strategy} pairs in {time.monotonic() - began:.0f} s")
    _step(console, "Evaluation on the test photos")
    outcomes = {}
    for strategy, model in models.items():
        scores = wait_with_status(console, model.evaluate("test"), f"Evaluating {strategy}").scores
        outcomes[strategy] = Outcome(selections[strategy], model, scores)
    return outcomes


def _conclude(
    outcomes: dict[str, Outcome], pool: Pool, samples: Path, folder: Path, seconds: float, console: Console
) -> None:
    console.print(_rgb_table(outcomes) if pool.is_rgb else _class_table(outcomes))
    console.print(
        "[dim]One seed, few steps, small images: this shows that the loop works and what it measures, not "
        "which selection is better. Coverage: distance of the train photos to their nearest pick.[/]"
    )
    _done(console, f"Samples (photo, translation, truth): {samples}")
    _done(console, f"Look around: fewpairs up --data {folder / 'service'}")
    _done(console, f"Done in {seconds // 60:.0f} min {seconds % 60:.0f} s")


def _class_table(outcomes: dict[str, Outcome]) -> Table:
    columns = {
        "pixel_accuracy": "Pixel\naccuracy",
        "mean_accuracy": "Mean\naccuracy",
        "mean_iou": "Mean IoU",
        "mean_iou_present": "Mean IoU\npresent",
    }
    table = _table(list(columns.values()))
    for strategy, outcome in outcomes.items():
        _row(table, strategy, outcome, [outcome.scores[key] for key in columns])
    return table


def _rgb_table(outcomes: dict[str, Outcome]) -> Table:
    tolerances = list(next(iter(outcomes.values())).scores["within"])
    table = _table([f"Pixels\nwithin {tolerance}" for tolerance in tolerances])
    for strategy, outcome in outcomes.items():
        _row(table, strategy, outcome, [outcome.scores["within"][tolerance] for tolerance in tolerances])
    return table


def _table(metrics: list[str]) -> Table:
    table = Table(title=f"Hybrid from {BUDGET} pairs, scored on the test photos", title_justify="left")
    table.add_column("Selection")
    for name in ("Coverage\nmean", "Coverage\nmaximum", *metrics):
        table.add_column(name, justify="right")
    return table


def _row(table: Table, strategy: str, outcome: Outcome, values: list[float]) -> None:
    coverage = outcome.selection.coverage
    numbers = [coverage["mean"], coverage["maximum"], *values]
    table.add_row(STRATEGIES[strategy], *(f"{number:.3f}" for number in numbers))


def _step(console: Console, title: str) -> None:
    console.rule(f"[bold]{title}", align="left")


def _done(console: Console, sentence: str) -> None:
    console.print(f"[green]✓[/] {sentence}", soft_wrap=True)


def _sent(console: Console, upload: Upload, what: str) -> None:
    """All of the demo's files have to arrive; the first refusal says why one did not."""
    if upload.rejected:
        first = upload.rejected[0]
        raise FewpairsError(f"{len(upload.rejected)} {what} were refused, {first.path} first: {first.reason}")
    _done(console, f"{upload.done} {what}")
