"""Every kind of bad input is refused with its own problem type, and changes nothing."""

import resource
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from migrations import upgrade
from store.settings import Settings
from tests.access import WITH_KEY
from tests.faults.bad_files import (
    BAD_ARCHIVES,
    BAD_CLASS_TABLES,
    BAD_LABEL_MAPS,
    BAD_PHOTOS,
    ESCAPES,
    lying_zip,
    tarred,
    zip_with_link,
)
from tests.processes import answers, free_port, processes, until
from tests.service.serving import Client
from tests.service.steps import (
    ABSENT,
    annotate,
    encoded,
    everything,
    label_map,
    new_pool,
    photo,
    put_photo,
    slug,
)


@pytest.mark.parametrize("what", BAD_PHOTOS)
def test_a_bad_photo_is_refused(client: Client, what: str) -> None:
    """The answer has its own problem type and a sentence, and no row, job or blob is made."""
    content, expected = BAD_PHOTOS[what]
    pool_id = new_pool(client)
    before = everything(client, pool_id)
    response = client.put(f"/pools/{pool_id}/images/a.jpg", content=content())
    assert (slug(response), len(response.json()["detail"]) > 20) == (expected, True)
    assert everything(client, pool_id) == before


def test_a_bad_photo_among_good_ones_stops_nothing(client: Client) -> None:
    """A multipart upload takes the good files and lists each bad one with its reason."""
    pool_id = new_pool(client)
    files = [("files", (f"{n}.jpg", photo(n))) for n in range(3)]
    bad = [("files", (f"{what}.jpg", content())) for what, (content, _) in BAD_PHOTOS.items()]
    answer = client.post(f"/pools/{pool_id}/images", files=[*files, *bad]).json()
    assert [image["name"] for image in answer["accepted"]] == ["0.jpg", "1.jpg", "2.jpg"]
    assert {entry["name"]: entry["type"] for entry in answer["rejected"]} == {
        f"{what}.jpg": expected for what, (_, expected) in BAD_PHOTOS.items()
    }
    assert all(entry["reason"] for entry in answer["rejected"])


def test_zip_entries_that_escape_are_rejected_and_the_rest_goes_on(client: Client) -> None:
    """`../x`, absolute paths and links are listed as unsafe; the other photos are accepted."""
    pool_id = new_pool(client)
    entries = {name: photo(number) for number, name in enumerate(ESCAPES)}
    content = zip_with_link({**entries, "folder/": b"", "folder/good.jpg": photo(99)})
    answer = client.post(
        f"/pools/{pool_id}/images", content=content, headers={"Content-Type": "application/zip"}
    ).json()
    assert [image["name"] for image in answer["accepted"]] == ["folder/good.jpg"]
    assert [entry["type"] for entry in answer["rejected"]] == ["archive-unsafe-entry"] * (1 + len(ESCAPES))


@pytest.mark.parametrize(("mode", "kind"), [("w", "x-tar"), ("w:gz", "gzip")])
def test_tar_entries_that_escape_are_rejected_and_the_rest_goes_on(
    client: Client, mode: str, kind: str
) -> None:
    """`../x`, absolute paths, links and special files are listed as unsafe; the photos are accepted."""
    pool_id = new_pool(client)
    entries = {name: photo(number) for number, name in enumerate(ESCAPES[:3])}
    answer = client.post(
        f"/pools/{pool_id}/images",
        content=tarred({**entries, "folder/good.jpg": photo(99)}, mode),
        headers={"Content-Type": f"application/{kind}"},
    ).json()
    assert [image["name"] for image in answer["accepted"]] == ["folder/good.jpg"]
    assert [entry["type"] for entry in answer["rejected"]] == ["archive-unsafe-entry"] * 6


@pytest.mark.parametrize("what", BAD_ARCHIVES)
def test_a_bad_archive_is_refused_whole(client: Client, what: str) -> None:
    """An archive that cannot be read, or unpacks to too much, changes nothing, even if it has good photos."""
    content, kind, expected = BAD_ARCHIVES[what]
    pool_id = new_pool(client)
    before = everything(client, pool_id)
    response = client.post(
        f"/pools/{pool_id}/images", content=content(), headers={"Content-Type": f"application/{kind}"}
    )
    assert slug(response) == expected
    assert everything(client, pool_id) == before


def test_a_zip_that_lies_about_its_size_gains_nothing(client: Client) -> None:
    """Bytes are counted as they are unpacked: an entry larger than its header says is rejected."""
    pool_id = new_pool(client)
    before = everything(client, pool_id)
    answer = client.post(
        f"/pools/{pool_id}/images", content=lying_zip(), headers={"Content-Type": "application/zip"}
    ).json()
    assert [entry["type"] for entry in answer["rejected"]] == ["archive-unreadable"]
    assert everything(client, pool_id) == before


