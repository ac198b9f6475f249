"""The same request sent many times at once, on SQLite and on PostgreSQL."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

from store import references
from tests.access import key_of
from tests.processes import answers, free_port, processes, until
from tests.service.serving import Client
from tests.service.steps import annotate, encoded, everything, new_pool, photo, put_photo
from tests.service.test_assignments import pool_with_selection


def test_a_photo_uploaded_concurrently_is_added_once(client_of_each: Client) -> None:
    """One request gets 201, the others 200; other bytes under that name get 409."""
    client = client_of_each
    pool_id = new_pool(client)

    def put(seed: int) -> int:
        return client.put(f"/pools/{pool_id}/images/a.jpg", content=photo(seed)).status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(put, [1] * 8)) == {201: 1, 200: 7}
        assert Counter(pool.map(put, [1, 2] * 4)) == {200: 4, 409: 4}


def test_of_fifty_photos_of_one_name_one_is_stored(client_of_each: Client) -> None:
    """The other 49, each with other bytes, are refused, and nothing of them stays."""
    client = client_of_each
    pool_id, start = new_pool(client), threading.Barrier(50)
    photos = [photo(1, "JPEG", (40 + width, 24)) for width in range(50)]

    def put(content: bytes) -> int:
        start.wait()
        return client.put(f"/pools/{pool_id}/images/a.jpg", content=content).status_code

    with ThreadPoolExecutor(50) as threads:
        assert Counter(threads.map(put, photos)) == {201: 1, 409: 49}
    with client.service.database.alone() as session:
        references.remove_leaving(session, client.service.blobs)
    [stored] = everything(client, pool_id)["images"]
    blobs = client.service.settings.data_dir / "blobs"
    assert [path.name for path in blobs.glob("??/*")] == [stored["sha256"]]
    assert list((blobs / "incoming").iterdir()) == []


def one_pixel(x: int, y: int) -> bytes:
    image = Image.new("L", (32, 24), 0)
    image.putpixel((x, y), 1)
    return encoded(image, "PNG")


def test_no_replacement_of_an_annotation_is_lost(client_of_each: Client) -> None:
    """Eight people replace one annotation, each time the newest revision: every label map becomes a revision,
    and no two the same one."""
    client = client_of_each
    image = put_photo(client, new_pool(client), "a.jpg")
    annotate(client, image["id"])
    address = f"/images/{image['id']}/annotation"

    def replace(writer: int) -> None:
        for number in range(3):
            content = one_pixel(writer, number)
            answer = None
            while answer is None or answer.status_code == 412:
                newest = {"If-Match": client.get(address).headers["etag"]}
                answer = client.put(address, content=content, headers=newest)
            assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(replace, range(8)))
    revisions = [client.get(address, params={"revision": number}).content for number in range(1, 26)]
    assert len(set(revisions)) == 25
    assert client.get(address).headers["etag"] == '"25"'


def test_photos_uploaded_concurrently_fill_embed_jobs_exactly(client_of_each: Client) -> None:
    """Every photo is in one embed job, and each job's total is its number of photos."""
    client = client_of_each
    pool_id = new_pool(client)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put_photo(client, pool_id, f"{n}.jpg", photo(n)), range(40)))
    found = everything(client, pool_id)
    assert len(found["images"]) == 40
    assert sum(job["progress"]["total"] for job in found["jobs"]) == 40


def test_a_pool_name_requested_concurrently_is_given_once(client_of_each: Client) -> None:
    """The other requests are told that the name is taken."""

    def create(_: int) -> int:
        return client_of_each.post("/pools", json={"name": "one", "class_table": "rgb"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(create, range(8))) == {201: 1, 409: 7}


def test_an_idempotency_key_sent_concurrently_makes_one_job(client_of_each: Client) -> None:
    """All answers name the same job."""
    client = client_of_each
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])

    def order(_: int) -> str:
        answer = client.post(f"/pools/{pool_id}/trainings", json={}, headers={"Idempotency-Key": "one"})
        job_id: str = answer.json()["id"]
        return job_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(order, range(8)))) == 1
    assert len(client.get("/jobs", params={"pool": pool_id, "kind": "train"}).json()["items"]) == 1


@contextmanager
def more_apis(client: Client, count: int, logs: Path) -> Iterator[list[str]]:
    """Start `count` more API processes on the client's database; the addresses of all services."""
    settings, ports = client.service.settings, [free_port() for _ in range(count)]
    environment = {
        "FEWPAIRS_DATA_DIR": str(settings.data_dir),
        "FEWPAIRS_DATABASE_URL": settings.database_url,
        "FEWPAIRS_BROKER_URL": settings.broker_url,
    }
    command = [sys.executable, "-m", "service"]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    with processes([(command, environment | {"FEWPAIRS_PORT": str(port)}) for port in ports], logs):
        for address in addresses:
            until(lambda address=address: answers(f"{address}/readyz"), f"{address} ready")
        yield [str(client.base_url), *addresses]


def ask(client: Client, address: str, pool_id: str, annotator: object) -> httpx.Response:
    return take(address, pool_id, key_of(client.service, str(annotator)))


def take(address: str, pool_id: str, key: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{address}/pools/{pool_id}/assignments", json={}, headers=key, timeout=60)


def test_fifty_concurrent_annotators_get_fifty_images(client_of_each: Client, tmp_path: Path) -> None:
    """Three API processes hand out each pick once, and the 51st annotator learns that none is left."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client, 50)
    keys = [key_of(client.service, str(number)) for number in range(50)]
    start = threading.Barrier(50)

    def image_for(number: int) -> str:
        start.wait()
        answer = take(addresses[number % len(addresses)], pool_id, keys[number])
        assert answer.status_code == 200, answer.text
        [item] = answer.json()["items"]
        return str(item["image_id"])

    with more_apis(client, 2, tmp_path / "logs") as addresses, ThreadPoolExecutor(50) as threads:
        assert sorted(threads.map(image_for, range(50))) == sorted(ids)
        assert ask(client, addresses[1], pool_id, "late").json()["type"] == "/problems/no-free-pick"


def test_an_image_that_is_annotated_meanwhile_is_not_assigned(client_of_each: Client) -> None:
    """However annotating and handing out overlap, no annotated image has an open assignment."""
    client = client_of_each
    pool_id, ids = pool_with_selection(client, 24)
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(ask, client, str(client.base_url), pool_id, number) for number in range(24)]
        sent = [threads.submit(annotate, client, image_id) for image_id in ids]
        assert {answer.result().status_code for answer in asked} <= {200, 409}
        for answer in sent:
            answer.result()
    assert client.get(f"/pools/{pool_id}/assignments?open=true").json()["items"] == []
