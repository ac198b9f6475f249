"""Asking which images to label."""

import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from store import jobs
from store.settings import Settings
from tests.access import HEAD
from tests.processes import until
from tests.service.serving import Client, serve
from tests.service.steps import (
    add_model,
    add_selection,
    annotate,
    embed,
    embed_jobs,
    embedded_pool,
    fail,
    new_pool,
    photo,
    put_photo,
    selection_document,
    shown,
    slug,
)


def test_a_selection_is_a_job_until_it_is_made(client: Client) -> None:
    """The answer is 202 with the job's address, then 202 with the same job, then 200 with the picks."""
    pool_id, images = embedded_pool(client)
    ask = f"/pools/{pool_id}/select?budget=1"
    waiting = client.get(ask)
    assert (waiting.status_code, waiting.headers["location"]) == (202, f"/jobs/{waiting.json()['id']}")
    assert client.get(ask).json()["id"] == waiting.json()["id"]
    made = selection_document(pool_id, images[:1])
    add_selection(client, waiting.json(), made)
    answer = client.get(ask)
    assert (answer.status_code, answer.json()) == (200, shown(made))


def test_a_selection_made_in_time_is_the_answer(tmp_path: Path) -> None:
    """The request waits a moment, so a fast worker's picks are in its answer."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", answer_wait_s=60)
    with serve(settings) as client, ThreadPoolExecutor() as thread:
        pool_id, images = embedded_pool(client)
        asked = thread.submit(client.get, f"/pools/{pool_id}/select?budget=1")
        listed = f"/jobs?pool={pool_id}&kind=select"
        until(lambda: client.get(listed).json()["items"], "a select job")
        [job] = client.get(listed).json()["items"]
        made = selection_document(pool_id, images[:1])
        add_selection(client, job, made)
        assert (asked.result().status_code, asked.result().json()) == (200, shown(made))


def test_new_photos_and_annotations_make_a_new_question(client: Client) -> None:
    """The same question is one job; another budget, seed, strategy, photo or annotation makes a new job."""
    pool_id, images = embedded_pool(client)

    def asked(**question: Any) -> str:
        answer = client.get(f"/pools/{pool_id}/select", params={"budget": 1, **question})
        job_id: str = answer.json()["id"]
        return job_id

    made = [asked(), asked(), asked(budget=2), asked(seed=1), asked(strategy="random")]
    annotate(client, images[0]["id"])
    made += [asked(), asked()]
    put_photo(client, pool_id, "new.jpg", photo(78))
    embed(client, pool_id)
    made.append(asked())
    assert [made.index(job) for job in made] == [0, 0, 2, 3, 4, 5, 5, 7]


def test_a_pools_default_strategy_answers_what_names_none(client: Client) -> None:
    """Without `strategy` the pool's own answers, which is then the same question as by its name."""
    body = {"name": "answers by facility", "class_table": "rgb", "default_strategy": "facility"}
    pool_id = client.post("/pools", json=body).json()["id"]
    put_photo(client, pool_id, "a.jpg")
    embed(client, pool_id)
    strategies: list[dict[str, Any]] = [{}, {"strategy": "facility"}, {"strategy": "kmedoids"}]
    asked = [client.get(f"/pools/{pool_id}/select", params={"budget": 1, **named}) for named in strategies]
    unnamed, facility, kmedoids = (job.json()["id"] for job in asked)
    assert unnamed == facility != kmedoids
    with client.service.database.read() as session:
        job = jobs.get(session, uuid.UUID(unnamed))
        assert job
        assert job.spec["question"]["strategy"] == "facility"


def test_advised_stands_for_the_strategy_of_the_advice(client: Client) -> None:
    """`advised` is the same question as the name that the advice gives."""
    pool_id, _ = embedded_pool(client)
    named = client.get(f"/pools/{pool_id}/advice").json()["labels"]["strategy"]
    asked = [
        client.get(f"/pools/{pool_id}/select", params={"budget": 1, "strategy": strategy}).json()["id"]
        for strategy in ("advised", named)
    ]
    assert asked[0] == asked[1]


def test_every_option_makes_a_new_question(client: Client) -> None:
    """Each option makes a new job; the same options, also with ids in another order, do not."""
    pool_id, images = embedded_pool(client)
    annotate(client, images[0]["id"])
    first, second = images[1]["id"], images[2]["id"]
    options: list[dict[str, Any]] = [
        *({}, {"name": "*"}, {"name": "[0-2].jpg"}, {"include": first}, {"exclude": first}),
        *({"exclude": [first, second]}, {"duplicates_within": 0.5}, {"duplicates_within": "auto"}),
        *({"test_distance": "off"}, {"test_distance": 0.5}, {"balance": True}, {"or_fewer": True}),
    ]

    def asked() -> list[str]:
        question = f"/pools/{pool_id}/select?budget=1"
        jobs = [client.get(question, params={"budget": 1, **more}).json() for more in options]
        assert {job["kind"] for job in jobs} == {"select"}
        return [job["id"] for job in jobs]

    before = asked()
    assert len(set(before)) == len(options)
    options[5] = {"exclude": [second, first]}
    assert asked() == before


