"""A crowd at the HTTP API: what followers cost others, and what becomes of requests that contend.

    python -m benchmarks.crowd --followers 600 --pollers 50 --seconds 20

Starts the API alone, as `python -m service`, on SQLite or on the database of `--database`, which has to be
empty. Every poller asks for `GET /pools/{id}` once a second, on a connection of its own: first alone, then
while each follower reads the events of a job of its own that waits in a queue, then alone again. Then writers
replace one annotation as often as they can, each time the newest revision (`If-Match`), and uploaders send
photos under one name at the same moment. Blobs that nothing names count after the janitor has been.
"""

import argparse
import asyncio
import io
import os
import random
import statistics
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks.measuring import say, table, write_json
from benchmarks.serving import KEY, START_LIMIT_S, WITH_KEY, api
from processes.limits import allow_open_files
from store import annotations, jobs, pools, references
from store.blobs import open_blobs
from store.database import Database
from store.settings import Settings

GOAL_P99_MS = 100.0
SETTLING_S = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--followers", type=int, default=600)
    parser.add_argument("--pollers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--replacements", type=int, default=500, help="of each writer")
    parser.add_argument("--uploaders", type=int, default=50)
    parser.add_argument("--database", default="", help="URL of an empty PostgreSQL database")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    allow_open_files()
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        settings = Settings(data_dir=Path(folder), database_url=options.database, broker_url="memory://")
        with (
            api(settings) as service,
            httpx.Client(base_url=service.address, headers=WITH_KEY, timeout=600) as client,
        ):
            report = measured(client, settings, options)
    report |= {"database": "postgresql" if options.database else "sqlite", "cores": os.cpu_count()}
    show(report)
    if options.out:
        write_json(options.out, report)


def measured(client: httpx.Client, settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    made = client.post("/pools", json={"name": "crowd", "class_table": "rgb"})
    pool_id = made.raise_for_status().json()["id"]
    database = Database(settings.database)
    job_ids = queued(database, settings, uuid.UUID(pool_id), options.followers)
    address = client.base_url.host, client.base_url.port or 80
    answers = asyncio.run(polled(address, pool_id, job_ids, options.pollers, options.seconds))
    contended = [
        replaced(client, database, pool_id, options.writers, options.replacements),
        uploaded(client, settings, database, pool_id, options.uploaders),
    ]
    database.close()
    return {"answers": answers, "contended": contended}


def queued(database: Database, settings: Settings, pool_id: uuid.UUID, count: int) -> list[uuid.UUID]:
    with database.write() as session:
        assert pools.get(session, pool_id)
        return [
            jobs.create(session, settings, kind="export", pool_id=pool_id, spec={}).id for _ in range(count)
        ]


async def polled(
    address: tuple[str, int], pool_id: str, job_ids: Sequence[uuid.UUID], pollers: int, seconds: float
) -> list[dict[str, object]]:
    async def phase(name: str, followers: int) -> dict[str, object]:
        await asyncio.sleep(SETTLING_S)  # connections begin and end outside of what is measured
        each = await asyncio.gather(
            *(poll(address, f"/pools/{pool_id}", number / pollers, seconds) for number in range(pollers))
        )
        taken = sorted(1000 * answer for answers in each for answer in answers)
        at = statistics.quantiles(taken, n=100)
        figures = {"median_ms": at[49], "p99_ms": at[98], "longest_ms": taken[-1]}
        return {
            "phase": name,
            "followers": followers,
            "pollers": pollers,
            "answers": len(taken),
            **figures,
        }

    rows = [await phase("before", 0)]
    told = asyncio.Semaphore(0)
    following = [asyncio.create_task(follow(address, job_id, told)) for job_id in job_ids]
    for _ in following:
        await asyncio.wait_for(told.acquire(), START_LIMIT_S)
    rows.append(await phase("followed", len(job_ids)))
    ended = [task for task in following if task.done()]
    assert not ended, f"{len(ended)} streams have ended"
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    rows.append(await phase("after", 0))
    return rows


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()


async def poll(address: tuple[str, int], path: str, wait_s: float, seconds: float) -> list[float]:
    """Ask once a second, from `wait_s` on; the seconds of each answer."""
    await asyncio.sleep(wait_s)
    reader, writer = await asyncio.open_connection(*address)
    taken = []
    for _ in range(round(seconds)):
        began = time.perf_counter()
        writer.write(request(path))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, 1 - taken[-1]))
    writer.close()
    return taken