@pytest.mark.parametrize("what", BAD_LABEL_MAPS)
def test_a_bad_label_map_is_refused(client: Client, what: str) -> None:
    """It changes nothing, as an annotation or (unless only its size is wrong) as an unpaired label map."""
    content, expected = BAD_LABEL_MAPS[what]
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg")
    before = everything(client, pool_id)
    response = client.put(f"/images/{image['id']}/annotation", content=content(), headers=ABSENT)
    assert slug(response) == expected
    if what != "wrong size":
        assert slug(client.put(f"/pools/{pool_id}/labels/a.png", content=content())) == expected
    assert everything(client, pool_id) == before


@pytest.mark.parametrize("what", BAD_CLASS_TABLES)
def test_a_bad_class_table_is_refused(client: Client, what: str) -> None:
    """A table that cannot be used for training or drawing has its own problem type."""
    before = client.get("/pools").json()
    response = client.post("/pools", json={"name": "new", "class_table": BAD_CLASS_TABLES[what]})
    assert slug(response) == "invalid-class-table"
    assert client.get("/pools").json() == before


@pytest.mark.parametrize("name", ["a//b.jpg", "../b.jpg", "a\\b.jpg", "..", "n" * 300, "line\nbreak.jpg"])
def test_a_name_that_leads_elsewhere_is_refused(client: Client, name: str) -> None:
    """Also percent-encoded, and also as a pool's name: empty parts, `..`, line breaks, 300 characters."""
    pool_id = new_pool(client)
    before = everything(client, pool_id)
    response = client.put(
        f"/pools/{pool_id}/images/{quote(name, safe='').replace('.', '%2E')}", content=photo()
    )
    assert slug(response) == "invalid-name"
    assert slug(client.post("/pools", json={"name": name, "class_table": "rgb"})) == "invalid-name"
    assert everything(client, pool_id) == before


def test_a_duplicate_pool_name_is_refused(client: Client) -> None:
    """A second pool of the same name is a conflict, even if its name is written in other code points."""
    assert client.post("/pools", json={"name": "caf\u00e9", "class_table": "rgb"}).status_code == 201
    response = client.post("/pools", json={"name": "cafe\u0301", "class_table": "rgb"})
    assert (response.status_code, slug(response)) == (409, "pool-name-taken")


