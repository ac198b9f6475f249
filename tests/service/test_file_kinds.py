"""Names and archives of many kinds through the API: what is stored, and why the rest is not."""

import unicodedata
from urllib.parse import quote

import pytest

from tests import file_kinds as kinds
from tests.drawings import CLASS_TABLE
from tests.service.serving import Client
from tests.service.steps import everything, new_pool, photo, slug


def names(client: Client, pool_id: str) -> set[str]:
    return {image["name"] for image in client.get(f"/pools/{pool_id}/images").json()["items"]}


def test_a_name_is_a_relative_path_that_can_be_seen(client: Client) -> None:
    """Each name is another photo, kept in form NFC and found by the filter, whether or not slashes are
    percent-encoded; sent again it is the same photo. Unpaired label maps have such names too.
    """
    pool_id = new_pool(client)
    sent = [name for together in kinds.NAMES_TAKEN.values() for name in together]
    for seed, name in enumerate(sent):
        made = client.put(f"/pools/{pool_id}/images/{quote(name)}", content=photo(seed))
        assert made.status_code == 201, made.text
        found = client.get(f"/pools/{pool_id}/images", params={"name": made.json()["name"]}).json()["items"]
        assert [image["id"] for image in found] == [made.json()["id"]]
        other = unicodedata.normalize("NFD", name)
        again = client.put(f"/pools/{pool_id}/images/{quote(other, safe='')}", content=photo(seed))
        assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
        conflict = client.put(f"/pools/{pool_id}/images/{quote(other)}", content=photo(seed + 100))
        assert slug(conflict) == "name-taken"
    label_map, address = kinds.label_map(0), f"/pools/{pool_id}/labels/{quote(sent[0])}"
    assert client.put(address, content=label_map).status_code == 201
    assert client.get(address, params={"original": 1}).content == label_map
    assert names(client, pool_id) == {unicodedata.normalize("NFC", name) for name in sent}


def test_a_name_that_looks_like_another_or_leads_elsewhere_is_refused(client: Client) -> None:
    """The answer names the code point or what is wrong, and nothing is kept."""
    pool_id = new_pool(client)
    before = everything(client, pool_id)
    for name, word in kinds.NAMES_REFUSED.values():
        address = quote(name, safe="").replace(".", "%2E")
        asked = {"files": [{"name": name, "sha256": "0" * 64}]}
        answers = [client.post(f"/pools/{pool_id}/missing", json=asked)]
        if "\0" not in name:  # no address may hold one
            answers.append(client.put(f"/pools/{pool_id}/images/{address}", content=photo()))
        for answer in answers:
            refused = "validation" if "\0" in name else "invalid-name"  # no text in JSON may hold one
            assert (answer.status_code, slug(answer)) == (422, refused), name
            assert word in answer.json()["detail"]
    assert everything(client, pool_id) == before


@pytest.mark.parametrize("kind", kinds.ARCHIVES)
def test_an_archive_is_taken_as_far_as_it_is_good(client: Client, kind: str) -> None:
    """Every file of the archive is stored under its path, rejected with a reason, counted as junk, or in a
    folder of label maps that is named. A damaged or harmful archive is refused whole.
    """
    archive = kinds.ARCHIVES[kind]()
    pool_id = new_pool(client)
    before = everything(client, pool_id)
    headers = {"Content-Type": archive.media_type}
    response = client.post(f"/pools/{pool_id}/images", content=archive.content, headers=headers)
    if archive.refusal:
        problem, word = archive.refusal
        assert (response.status_code, slug(response)) == (422, problem)
        assert word in response.json()["detail"]
        assert everything(client, pool_id) == before
        return
    answer = response.json()
    assert {entry["name"] for entry in answer["rejected"]} == set(archive.rejected)
    for entry in answer["rejected"]:
        assert archive.rejected[entry["name"]] in entry["reason"]
    assert {entry["folder"]: entry["files"] for entry in answer["left_out"]} == archive.left_out
    assert answer["junk"] == archive.junk
    assert names(client, pool_id) == archive.stored


def test_folders_of_an_archive_say_the_split_unless_the_request_does(client: Client) -> None:
    """Photos in `val` beside `train` become test photos; alone, or with ?split=train, train photos."""
    both = kinds.zipped({f"set/{split}/{n}.png": kinds.photo(n) for n, split in enumerate(("train", "val"))})
    alone = kinds.zipped({"set/val/1.png": kinds.photo(1)})
    for content, params, expected in (
        (both, {}, {"set/train/0.png": "train", "set/val/1.png": "test"}),
        (both, {"split": "train"}, {"set/train/0.png": "train", "set/val/1.png": "train"}),
        (alone, {}, {"set/val/1.png": "train"}),
    ):
        address, headers = f"/pools/{new_pool(client)}/images", {"Content-Type": kinds.ZIP}
        answer = client.post(address, content=content, headers=headers, params=params).json()
        assert {photo["name"]: photo["split"] for photo in answer["accepted"]} == expected


def test_a_photo_of_a_zip_sent_alone_is_the_same_photo(client: Client) -> None:
    """A name in UTF-8 without the flag is the name in the address, so the same bytes are there already."""
    pool_id = new_pool(client)
    archive = kinds.ARCHIVES["UTF-8 names without the flag"]()
    client.post(f"/pools/{pool_id}/images", content=archive.content, headers={"Content-Type": kinds.ZIP})
    alone = client.put(f"/pools/{pool_id}/images/{quote('日本/東京.png')}", content=kinds.photo(1))
    assert alone.status_code == 200
    assert names(client, pool_id) == archive.stored


@pytest.mark.parametrize("kind", kinds.LABEL_MAPS)
def test_a_label_map_sent_as_a_photo_is_questioned(client: Client, kind: str) -> None:
    """It is refused with the way to send it all the same, alone and in an archive; then it is taken."""
    pool_id, content = new_pool(client, CLASS_TABLE), kinds.LABEL_MAPS[kind]()
    address, headers = f"/pools/{pool_id}/images", {"Content-Type": kinds.ZIP}
    refused = client.put(f"{address}/a.png", content=content)
    assert slug(refused) == "looks-like-label-map"
    assert "allow_label_maps=true" in refused.json()["detail"]
    archive = kinds.zipped({"images/1.png": kinds.photo(1), "labels/1.png": content, "b.png": content})
    answer = client.post(address, content=archive, headers=headers).json()
    assert [entry["type"] for entry in answer["rejected"]] == ["looks-like-label-map"]
    sure = {"allow_label_maps": True}
    assert client.put(f"{address}/a.png", content=content, params=sure).status_code == 201
    client.post(address, content=archive, headers=headers, params=sure)
    assert names(client, pool_id) == {"a.png", "b.png", "images/1.png", "labels/1.png"}


@pytest.mark.parametrize("kind", kinds.NO_LABEL_MAPS)
def test_a_photo_is_not_questioned(client: Client, kind: str) -> None:
    """Grey photos, photos with a palette, plain areas and drawings in other colours are taken."""
    pool_id = new_pool(client, CLASS_TABLE)
    made = client.put(f"/pools/{pool_id}/images/a.png", content=kinds.NO_LABEL_MAPS[kind]())
    assert made.status_code == 201, made.text
