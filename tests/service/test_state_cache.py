"""The cached state of a split: it is read again only after additions, and by one thread."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from store import selections
from store.selections import ImagesState, State
from tests.service.serving import Client
from tests.service.steps import (
    annotate,
    embed,
    embedded_pool,
    photo,
    put_photo,
)


def test_all_images_are_read_again_only_after_additions(client: Client) -> None:
    """A question reads all images again only after new ones were embedded, not after annotations; for
    `include` and `exclude` it reads only their images."""
    pool_id, images = embedded_pool(client)
    statements: list[str] = []
    [engine] = {client.service.database._reader}
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    def read_all(options: str = "") -> bool:
        statements.clear()
        assert client.get(f"/pools/{pool_id}/select?budget=1{options}").status_code == 202
        assert statements
        return any("images.sha256" in text and "images.id IN" not in text for text in statements)

    assert read_all()
    assert not read_all()
    annotate(client, images[0]["id"])
    assert not read_all()
    assert not read_all(f"&include={images[1]['id']}&exclude={images[2]['id']}")
    put_photo(client, pool_id, "new.jpg", photo(78))
    embed(client, pool_id)
    assert read_all()


def test_one_of_concurrent_questions_reads_the_images(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question reads; a second one that starts at the same time waits for its result."""
    pool_id, _ = embedded_pool(client)
    counted, second, reads = threading.Barrier(2), threading.Event(), 0
    count, read = selections.annotation_count, selections.images_state

    def counted_by_both(session: Session) -> int:
        counted.wait(30)
        return count(session)

    def reads_slowly(*args: Any) -> ImagesState:
        nonlocal reads
        reads += 1
        if reads > 1:
            second.set()
        second.wait(0.5)
        return read(*args)

    monkeypatch.setattr(selections, "annotation_count", counted_by_both)
    monkeypatch.setattr(selections, "images_state", reads_slowly)

    def state(_: int) -> State:
        with client.service.database.read() as session:
            [found] = client.service.state_cache.of(session, uuid.UUID(pool_id), ["train"])
        return found

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(state, range(2))
    assert one == other
    assert (reads, one.pickable) == (1, 4)