def test_a_selection_of_train_images_depends_on_the_test_images(client: Client) -> None:
    """The question waits for test images to be embedded, and new ones make a new job; not so with
    `test_distance=off`."""
    pool_id, _ = embedded_pool(client)
    ask, off = f"/pools/{pool_id}/select?budget=1", f"/pools/{pool_id}/select?budget=1&test_distance=off"
    first, first_off = client.get(ask).json()["id"], client.get(off).json()["id"]
    put_photo(client, pool_id, "t.jpg", photo(77), split="test")
    assert slug(client.get(ask)) == "pool-not-embedded"
    assert client.get(off).json()["id"] == first_off
    embed(client, pool_id)
    assert client.get(ask).json()["id"] not in (first, first_off)
    assert client.get(off).json()["id"] == first_off


def test_annotated_images_cannot_be_picked(client: Client) -> None:
    """A budget that could only be filled with annotated images is refused."""
    pool_id, images = embedded_pool(client, 2)
    annotate(client, images[0]["id"])
    assert client.get(f"/pools/{pool_id}/select?budget=1").status_code == 202
    refused = client.get(f"/pools/{pool_id}/select?budget=2")
    assert (refused.status_code, slug(refused)) == (409, "budget-exceeds-pool")


def test_failed_embedding_is_started_again_by_asking(client_of_each: Client) -> None:
    """The first question says why embedding failed and makes one new embed job of the same photos; the picks
    come after it."""
    client = client_of_each
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    put_photo(client, pool_id, "t.jpg", split="test")
    [failed] = embed_jobs(client, pool_id)
    fail(client, failed["id"], "The weights are not there: put them there.")
    ask = f"/pools/{pool_id}/select?budget=1"
    refused = client.get(ask)
    assert (slug(refused), refused.json()["waiting"]) == ("pool-not-embedded", 2)
    assert "started again. It had failed: The weights are not there: put them" in refused.json()["detail"]
    again = client.get(ask).json()
    assert "`waiting` is 0." in again["detail"]
    assert "again. It had failed" not in again["detail"]
    [queued] = embed_jobs(client, pool_id)
    assert (queued["id"] == failed["id"], queued["progress"]["total"]) == (False, 2)
    embed(client, pool_id)
    assert client.get(ask).status_code == 202


@pytest.mark.parametrize("number", [0, 99])
def test_embedding_that_ended_is_started_again_by_any_upload(client: Client, number: int) -> None:
    """Uploading a known photo, or a new one, puts the stranded photos into new, full embed jobs."""
    pool_id = new_pool(client)
    chunk = client.service.settings.embed_chunk
    for n in range(chunk + 1):
        put_photo(client, pool_id, f"{n}.jpg", photo(n))
    newest, oldest = embed_jobs(client, pool_id)
    fail(client, oldest["id"])
    with client.service.database.write() as session:
        jobs.cancel(session, uuid.UUID(newest["id"]))
    client.put(f"/pools/{pool_id}/images/{number}.jpg", content=photo(number))
    queued = embed_jobs(client, pool_id)
    assert sorted(job["progress"]["total"] for job in queued) == sorted([chunk, 1] + [1] * (number == 99))
    embed(client, pool_id)
    assert client.get(f"/pools/{pool_id}/select?budget=1").status_code == 202


def test_a_question_that_names_many_images_may_arrive_in_parts(client: Client) -> None:
    """The largest allowed number of images fits into an address, also if it arrives in two packets; an image
    that is named twice counts once."""
    pool_id, images = embedded_pool(client, 2)
    named = "&".join(f"{part}={uuid.uuid4()}" for part in ("include", "exclude") for _ in range(1000))
    head = f"HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n"
    ask = f"GET /pools/{pool_id}/select?budget=1000&{named} {head}"
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(ask[:50_000].encode())
        time.sleep(0.2)
        connection.sendall(ask[50_000:].encode())
        answer = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert answer.startswith(b"HTTP/1.1 409")
    assert b"budget-exceeds-pool" in answer
    twice = f"/pools/{pool_id}/select?budget=1" + f"&include={images[0]['id']}" * 2
    assert client.get(twice).status_code == 202