async def follow(address: tuple[str, int], job_id: uuid.UUID, told: asyncio.Semaphore) -> None:
    """Read the events of a job for ever; `told` learns of the first."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(request(f"/jobs/{job_id}/events"))
        await reader.readuntil(b"event: state")
        told.release()
        while await reader.read(2**16):
            pass
    finally:
        writer.close()


def replaced(
    client: httpx.Client, database: Database, pool_id: str, writers: int, times: int
) -> dict[str, object]:
    """Replace one annotation `writers` × `times` times; every label map has to become a revision, once."""
    photo = client.put(f"/pools/{pool_id}/images/a.png", content=picture(0)).raise_for_status().json()
    address = f"/images/{photo['id']}/annotation"
    client.put(address, content=picture(0), headers={"If-None-Match": "*"}).raise_for_status()
    statuses: Counter[int] = Counter()

    def write(writer: int) -> None:
        for number in range(times):
            content = picture(1 + writer * times + number)
            for misses in count():
                time.sleep(random.uniform(0, 0.02 * misses))  # whoever was too late lets others go first
                revision = client.get(address).headers["etag"]
                answer = client.put(address, content=content, headers={"If-Match": revision})
                statuses[answer.status_code] += 1
                if answer.is_success:
                    break

    began = time.perf_counter()
    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))
    seconds = time.perf_counter() - began
    with database.read() as session:
        kept = [
            revision.sha256
            for number in range(1, writers * times + 2)
            if (revision := annotations.revision(session, uuid.UUID(photo["id"]), number))
        ]
    lost = writers * times + 1 - len(set(kept))
    return {"what": "replacements", "sent": writers * times, "kept": len(kept) - 1, "lost": lost} | {
        "seconds": seconds,
        "answers": _counts(statuses),
    }


def uploaded(
    client: httpx.Client, settings: Settings, database: Database, pool_id: str, uploaders: int
) -> dict[str, object]:
    """Send different photos under one name at once: one is stored, and no blob is left of the others."""
    before = blobs_of(settings)
    start = threading.Barrier(uploaders)

    def put(number: int) -> int:
        content = picture(1_000_000 + number)
        start.wait()
        return client.put(f"/pools/{pool_id}/images/one.png", content=content).status_code

    began = time.perf_counter()
    with ThreadPoolExecutor(uploaders) as threads:
        statuses = Counter(threads.map(put, range(uploaders)))
    seconds = time.perf_counter() - began
    with database.alone() as session:
        references.remove_leaving(session, open_blobs(settings.blobs))
    left = len(blobs_of(settings) - before) - 1
    return {"what": "uploads", "sent": uploaders, "kept": statuses[201], "left over": left} | {
        "seconds": seconds,
        "answers": _counts(statuses),
    }


def blobs_of(settings: Settings) -> set[str]:
    return {path.name for path in (settings.data_dir / "blobs").glob("??/*")}


def picture(number: int) -> bytes:
    """A PNG that is like no other."""
    image = Image.new("RGB", (32, 24), (number % 251, number // 251 % 251, number // 63_001))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def _counts(statuses: Counter[int]) -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))


def show(report: dict[str, Any]) -> None:
    say(f"GET /pools/{{id}} (goal: p99 below {GOAL_P99_MS:g} ms)\n{table(report['answers'])}")
    say(f"\nRequests that contend\n{table(report['contended'])}")


if __name__ == "__main__":
    main()
