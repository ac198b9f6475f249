"""What happens when the same thing is asked for at once, on SQLite and on PostgreSQL."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.service.serving import Client
from tests.service.steps import annotate, everything, new_pool, photo, put_photo


def test_the_same_photo_uploaded_at_once_is_added_once(client_of_each: Client) -> None:
    """One 201, the rest 200; of other bytes under that name, 409."""
    client = client_of_each
    pool_id = new_pool(client)

    def put(seed: int) -> int:
        return client.put(f"/pools/{pool_id}/images/a.jpg", content=photo(seed)).status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(put, [1] * 8)) == {201: 1, 200: 7}
        assert Counter(pool.map(put, [1, 2] * 4)) == {200: 4, 409: 4}


def test_photos_uploaded_at_once_fill_embed_jobs_exactly(client_of_each: Client) -> None:
    """Every photo is in one embed job, and each job's total is what it holds."""
    client = client_of_each
    pool_id = new_pool(client)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put_photo(client, pool_id, f"{n}.jpg", photo(n)), range(40)))
    found = everything(client, pool_id)
    assert len(found["images"]) == 40
    assert sum(job["progress"]["total"] for job in found["jobs"]) == 40


def test_one_pool_name_asked_for_at_once_is_given_once(client_of_each: Client) -> None:
    """The others are told that it is taken."""

    def create(_: int) -> int:
        return client_of_each.post("/pools", json={"name": "one", "class_table": "rgb"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(create, range(8))) == {201: 1, 409: 7}


def test_one_idempotency_key_sent_at_once_orders_one_job(client_of_each: Client) -> None:
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
