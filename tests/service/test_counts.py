"""The counts of a pool: right after every act, and cheap as long as nothing happens."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from sqlalchemy import event

from service.pools.schemas import PoolCountsDocument
from store import pools
from tests.service.serving import Client
from tests.service.steps import CLASSES, annotate, embed, label_map, new_pool, photo, put_photo


def counted(client: Client, pool_id: str) -> Any:
    """The counts as the service answers, which have to be those of the tables."""
    answered = client.get(f"/pools/{pool_id}").json()
    with client.service.database.read() as session:
        [row], _ = pools.page(session, pools.Wanted(answered["name"]), cursor=None, limit=1)
        fresh = pools.counts(session, [row.id]).get(row.id, pools.PoolCounts())
    assert answered["counts"] == PoolCountsDocument.of(fresh, row.class_table).model_dump(mode="json")
    return answered["counts"]


def test_counts_follow_every_act(client_of_each: Client) -> None:
    """Each act that changes them is seen by the next request."""
    client = client_of_each
    pool_id = new_pool(client, CLASSES)
    seen = [counted(client, pool_id)]
    images = [put_photo(client, pool_id, f"{number}.jpg", photo(number)) for number in range(3)]
    address, other = (f"/images/{image['id']}" for image in images[:2])
    acts: list[Callable[[], Any]] = [
        lambda: embed(client, pool_id),
        lambda: annotate(client, images[0]["id"]),
        lambda: client.put(f"{address}/annotation", content=label_map(0), headers={"If-Match": '"1"'}),
        lambda: client.patch(other, json={"excluded": True}),
        lambda: client.patch(other, json={"excluded": False}),
        lambda: client.delete(f"{address}/annotation", headers={"If-Match": '"2"'}),
        lambda: client.put(f"/pools/{pool_id}/labels/a.png", content=label_map()),
        lambda: client.delete(other),
        lambda: client.post(f"{other}/undelete"),
    ]
    for act in acts:
        seen.append(counted(client, pool_id))
        answer = act()
        assert answer is None or answer.is_success
    seen.append(counted(client, pool_id))
    changes = [before != after for before, after in pairwise(seen)]
    assert all(changes)


def test_the_classes_of_test_photos_are_told_apart(client: Client) -> None:
    """`labelled` counts both splits, `labelled_train` what a training learns from."""
    pool_id = new_pool(client, CLASSES)
    for name, value, split in (("a.jpg", 1, "train"), ("b.jpg", 0, "test")):
        image = put_photo(client, pool_id, name, photo(value), split)
        annotate(client, image["id"], label_map(value))
    both, train = (counted(client, pool_id)[name] for name in ("labelled", "labelled_train"))
    size, patch = 32 * 24, 8 * 8
    assert [each["pixels"] for each in both["classes"]][:2] == [2 * size - patch, patch]
    assert [each["pixels"] for each in train["classes"]][:2] == [size - patch, patch]
    assert [each["label_maps"] for each in train["classes"]][:2] == [1, 1]


def test_counts_are_not_counted_again(client: Client) -> None:
    """As long as nothing is done to the pool, a request looks at no photo and no annotation."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    first = client.get(f"/pools/{pool_id}").json()
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    event.listen(client.service.database.engine, "before_cursor_execute", note)
    event.listen(client.service.database._reader, "before_cursor_execute", note)
    try:
        assert client.get(f"/pools/{pool_id}").json() == first
    finally:
        event.remove(client.service.database.engine, "before_cursor_execute", note)
        event.remove(client.service.database._reader, "before_cursor_execute", note)
    assert any("FROM events" in statement for statement in statements)
    assert not [text for text in statements if "FROM images" in text or "annotations" in text]