@pytest.mark.parametrize("budget", [0, -1, "ten", 10**9, ""])
def test_a_budget_that_is_no_positive_number_is_refused(client: Client, budget: object) -> None:
    """Zero, negative, absurd and unreadable budgets have one problem type and create no job."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    before = everything(client, pool_id)
    response = client.get(f"/pools/{pool_id}/select", params={"budget": str(budget)})
    assert (response.status_code, slug(response)) == (422, "invalid-budget")
    assert everything(client, pool_id) == before


def test_a_selection_that_cannot_be_made_is_refused(client: Client) -> None:
    """An empty pool, a budget above the pool, and a pool whose photos (or test photos) are not embedded yet
    each have their own problem type.
    """
    pool_id = new_pool(client)
    put_photo(client, pool_id, "test.jpg", split="test")
    ask = f"/pools/{pool_id}/select"
    assert slug(client.get(ask, params={"budget": 1})) == "pool-empty"
    put_photo(client, pool_id, "a.jpg")
    before = everything(client, pool_id)
    assert slug(client.get(ask, params={"budget": 2})) == "budget-exceeds-pool"
    waiting = client.get(ask, params={"budget": 1})
    assert (slug(waiting), waiting.json()["waiting"]) == ("pool-not-embedded", 2)
    assert everything(client, pool_id) == before


def test_a_training_that_cannot_be_made_is_refused(client: Client) -> None:
    """Without photos, annotations or label maps, and with bad options, no job is created."""
    pool_id = new_pool(client)
    order = f"/pools/{pool_id}/trainings"
    assert slug(client.post(order, json={"method": "hybrid"})) == "pool-empty"
    image = put_photo(client, pool_id, "a.jpg")
    before = everything(client, pool_id)
    assert slug(client.post(order, json={"method": "hybrid"})) == "no-annotations"
    assert slug(client.post(order, json={"method": "pix2pix"})) == "no-annotations"
    assert slug(client.post(order, json={"method": "cyclegan"})) == "no-unpaired-label-maps"
    orders: list[dict[str, Any]] = [
        {"method": "magic"},
        {"recipe": "cake"},
        {"options": {"total_steps": 0}},
        {"options": {"learning_rate": "fast"}},
        {"options": {"frobnicate": 1}},
        {"options": {"image_size": 66}},
        {"method": "hybrid", "options": {"load_size": 64, "image_size": 128}},
        {"method": "hybrid", "options": {"checkpoint_every": 15, "log_every": 10}},
        {"pairs": []},
    ]
    for bad in orders:
        assert slug(client.post(order, json=bad)) == "invalid-training", bad
    assert everything(client, pool_id) == before
    annotate(client, image["id"])
    other = put_photo(client, pool_id, "b.jpg")
    before = everything(client, pool_id)
    assert slug(client.post(order, json={"pairs": [image["id"], other["id"]]})) == "invalid-training"
    assert everything(client, pool_id) == before


def test_a_stale_etag_is_refused(client: Client) -> None:
    """A PUT that names an older revision, or no revision, changes nothing."""
    pool_id = new_pool(client)
    address = f"/images/{put_photo(client, pool_id, 'a.jpg')['id']}/annotation"
    assert slug(client.put(address, content=label_map())) == "precondition-required"
    assert slug(client.put(address, content=label_map(), headers={"If-Match": '"1"'})) == "stale-revision"
    assert client.put(address, content=label_map(0), headers=ABSENT).status_code == 201
    assert client.put(address, content=label_map(1), headers={"If-Match": '"1"'}).status_code == 200
    before = everything(client, pool_id)
    for headers, expected in (
        ({"If-Match": '"1"'}, "stale-revision"),
        ({"If-Match": '"3"'}, "stale-revision"),
        (ABSENT, "annotation-exists"),
        ({"If-Match": "*"}, "precondition-required"),
        ({"If-Match": '"1", "2"'}, "precondition-required"),
        ({**ABSENT, "If-Match": '"2"'}, "precondition-required"),
    ):
        assert slug(client.put(address, content=label_map(255), headers=headers)) == expected
    assert client.get(address, params={"original": 1}).content == label_map(1)
    assert everything(client, pool_id) == before


def test_a_file_larger_than_allowed_is_refused(client: Client) -> None:
    """The bytes are counted, so it does not matter whether the request announced its length."""
    pool_id = new_pool(client)
    before = everything(client, pool_id)
    megabyte = bytes(1024 * 1024)
    address = f"/pools/{pool_id}/images/a.jpg"
    assert slug(client.put(address, content=megabyte * 65)) == "file-too-large"
    assert slug(client.put(address, content=(megabyte for _ in range(65)))) == "file-too-large"
    listing = b'{"files": [' + b" " * (33 * 1024 * 1024) + b"]}"
    json = {"Content-Type": "application/json"}
    assert slug(client.post(f"/pools/{pool_id}/missing", content=listing, headers=json)) == "file-too-large"
    assert everything(client, pool_id) == before


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """The answer is 507 for blobs and for rows; with space again the requests succeed. Nothing is lost."""
    port = free_port()
    settings = {
        "FEWPAIRS_DATA_DIR": str(tmp_path),
        "FEWPAIRS_PORT": str(port),
        "FEWPAIRS_BROKER_URL": "memory://",
    }
    upgrade(Settings(data_dir=tmp_path).database)
    with (
        processes([([sys.executable, "-m", "service"], settings)], tmp_path / "logs") as [process],
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=WITH_KEY, timeout=60) as http,
    ):
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the service ready")
        pool = http.post("/pools", json={"name": "p", "class_table": "rgb"}).json()["id"]
        full = (tmp_path / "fewpairs.db").stat().st_size
        large = encoded(Image.effect_noise((800, 800), 99).convert("RGB"), "PNG")
        assert len(large) > full

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        refused = http.put(f"/pools/{pool}/images/large.png", content=large)
        assert (refused.status_code, slug(refused)) == (507, "disk-full")
        answered = []
        for number in range(1000):
            response = http.put(f"/pools/{pool}/images/{number}.jpg", content=photo(number))
            if response.status_code != 201:
                break
            answered.append(response.json()["name"])
        assert (response.status_code, slug(response)) == (507, "disk-full")
        assert answered

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        names = [image["name"] for image in http.get(f"/pools/{pool}/images?limit=1000").json()["items"]]
        assert names == answered
        assert http.put(f"/pools/{pool}/images/large.png", content=large).status_code == 201
        assert http.put(f"/pools/{pool}/images/{number}.jpg", content=photo(number)).status_code == 201


def test_unknown_addresses_methods_and_ids_are_problems(client: Client) -> None:
    """Requests that the web framework refuses are answered with problems like all others."""
    nowhere = "00000000-0000-7000-8000-000000000000"
    for method, address, expected in (
        ("GET", "/nowhere", "not-found"),
        ("DELETE", "/pools", "method-not-allowed"),
        ("GET", f"/pools/{nowhere}", "not-found"),
        ("GET", f"/images/{nowhere}", "not-found"),
        ("GET", f"/jobs/{nowhere}", "not-found"),
        ("GET", f"/jobs/{nowhere}/events", "not-found"),
        ("GET", f"/models/{nowhere}", "not-found"),
        ("PUT", f"/pools/{nowhere}/images/a.jpg", "not-found"),
        ("GET", "/pools/no-uuid", "validation"),
        ("GET", "/pools?limit=0", "validation"),
        ("GET", "/problems/nonsense", "not-found"),
        ("POST", f"/pools/{nowhere}/images", "unsupported-media-type"),
    ):
        assert slug(client.request(method, address)) == expected, address
    assert client.request("DELETE", "/pools").headers["allow"] == "GET, POST"
    for broken in (b"{", b"\xff\xfe", b"[" * 100_000, b""):
        answer = client.post("/pools", content=broken, headers={"Content-Type": "application/json"})
        assert (answer.status_code, slug(answer)) == (422, "validation")
