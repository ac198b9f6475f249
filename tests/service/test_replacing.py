"""Photos that are replaced by corrected ones."""

from typing import Any

from tests.service.serving import Client
from tests.service.steps import annotate, embed, embed_jobs, embedded_pool, photo, slug


def replace(client: Client, image: dict[str, Any], content: bytes, sha256: str | None = None) -> Any:
    headers = {"If-Match": f'"{sha256 or image["sha256"]}"'}
    return client.put(f"/images/{image['id']}/content", content=content, headers=headers)


def test_a_replaced_photo_keeps_its_annotation_and_is_embedded_again(client_of_each: Client) -> None:
    """It has other bytes under the same id and name; until it is embedded again it is not picked."""
    client = client_of_each
    pool_id, [image, _] = embedded_pool(client, 2)
    annotate(client, image["id"])
    answer = replace(client, image, photo(50))
    assert answer.status_code == 200, answer.text
    assert client.get(f"/images/{image['id']}/content").content == photo(50)
    record = answer.json()
    same = ("id", "name", "split", "annotation_revision", "width", "height")
    assert [record[name] for name in same] == [*(image[name] for name in same[:3]), 1, 32, 24]
    assert (record["embedded"], record["sha256"] == image["sha256"]) == (False, False)
    assert slug(client.get(f"/pools/{pool_id}/select", params={"budget": 1})) == "pool-not-embedded"
    embed(client, pool_id)
    assert client.get(f"/images/{image['id']}").json()["embedded"]
    [event, *_] = client.get(f"/pools/{pool_id}/events").json()["items"]
    details = {"before": image["sha256"], "sha256": record["sha256"]}
    assert (event["action"], event["details"]) == ("replaced", details)


def test_a_replacement_names_what_it_replaces_and_has_its_size(client: Client) -> None:
    """Without If-Match, with a stale one, and with another size it is refused; twice is as good as once."""
    pool_id, [image] = embedded_pool(client, 1)
    address = f"/images/{image['id']}/content"
    assert slug(client.put(address, content=photo(51))) == "precondition-required"
    assert slug(replace(client, image, photo(51), "0" * 64)) == "stale-revision"
    assert slug(replace(client, image, photo(51, size=(24, 32)))) == "photo-size"
    assert slug(replace(client, image, b"no photo")) == "not-an-image"
    assert client.get(address).headers["etag"] == f'"{image["sha256"]}"'
    answers = [replace(client, image, photo(51)).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(embed_jobs(client, pool_id)) == 1