def test_a_select_job_has_the_question_and_the_last_image(client: Client) -> None:
    """The last image is that of both splits, so images that come after the question are not picked."""
    pool_id, images = embedded_pool(client, 2)
    test = put_photo(client, pool_id, "t.jpg", photo(77), split="test")
    embed(client, pool_id)
    ask = f"/pools/{pool_id}/select?budget=1&exclude={images[1]['id']}&duplicates_within=0.5"
    job_id = uuid.UUID(client.get(ask).json()["id"])
    with client.service.database.read() as session:
        job = jobs.get(session, job_id)
    assert job
    assert job.spec["up_to"] == test["id"]
    assert job.spec["question"] == {
        **{"budget": 1, "strategy": "kmedoids", "seed": 0, "split": "train", "name": None, "include": []},
        "or_fewer": False,
        **{"exclude": [images[1]["id"]], "candidates": [], "duplicates_within": 0.5},
        "test_distance": "auto",
        **{"balance": False, "model": None, "count_copies": False},
    }


def test_a_question_that_cannot_be_answered_is_refused(client: Client) -> None:
    """The refusal says what is wrong, and no job is created."""
    pool_id, images = embedded_pool(client)
    other, strangers = embedded_pool(client)
    test = put_photo(client, pool_id, "t.jpg", photo(77), split="test")["id"]
    embed(client, pool_id)
    annotate(client, images[0]["id"])
    model, theirs = add_model(client, pool_id), _model_of_another(client, other, strangers)
    done, free = images[0]["id"], images[1]["id"]
    before = client.get(f"/jobs?pool={pool_id}&kind=select").json()
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"include": strangers[0]["id"]}, "invalid-selection", "not an embedded train image of the pool"),
        ({"exclude": test}, "invalid-selection", "not an embedded train image of the pool"),
        ({"include": done}, "invalid-selection", "already annotated"),
        ({"include": free, "exclude": free}, "invalid-selection", "in `include` and in `exclude`"),
        ({"include": [free, images[2]["id"]]}, "invalid-selection", "`include` has 2 images"),
        ({"include": free, "name": "x*"}, "invalid-selection", "does not match x*"),
        ({"name": "x*"}, "invalid-selection", "No embedded train image has a name that matches x*"),
        ({"name": "[01].jpg", "budget": 2}, "budget-exceeds-pool", "named [01].jpg that can be picked: 1"),
        ({"exclude": [image["id"] for image in images[1:]]}, "budget-exceeds-pool", "that can be picked: 0"),
        ({"budget": 4}, "budget-exceeds-pool", "train images that can be picked: 3"),
        (
            {"or_fewer": True, "exclude": [image["id"] for image in images[1:]]},
            "budget-exceeds-pool",
            "that can be picked: 0",
        ),
        ({"split": "test", "test_distance": 1}, "invalid-selection", "leave it out"),
        ({"strategy": "random", "model": model}, "invalid-selection", "leave out `model`"),
        ({"model": theirs}, "not-found", "no model"),
        ({"model": str(uuid.uuid4())}, "not-found", "no model"),
        ({"split": "test", "balance": True}, "no-annotations", "leave out `balance`"),
        (
            {"test_distance": -1},
            "validation",
            ": Input should be a finite number of 0 or more, 'auto' or 'off'.",
        ),
        (
            {"duplicates_within": "near"},
            "validation",
            ": Input should be a finite number of 0 or more, or 'auto'.",
        ),
        ({"duplicates_within": "nan"}, "validation", "finite"),
        ({"strategy": "best"}, "validation", "kmedoids"),
        ({"sed": 1}, "validation", "query.sed: Extra inputs are not permitted."),
        ({"budget": 10_001}, "invalid-budget", "less than or equal to 10000"),
    ]
    for options, kind, sentence in cases:
        refused = client.get(f"/pools/{pool_id}/select", params={"budget": 1, **options})
        assert (slug(refused), options) == (kind, options)
        assert sentence in refused.json()["detail"]
        assert len(refused.json().get("errors", [])) <= 1
    assert client.get(f"/jobs?pool={pool_id}&kind=select").json() == before
    assert client.get(f"/pools/{pool_id}/select", params={"budget": 1, "model": model}).status_code == 202


def test_a_question_in_a_body_is_the_same_question(client: Client) -> None:
    """The body has the answer of the address, and also takes candidates, and more ids than an address."""
    pool_id, images = embedded_pool(client)
    address, ids = f"/pools/{pool_id}/select", [image["id"] for image in images]
    asked = {"budget": 2, "seed": 5, "include": [ids[1]], "exclude": [ids[0]]}
    jobs = [client.get(address, params=asked).json()["id"], client.post(address, json=asked).json()["id"]]
    assert jobs[0] == jobs[1]
    among = client.post(address, json=asked | {"candidates": ids[1:3]})
    assert (among.status_code, among.json()["id"] != jobs[0]) == (202, True)
    for wrong, sentence in (
        ({"candidates": ids[2:3]}, f"{ids[1]} is in `include` and it is not among the `candidates`"),
        ({"candidates": ids[1:2]}, "that can be picked: 1"),
        ({"candidates": [str(uuid.uuid4())], "include": []}, "is among the `candidates`"),
    ):
        assert sentence in client.post(address, json=asked | wrong).json()["detail"]


