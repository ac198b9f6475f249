"""Where unpaired label maps come from."""

import pytest

from tests.service.serving import Client
from tests.service.steps import label_map, new_pool, slug


def test_a_source_is_a_space_of_names(client: Client) -> None:
    """One name may be in two sources with other bytes; in one source it is taken, as before."""
    pool_id = new_pool(client)
    address = f"/pools/{pool_id}/labels/0000.png"
    near = client.put(f"{address}?source=near", content=label_map(0))
    far = client.put(f"{address}?source=far", content=label_map(1))
    assert (near.status_code, far.status_code) == (201, 201)
    assert (near.json()["source"], far.json()["source"]) == ("near", "far")
    assert client.put(f"{address}?source=far", content=label_map(1)).status_code == 200
    taken = client.put(f"{address}?source=far", content=label_map(0))
    assert (slug(taken), "far" in taken.json()["detail"]) == ("name-taken", True)
    assert client.get(f"{address}?source=near").content == label_map(0)
    assert client.get(f"{address}?source=far").content == label_map(1)
    assert slug(client.get(address)) == "not-found"


def test_sources_are_listed_and_counted(client: Client) -> None:
    """Without a source it is "upload"; the pool counts label maps by source, and lists those of one."""
    pool_id = new_pool(client)
    assert client.get(f"/pools/{pool_id}").json()["counts"]["label_sources"] == {}
    client.put(f"/pools/{pool_id}/labels/a.png", content=label_map())
    for name in ("a.png", "b.png"):
        client.put(f"/pools/{pool_id}/labels/{name}", params={"source": "gta"}, content=label_map())
    counts = client.get(f"/pools/{pool_id}").json()["counts"]
    assert (counts["label_sources"], counts["unpaired_label_maps"]) == ({"gta": 2, "upload": 1}, 3)
    listed = client.get(f"/pools/{pool_id}/labels", params={"source": "gta"}).json()["items"]
    assert [(item["source"], item["name"]) for item in listed] == [("gta", "a.png"), ("gta", "b.png")]
    assert len(client.get(f"/pools/{pool_id}/labels").json()["items"]) == 3


@pytest.mark.parametrize("source", ["annotations", "", "a/b", "x" * 101])
def test_a_source_is_a_name_and_not_that_of_the_annotations(client: Client, source: str) -> None:
    """What a training calls the label maps of its pairs is no source of uploads."""
    pool_id = new_pool(client)
    refused = client.put(f"/pools/{pool_id}/labels/a.png", params={"source": source}, content=label_map())
    assert (refused.status_code, slug(refused)) == (422, "invalid-name")
    assert client.get(f"/pools/{pool_id}/labels").json()["items"] == []
