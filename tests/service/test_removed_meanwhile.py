"""Bytes that leave the store between their arrival and the row that names them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.service.serving import Client
from tests.service.steps import ABSENT, add_model, annotate, label_map, new_pool, photo, put_photo, slug

Asked = dict[str, Any]


def a_photo(client: Client, pool_id: str) -> Asked:
    return {"method": "PUT", "url": f"/pools/{pool_id}/images/new.jpg", "content": photo(7001)}


def a_corrected_photo(client: Client, pool_id: str) -> Asked:
    image = put_photo(client, pool_id, "old.jpg")
    address, headers = f"/images/{image['id']}/content", {"If-Match": f'"{image["sha256"]}"'}
    return {"method": "PUT", "url": address, "content": photo(7002), "headers": headers}


def an_annotation(client: Client, pool_id: str) -> Asked:
    address = f"/images/{put_photo(client, pool_id, 'a.jpg')['id']}/annotation"
    return {"method": "PUT", "url": address, "content": label_map(), "headers": ABSENT}


def a_label_map(client: Client, pool_id: str) -> Asked:
    return {"method": "PUT", "url": f"/pools/{pool_id}/labels/new.png", "content": label_map(0)}


def a_network(client: Client, pool_id: str) -> Asked:
    return {"method": "POST", "url": f"/pools/{pool_id}/models?name=new", "content": b"a network"}


def a_photo_to_translate(client: Client, pool_id: str) -> Asked:
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    address = f"/models/{add_model(client, pool_id)}/translate"
    return {"method": "POST", "url": address, "content": photo(7003)}


def strokes(client: Client, pool_id: str) -> Asked:
    address = f"/images/{put_photo(client, pool_id, 'a.jpg')['id']}/suggestion"
    return {"method": "POST", "url": address, "content": label_map()}


def a_draft(client: Client, pool_id: str) -> Asked:
    address = f"/images/{put_photo(client, pool_id, 'a.jpg')['id']}/draft"
    return {"method": "PUT", "url": address, "content": label_map()}


KINDS = (
    strokes,
    a_draft,
    a_photo,
    a_corrected_photo,
    an_annotation,
    a_label_map,
    a_network,
    a_photo_to_translate,
)


@pytest.mark.parametrize("asked", KINDS)
def test_no_row_names_bytes_that_were_removed(
    client: Client, monkeypatch: pytest.MonkeyPatch, asked: Callable[[Client, str], Asked]
) -> None:
    """If the last other row that named the same bytes is removed meanwhile, they have to be sent again."""
    request, store = asked(client, new_pool(client)), client.service.blobs
    require = store.require

    def removed_before(*digests: str) -> None:
        for digest in digests:
            store.remove(digest)
        require(*digests)

    monkeypatch.setattr(store, "require", removed_before)
    assert slug(client.request(**request)) == "unavailable"
    monkeypatch.undo()
    assert client.request(**request).status_code in (200, 201, 202)