def test_a_glob_matches_in_any_unicode_form(client: Client) -> None:
    """Names are kept in form NFC; a glob in form NFD matches the same names."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, "caf\u00e9-1.jpg")
    embed(client, pool_id)
    ask = f"/pools/{pool_id}/select"
    whole, apart = (
        client.get(ask, params={"budget": 1, "name": name}) for name in ("caf\u00e9-*", "cafe\u0301-*")
    )
    assert (whole.status_code, apart.json()["id"]) == (202, whole.json()["id"])


def _model_of_another(client: Client, pool_id: str, images: list[dict[str, Any]]) -> str:
    annotate(client, images[0]["id"])
    return add_model(client, pool_id)


@pytest.mark.parametrize("option", ["balance=true", f"model={uuid.UUID(int=1)}"])
def test_a_pool_without_classes_takes_neither_balance_nor_model(client: Client, option: str) -> None:
    """The refusal names the option to leave out."""
    pool_id = new_pool(client, "rgb")
    put_photo(client, pool_id, "a.jpg")
    embed(client, pool_id)
    refused = client.get(f"/pools/{pool_id}/select?budget=1&{option}")
    assert (refused.status_code, slug(refused)) == (422, "invalid-selection")
    assert f"`{option.split('=')[0]}`" in refused.json()["detail"]


def test_a_selection_has_an_address(client: Client) -> None:
    """`GET /selections/{id}` returns the same document as the question that made it."""
    pool_id, images = embedded_pool(client)
    job = client.get(f"/pools/{pool_id}/select?budget=1").json()
    made = selection_document(pool_id, images[:1])
    add_selection(client, job, made)
    assert client.get(f"/selections/{made['id']}").json() == shown(made)
    assert slug(client.get(f"/selections/{uuid.uuid4()}")) == "not-found"


def test_a_pool_lists_its_selections(client_of_each: Client) -> None:
    """Newest first, in pages, of a split if one is named, each with how many of its picks are labelled now:
    deleted photos are not."""
    client = client_of_each
    pool_id, images = embedded_pool(client)
    address = f"/pools/{pool_id}/selections"
    assert client.get(address).json() == {"items": [], "next": None, "total": None}
    made = []
    for seed, split in enumerate(("train", "test", "train", "train")):
        document = selection_document(pool_id, images[: seed + 1])
        document |= {"budget": 9, "strategy": "facility", "seed": seed}
        document["receipt"]["split"] = split
        add_selection(client, client.get(f"/pools/{pool_id}/select?budget=1&seed={seed}").json(), document)
        made.append(document["id"])
    for image in images[1:]:
        annotate(client, image["id"])
    client.delete(f"/images/{images[2]['id']}")
    of_train = {"split": "train", "total": True, "limit": 2}
    page = client.get(address, params=of_train).json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([made[3], made[2]], 3)
    assert page["items"][0].pop("created_at")
    assert page["items"][0] == {
        **{"id": made[3], "strategy": "facility", "budget": 9, "seed": 3, "split": "train"},
        **{"pick_count": 4, "labelled_count": 2},
    }
    rest = client.get(address, params=of_train | {"cursor": page["next"]}).json()
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([made[0]], None)
    assert [item["id"] for item in client.get(address).json()["items"]] == made[::-1]
    assert slug(client.get(f"/pools/{uuid.uuid4()}/selections")) == "not-found"


def test_a_failed_selection_is_reported_once_and_then_tried_again(client: Client) -> None:
    """A failure is reported once, also after a 202, and then the question makes a new job. A cancelled job is
    replaced immediately."""
    pool_id, _ = embedded_pool(client)
    ask = f"/pools/{pool_id}/select?budget=1"
    first = client.get(ask).json()["id"]
    fail(client, first, "4 are too near to a test image.")
    told = client.get(ask)
    assert (told.status_code, slug(told), told.json()["job_id"]) == (409, "job-failed", first)
    assert "4 are too near to a test image." in told.json()["detail"]
    second = client.get(ask)
    assert (second.status_code, second.json()["id"] == first) == (202, False)
    client.post(f"/jobs/{second.json()['id']}/cancel")
    assert client.get(ask).json()["id"] not in (first, second.json()["id"])
