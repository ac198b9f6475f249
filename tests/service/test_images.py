"""Photos: upload, resume, list, content, thumbnails."""

import hashlib
import io
import tarfile
import unicodedata
import zipfile
from urllib.parse import quote

import pytest
from PIL import Image

from store.blobs import BlobMissing
from tests.service.serving import Client
from tests.service.steps import (
    annotate,
    encoded,
    everything,
    new_pool,
    photo,
    put_photo,
    slug,
)
from worker.upkeep.janitor import tidy

GOOD_PHOTOS = {
    "JPEG": photo(format="JPEG"),
    "PNG": photo(format="PNG"),
    "WebP": photo(format="WEBP", lossless=True),
    "TIFF": photo(format="TIFF"),
    "BMP": photo(format="BMP"),
    "grey JPEG": encoded(Image.new("L", (32, 24), 90), "JPEG"),
    "grey PNG": encoded(Image.new("L", (32, 24), 90), "PNG"),
    "palette PNG": encoded(Image.new("P", (32, 24), 3), "PNG"),
}


@pytest.mark.parametrize("kind", GOOD_PHOTOS)
def test_a_photo_comes_back_byte_for_byte(client: Client, kind: str) -> None:
    """Every accepted format is kept unchanged and served with the type that the server detected."""
    content = GOOD_PHOTOS[kind]
    image = put_photo(client, new_pool(client), "odd.name", content)
    served = client.get(f"/images/{image['id']}/content")
    assert served.content == content
    assert served.headers["content-type"] == image["media_type"]
    assert served.headers["x-content-type-options"] == "nosniff"
    assert image["media_type"].removeprefix("image/") == kind.split()[-1].lower()
    assert (image["sha256"], image["size_bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (image["width"], image["height"]) == (32, 24)


def test_repeating_an_upload_changes_nothing(client: Client) -> None:
    """The first upload gets 201, the same bytes again 200, other bytes or the other split 409."""
    pool_id = new_pool(client)
    address = f"/pools/{pool_id}/images/a.jpg"
    assert client.put(address, content=photo(1)).status_code == 201
    before = everything(client, pool_id)
    again = client.put(address, content=photo(1))
    of_list = {"uncertainty": None}
    assert (again.status_code, again.json() | of_list) == (200, before["images"][0] | {"copy_of": None})
    assert slug(client.put(address, content=photo(1), params={"split": "test"})) == "name-taken"
    blobs = before.pop("blobs")
    assert slug(client.put(address, content=photo(2))) == "name-taken"
    after = everything(client, pool_id)
    assert set(blobs) <= set(after.pop("blobs"))
    assert after == before


@pytest.mark.parametrize(
    "name",
    ["größe.jpg", "写真 1.jpg", "👩‍🎨.png", "a%2Fb.jpg", "a?b#c.jpg", "x" * 255, "x y.jpg", "e\u0301.jpg"],
)
def test_any_file_name_round_trips(client: Client, name: str) -> None:
    """Unicode and unusual characters come back in form NFC, in records, in lists and in `missing`."""
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, quote(name, safe=""))
    normal = unicodedata.normalize("NFC", name)
    assert image["name"] == normal
    assert [item["name"] for item in client.get(f"/pools/{pool_id}/images").json()["items"]] == [normal]
    ask = {"files": [{"name": name, "sha256": image["sha256"]}]}
    answer = client.post(f"/pools/{pool_id}/missing", json=ask).json()
    assert (answer["missing"], answer["conflicts"]) == ([], [])


def archive_of(kind: str, files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(content, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=content, mode="w:gz" if kind == "gzip" else "w") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return content.getvalue()


@pytest.mark.parametrize("kind", ["zip", "x-tar", "gzip"])
def test_an_archive_is_taken_whole(client: Client, kind: str) -> None:
    """More photos than one batch, in folders, are accepted under their paths; then unchanged."""
    pool_id = new_pool(client)
    files = {f"day/{n % 3}/größe-{n}.jpg": photo(n) for n in range(130)}
    headers = {"Content-Type": f"application/{kind}"}
    content = archive_of(kind, files)
    answer = client.post(f"/pools/{pool_id}/images", content=content, headers=headers).json()
    assert {image["name"] for image in answer["accepted"]} == set(files)
    assert (answer["unchanged"], answer["rejected"]) == (0, [])
    again = client.post(f"/pools/{pool_id}/images", content=content, headers=headers).json()
    assert (again["accepted"], again["unchanged"], again["rejected"]) == ([], 130, [])


def test_two_files_of_one_name_in_one_upload(client: Client) -> None:
    """The same bytes count as unchanged, other bytes are rejected, and the first file stays."""
    pool_id = new_pool(client)
    parts = [("files", ("a.jpg", photo(n))) for n in (1, 1, 2)]
    answer = client.post(f"/pools/{pool_id}/images", files=parts, params={"split": "test"}).json()
    assert [(image["name"], image["split"]) for image in answer["accepted"]] == [("a.jpg", "test")]
    assert (answer["unchanged"], [entry["type"] for entry in answer["rejected"]]) == (1, ["name-taken"])


def test_an_archive_among_files(client: Client) -> None:
    """A zip in a multipart upload adds its photos; if the zip is bad, only it is rejected."""
    pool_id = new_pool(client)
    parts = [
        ("files", ("one.jpg", photo(1))),
        ("files", ("more.zip", archive_of("zip", {"two.jpg": photo(2)}))),
        ("files", ("more.tgz", archive_of("gzip", {"three.jpg": photo(3)}))),
        ("files", ("bad.zip", b"PK\x03\x04 and then nothing")),
        ("files", ("größe.jpg", photo(4))),
    ]
    answer = client.post(f"/pools/{pool_id}/images", files=parts).json()
    assert [image["name"] for image in answer["accepted"]] == ["one.jpg", "two.jpg", "three.jpg", "größe.jpg"]
    assert [(entry["name"], entry["type"]) for entry in answer["rejected"]] == [
        ("bad.zip", "archive-unreadable")
    ]


def test_a_broken_form_is_refused(client: Client) -> None:
    """A body without a boundary, without an end, or with a field that is not a file is a bad request."""
    address = f"/pools/{new_pool(client)}/images"
    for content, kind in (
        (b"", "multipart/form-data"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="split"\r\n\r\ntest\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
    ):
        assert slug(client.post(address, content=content, headers={"Content-Type": kind})) == "bad-request"


def test_an_upload_is_resumed_by_asking_what_is_missing(client: Client) -> None:
    """`missing` lists the files that the pool lacks, and separately those it has with other bytes."""
    pool_id = new_pool(client)
    here = put_photo(client, pool_id, "here.jpg", photo(1))
    put_photo(client, pool_id, "other.jpg", photo(2))
    files = [{"name": "here.jpg", "sha256": here["sha256"]}]
    files += [{"name": name, "sha256": "0" * 64} for name in ("other.jpg", *map(str, range(1200)))]
    answer = client.post(f"/pools/{pool_id}/missing", json={"files": files}).json()
    assert answer["missing"] == [str(n) for n in range(1200)]
    assert answer["conflicts"] == ["other.jpg"]
    named = client.post(
        f"/pools/{pool_id}/missing", json={"files": [{"name": file["name"]} for file in files]}
    )
    assert named.json() == answer | {"conflicts": []}


def test_a_photo_of_the_other_split_is_not_there_already(client: Client) -> None:
    """For a given split, `missing` lists as conflicts the files that an upload would refuse."""
    pool_id = new_pool(client)
    files = [{"name": "a.jpg", "sha256": put_photo(client, pool_id, "a.jpg")["sha256"]}]
    for split, conflicts in (("train", []), ("test", ["a.jpg"])):
        answer = client.post(f"/pools/{pool_id}/missing", json={"split": split, "files": files}).json()
        assert answer == {"missing": [], "conflicts": conflicts, "test": [], "left_out": []}


def test_the_upload_of_a_folder_is_planned_as_that_of_an_archive(client: Client) -> None:
    """With no split given, the photos that are missing, those for tests and the folders that are left out are
    those of an upload of the same files in an archive.
    """
    photos = ["day/train/a.jpg", "day/train/b.jpg", "day/val/c.jpg"]
    files = {name: photo(n) for n, name in enumerate([*photos, "day/train_masks/a.png"])}
    planned_in, sent_to = new_pool(client), new_pool(client)
    ask = {"split": None, "files": [{"name": name} for name in files]}
    plan = client.post(f"/pools/{planned_in}/missing", json=ask).json()
    headers = {"Content-Type": "application/zip"}
    sent = client.post(f"/pools/{sent_to}/images", content=archive_of("zip", files), headers=headers).json()
    splits = {image["name"]: image["split"] for image in sent["accepted"]}
    assert plan == {
        "missing": list(splits),
        "conflicts": [],
        "test": [name for name, split in splits.items() if split == "test"],
        "left_out": sent["left_out"],
    }
    assert (len(plan["missing"]), plan["test"], len(plan["left_out"])) == (3, ["day/val/c.jpg"], 1)
    assert client.post(f"/pools/{sent_to}/missing", json=ask).json() == plan | {"missing": []}


def test_an_incomplete_form_reports_only_what_was_kept(client: Client) -> None:
    """Wherever the form breaks off, the answer tells what was added, and the whole form can be sent again."""
    address = f"/pools/{(pool_id := new_pool(client))}/images"
    body = encode_form([("a.jpg", photo(1)), ("b.jpg", photo(2))])
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    behind = client.post(address, content=body.replace(b"--x--", b"--x"), headers=headers)
    inside = client.post(address, content=body[:-200], headers=headers)
    [rejected] = inside.json()["rejected"]
    assert slug(behind) == rejected["type"] == "bad-request"
    for sentence in (behind.json()["detail"], rejected["reason"]):
        assert "kept" not in sentence
        assert "send the whole body again" in sentence
    assert [image["name"] for image in inside.json()["accepted"]] == ["a.jpg"]
    assert client.post(address, content=body, headers=headers).json()["unchanged"] == 1
    assert client.get(f"/pools/{pool_id}").json()["counts"]["images"] == 2


def encode_form(files: list[tuple[str, bytes]]) -> bytes:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode() + content
        for name, content in files
    ]
    return b"\r\n".join([*parts, b"--x--\r\n"])


def test_pages_and_filters_of_photos(client: Client) -> None:
    """Pages of any size list each photo once in upload order; `split` and `annotated` filter."""
    pool_id = new_pool(client)
    images = [
        put_photo(client, pool_id, f"{n}.jpg", photo(n), split="test" if n % 2 else "train") for n in range(5)
    ]
    annotate(client, images[2]["id"])

    def names(**filters: str) -> list[str]:
        found: list[str] = []
        params: dict[str, str] = {"limit": "2", **filters}
        while True:
            page = client.get(f"/pools/{pool_id}/images", params=params).json()
            found += [image["name"] for image in page["items"]]
            if page["next"] is None:
                return found
            params["cursor"] = page["next"]

    assert names() == [f"{n}.jpg" for n in range(5)]
    assert names(split="test") == ["1.jpg", "3.jpg"]
    assert names(annotated="true") == ["2.jpg"]
    assert names(annotated="false", split="train") == ["0.jpg", "4.jpg"]
    assert names(name="3.jpg") == ["3.jpg"]
    assert names(name="3.jpg", split="train") == names(name="3") == []
    assert client.get(f"/images/{images[2]['id']}").json()["annotation_revision"] == 1


def test_content_is_not_sent_twice(client: Client) -> None:
    """The ETag of a content or thumbnail gives 304, and thumbnails of other sizes have other ETags."""
    image = put_photo(client, new_pool(client), "a.jpg")
    tags = set()
    for address in ("content", "thumbnail", "thumbnail?size=16"):
        first = client.get(f"/images/{image['id']}/{address}")
        tags.add(first.headers["etag"])
        same = {"If-None-Match": first.headers["etag"]}
        assert client.get(f"/images/{image['id']}/{address}", headers=same).status_code == 304
        other = client.get(f"/images/{image['id']}/{address}", headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)
    assert len(tags) == 3


@pytest.mark.parametrize(("size", "expected"), [(256, (256, 192)), (64, (64, 48)), (512, (320, 240))])
def test_a_thumbnail_is_a_small_jpeg(client: Client, size: int, expected: tuple[int, int]) -> None:
    """A thumbnail keeps the proportions and is never larger than requested, or than the photo."""
    image = put_photo(client, new_pool(client), "a.png", photo(format="PNG", size=(320, 240)))
    answer = client.get(f"/images/{image['id']}/thumbnail", params={"size": size})
    thumbnail = Image.open(io.BytesIO(answer.content))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", expected)
    assert slug(client.get(f"/images/{image['id']}/thumbnail", params={"size": 9999})) == "validation"


def test_the_same_bytes_under_two_names_are_reported(client: Client) -> None:
    """The answers to uploads name the pool's first photo of these bytes, whatever its split; other pools do
    not count, and both photos are kept.
    """
    put_photo(client, new_pool(client), "elsewhere.jpg", photo(1))
    pool_id = new_pool(client)
    first = put_photo(client, pool_id, "b.jpg", photo(1), split="test")
    second = put_photo(client, pool_id, "a.jpg", photo(1))
    assert (first["copy_of"], second["copy_of"]) == (None, "b.jpg")
    again = client.put(f"/pools/{pool_id}/images/a.jpg", content=photo(1)).json()
    assert again == second
    files = {"c.jpg": photo(2), "d.jpg": photo(1), "e.jpg": photo(2)}
    headers = {"Content-Type": "application/zip"}
    answer = client.post(f"/pools/{pool_id}/images", content=archive_of("zip", files), headers=headers).json()
    copies = {image["name"]: image["copy_of"] for image in answer["accepted"]}
    assert copies == {"c.jpg": None, "d.jpg": "b.jpg", "e.jpg": "c.jpg"}


def test_a_thumbnail_is_made_once(client: Client) -> None:
    """It is answered although the photo's bytes are away, unless it has a size that is not kept; and what
    needs these bytes says that they are missing.
    """
    image = put_photo(client, new_pool(client), "a.jpg", photo(size=(300, 200)))
    address = f"/images/{image['id']}/thumbnail"
    first = client.get(address)
    client.service.blobs.path(image["sha256"]).unlink()  # type: ignore[attr-defined]
    assert client.get(address).content == first.content
    for away in (f"/images/{image['id']}/content", f"{address}?size=100"):
        answer = client.get(away)
        assert (answer.status_code, slug(answer)) == (503, "bytes-missing")
        assert "Retry-After" in answer.headers


def test_a_refused_photo_leaves_no_bytes(client: Client) -> None:
    """The bytes of a photo whose name is taken go with the next round of the janitor; the others stay."""
    pool_id, service = new_pool(client), client.service
    kept, refused = (photo(seed) for seed in (9001, 19002))
    put_photo(client, pool_id, "a.jpg", kept)
    assert slug(client.put(f"/pools/{pool_id}/images/a.jpg", content=refused)) == "name-taken"
    digests = [hashlib.sha256(content).hexdigest() for content in (kept, refused)]
    service.blobs.require(*digests)
    tidy(service.settings, service.database, service.blobs)
    service.blobs.require(digests[0])
    with pytest.raises(BlobMissing):
        service.blobs.require(digests[1])
