"""Archives of pools, as a server takes them in: whole, or not at all."""

import hashlib
import io
import json
import pickle
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fewpairs import Client as Fewpairs
from fewpairs.errors import FewpairsError
from store import deletions
from store.blobs import BlobMissing
from store.tables import Image, new_id
from tests.moved import Server, full_pool, server
from tests.service.serving import Client
from tests.service.steps import annotate, label_map, new_pool, put_photo
from tests.worker.factories import scene

Rows = list[dict[str, Any]]
Change = Callable[["Archive"], None]


class Archive:
    """The header, the records and the files of an archive."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as zip:
            records = zip.read("pool.jsonl").decode()
            self.header, *self.lines = map(json.loads, _with_other_ids(records).splitlines())
            self.files = {name: zip.read(name) for name in zip.namelist() if name != "pool.jsonl"}

    def rows(self, table: str) -> Rows:
        return [line["row"] for line in self.lines if line["table"] == table]

    def file(self, sha256: str) -> bytes:
        return self.files[f"blobs/{sha256}"]

    def add_file(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/{digest}"] = content
        return digest

    def replace(self, id: str, other: str) -> None:
        """Use another id for a row, everywhere."""
        text = json.dumps(self.lines).replace(id, other)
        self.lines = json.loads(text.replace(uuid.UUID(id).hex, uuid.UUID(other).hex))

    def write(self, path: Path) -> Path:
        records = "\n".join(json.dumps(line) for line in [self.header, *self.lines])
        with zipfile.ZipFile(path, "w") as zip:
            zip.writestr("pool.jsonl", records)
            for name, content in self.files.items():
                zip.writestr(name, content)
        return path


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Fewpairs]]:
    """The server that the archive comes from."""
    folder = tmp_path_factory.mktemp("source")
    with server(folder, "", folder) as found:
        yield found


@pytest.fixture(scope="session")
def packed(source: tuple[Server, Fewpairs], tmp_path_factory: pytest.TempPathFactory) -> Path:
    here, folder = source[0], tmp_path_factory.mktemp("packed")
    pool_id, _, _ = full_pool(here, folder)
    return here.packed(pool_id, folder / "pool.zip")


@pytest.fixture
def archive(packed: Path) -> Archive:
    return Archive(packed)


@pytest.fixture(scope="session")
def there(client: Client) -> Fewpairs:
    return Fewpairs(str(client.base_url))


def pools(client: Client) -> list[str]:
    return [pool["id"] for pool in client.get("/pools", params={"limit": 500}).json()["items"]]


def _with_other_ids(records: str) -> str:
    """The records as those of another pool."""
    old_ids = [json.loads(line)["row"].get("id") for line in records.splitlines()[1:]]
    for old in filter(None, old_ids):
        new = new_id()
        records = records.replace(old, str(new)).replace(uuid.UUID(old).hex, new.hex)
    return records.replace('"streets"', f'"{new_id()}"')


def test_an_interrupted_import_goes_on(
    client: Client, there: Fewpairs, archive: Archive, tmp_path: Path
) -> None:
    """Files that have arrived are not sent again, no part of the pool is seen before all have, and an import
    after the last answer was lost finds the pool.
    """
    path = archive.write(tmp_path / "pool.zip")
    with zipfile.ZipFile(path) as zip:
        records = zip.read("pool.jsonl")
    address = f"/archives/{hashlib.sha256(records).hexdigest()}"
    begun = client.put(address, content=records)
    assert begun.json()["pool_id"] is None
    parts = client.get(f"{address}/missing").json()["items"]
    assert client.get(f"{address}/missing", params={"limit": 3}).json()["items"] == parts[:3]
    for part in parts[::2]:
        sent = client.put(
            f"{address}/parts/{part['kind']}/{part['sha256']}", content=archive.file(part["sha256"])
        )
        assert sent.status_code == 204, sent.text
    assert client.post(f"{address}/pool").json()["type"] == "/problems/archive-incomplete"
    pool_id = archive.rows("pools")[0]["id"]
    assert client.get(f"/pools/{pool_id}").status_code == 404

    progress: list[int] = []
    pool = there.import_pool(path, on_progress=progress.append)

    assert progress == list(range(1, len(parts[1::2]) + 1))
    assert pool.id == pool_id
    assert pool.counts["annotated"] == 2
    assert there.import_pool(path, on_progress=progress.append).id == pool_id
    assert len(progress) == len(parts[1::2])


def test_an_interrupted_download_goes_on(
    source: tuple[Server, Fewpairs], packed: Path, tmp_path: Path
) -> None:
    """A download asks only for what it lacks; if its beginning is another file's, the whole is refused."""
    here, client = source
    [job] = [job for job in client.jobs() if job.kind == "pack"]
    content, digest = packed.read_bytes(), job.result["sha256"]
    transport, address = client._transport, f"/jobs/{job.id}/archive"
    part = tmp_path / f".pool.zip.{digest[:16]}.part"
    for start in (0, 1000, len(content)):
        part.write_bytes(content[:start])
        done = transport.download_again(address, tmp_path / "pool.zip", digest)
        assert done.read_bytes() == content
        assert not part.exists()
    part.write_bytes(bytes(1000))
    with pytest.raises(FewpairsError, match="damaged on its way"):
        transport.download_again(address, tmp_path / "pool.zip", digest)
    assert not part.exists()
    here.tools.blobs.drop(job.result["held"])
    with pytest.raises(FewpairsError, match="kept for a day"):
        transport.download_again(address, tmp_path / "pool.zip", digest)


def test_a_pool_keeps_its_ids_or_is_refused(
    client: Client, there: Fewpairs, archive: Archive, tmp_path: Path
) -> None:
    """A pool that is here already, under any name, is not taken in a second time; a name that is taken is
    refused, and another one can be given.
    """
    taken = client.get(f"/pools/{new_pool(client)}").json()["name"]
    archive.rows("pools")[0]["name"] = taken
    path = archive.write(tmp_path / "pool.zip")
    with pytest.raises(FewpairsError, match="another pool named") as refused:
        there.import_pool(path)
    assert refused.value.type == "pool-name-taken"
    pool = there.import_pool(path, name=f"{taken} again")
    assert pool.name == f"{taken} again"
    archive.rows("pools")[0]["name"] = "yet another"
    with pytest.raises(FewpairsError, match=f"already on this server, as {taken} again") as refused:
        there.import_pool(archive.write(tmp_path / "changed.zip"))
    assert refused.value.type == "pool-exists"


def test_photos_that_were_not_embedded_are_embedded_here(
    client: Client, there: Fewpairs, archive: Archive, tmp_path: Path
) -> None:
    """A photo whose embedding was not done when the pool was exported is given to an embed job."""
    [*_, image] = archive.rows("images")
    [shard] = [shard for shard in archive.rows("shards") if shard["id"] == image["shard_id"]]
    for other in archive.rows("images"):
        if other["shard_id"] == shard["id"]:
            other["shard_id"] = None
    archive.lines = [line for line in archive.lines if line["row"] is not shard]
    [job] = [job for job in archive.rows("jobs") if job["id"] == image["embed_job_id"]]
    job["state"] = "cancelled"
    pool = there.import_pool(archive.write(tmp_path / "pool.zip"))
    assert pool.counts["embedded"] == pool.counts["images"] - 2
    params = {"pool": pool.id, "kind": "embed", "state": "queued"}
    assert [job["progress"]["total"] for job in client.get("/jobs", params=params).json()["items"]] == [2]


def test_a_deleted_photo_does_not_move(
    source: tuple[Server, Fewpairs], there: Fewpairs, tmp_path: Path
) -> None:
    """An archive has nothing of a photo that was deleted, not even its embedding, although that can be taken
    back yet. When the photo is removed for good, earlier archives that have it are removed too.
    """
    here, content = source[0], scene(2)[0]
    pool_id, _, _ = full_pool(here, tmp_path, name="with a deleted photo")
    earlier = here.done(pool_id, "pack", {})["held"]
    with here.tools.database.write() as session:
        digest = hashlib.sha256(content).hexdigest()
        image = session.query(Image).filter_by(pool_id=pool_id, sha256=digest).one()
        deletions.delete(session, "image", image, 3600)
    path = here.packed(pool_id, tmp_path / "pool.zip")
    with zipfile.ZipFile(path) as zip:
        lines = [json.loads(line) for line in zip.read("pool.jsonl").splitlines()[1:]]
    rows = [line["row"] for line in lines if line["table"] not in ("selections", "events")]
    assert str(image.id) not in json.dumps(rows)
    assert image.id.hex not in json.dumps(rows)
    assert content not in path.read_bytes()
    assert there.import_pool(path).counts["embedded"] == 6

    with here.tools.database.write() as session:
        deletions.delete(session, "image", session.get_one(Image, image.id), 0)
    here.done(pool_id, "delete", {})
    with pytest.raises(BlobMissing):
        here.tools.blobs.open(earlier)


def a_file(table: str, content: bytes, **where: str) -> Change:
    """Another file for the first row of a table that has these values."""

    def change(archive: Archive) -> None:
        row = next(row for row in archive.rows(table) if where.items() <= row.items())
        row["sha256"] = archive.add_file(content)
        if "size_bytes" in row:
            row["size_bytes"] = len(content)

    return change


def a_value(table: str, column: str, value: Any) -> Change:
    """Another value in the last row of a table."""

    def change(archive: Archive) -> None:
        archive.rows(table)[-1][column] = value

    return change


def in_a_document(table: str, column: str, *path: str, value: Any) -> Change:
    """Another value in the document of the last row of a table."""

    def change(archive: Archive) -> None:
        place = archive.rows(table)[-1][column]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def npy(values: npt.NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.save(content, values, allow_pickle=True)
    return content.getvalue()


def a_header(name: str, value: Any) -> Change:
    return lambda archive: archive.header.update({name: value})


def with_a_damaged_file(archive: Archive) -> None:
    """One byte of a photo is another."""
    name = f"blobs/{archive.rows('images')[0]['sha256']}"
    content = archive.files[name]
    archive.files[name] = content[:-1] + bytes([content[-1] ^ 1])


def a_line(table: str, row: dict[str, Any]) -> Change:
    return lambda archive: archive.lines.append({"table": table, "row": row})


def a_second_pool(archive: Archive) -> None:
    other = archive.rows("pools")[0] | {"id": str(new_id()), "name": "other"}
    archive.lines.insert(1, {"table": "pools", "row": other})


ONNX_OUTSIDE = b'{"onnx": "../../other/model.onnx", "class_table": null}'
NOT_FINITE = np.array([[1, np.inf, 0, 0]] * 2, np.float16)
REFUSED: dict[str, tuple[Change, str, str]] = {
    "a newer version": (a_header("version", 2), "archive-too-new", "install a newer version"),
    "another file": (a_header("format", "zip"), "invalid-archive", "is no archive of a pool"),
    "a damaged file": (with_a_damaged_file, "invalid-archive", "damaged on its way"),
    "an unknown table": (a_line("principals", {}), "invalid-archive", "there is no table 'principals'"),
    "an unknown column": (a_value("pools", "owner", "eve"), "invalid-archive", "owner"),
    "a missing column": (lambda archive: archive.rows("images")[-1].pop("name"), "invalid-archive", "name"),
    "two pools": (a_second_pool, "invalid-archive", "begins with one pool"),
    "a name with a way out": (a_value("images", "name", "../a.png"), "invalid-archive", "name"),
    "an HTML page as a photo": (
        *(a_file("images", b"<html><script>"), "not-an-image"),
        "not an image",
    ),
    "another size of a photo": (a_value("images", "width", 9), "invalid-archive", "says that the width"),
    "another type of a photo": (
        *(a_value("images", "media_type", "text/html"), "invalid-archive"),
        "media_type",
    ),
    "a label map of another size": (
        *(a_file("annotations", label_map(1, (8, 8))), "invalid-archive"),
        "says that the width",
    ),
    "a label map of no class": (
        *(a_file("annotations", label_map(77, (64, 48))), "label-map-unknown-class"),
        "77",
    ),
    "other pixels": (a_value("annotations", "class_pixels", [1, 2, 3]), "invalid-archive", "class_pixels"),
    "a class table of two equal names": (
        in_a_document("pools", "class_table", "classes", value=[{"name": "a"}, {"name": "a"}]),
        *("invalid-archive", "Several classes have the name a"),
    ),
    "embeddings that are not finite": (
        a_file("shards", npy(NOT_FINITE)),
        *("invalid-archive", "not finite"),
    ),
    "embeddings of other photos": (
        a_file("shards", npy(np.zeros((1, 4), np.float16))),
        *("invalid-archive", "says that the rows"),
    ),
    "pickled embeddings": (a_file("shards", npy(np.array([[{}]]))), "invalid-archive", "not a .npy file"),
    "pickled weights": (
        a_file("model_files", pickle.dumps({"weights": [0.0]}), name="photo_to_label.safetensors"),
        *("invalid-archive", "not a safetensors file"),
    ),
    "a model outside its folder": (
        a_file("model_files", ONNX_OUTSIDE, name="spec.json"),
        *("invalid-archive", "must be model.onnx"),
    ),
    "a file outside its folder": (
        *(a_value("model_files", "name", "../../x.json"), "invalid-archive"),
        "name",
    ),
    "a file of an unknown kind": (a_value("model_files", "name", "a.py"), "invalid-archive", "name"),
    "a model of an unknown encoder": (
        in_a_document("models", "spec", "encoder", value="timm:../../x"),
        *("invalid-archive", "encoder"),
    ),
    "a label that means no class": (
        *(a_value("pools", "label_mapping", {"car": 4}), "invalid-archive"),
        "contradict each other",
    ),
    "a receipt of another pool": (
        in_a_document("selections", "document", "receipt", "pool_id", value=str(new_id())),
        *("invalid-archive", "contradict each other"),
    ),
    "a selection without picks": (
        in_a_document("selections", "document", "picks", value=None),
        *("invalid-archive", "picks"),
    ),
    "a score that is no number": (
        in_a_document("evaluations", "metrics", "mean_iou", value="high"),
        *("invalid-archive", "metrics"),
    ),
    "a job that goes on": (a_value("jobs", "state", "queued"), "invalid-archive", "state"),
    "a job of another kind": (a_value("jobs", "kind", "translate"), "invalid-archive", "kind"),
    "a job with a key": (
        a_value("jobs", "idempotency_key", "select:x"),
        "invalid-archive",
        "idempotency_key",
    ),
}


@pytest.mark.parametrize(("change", "kind", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_an_archive_that_lies_is_refused_whole(
    client: Client,
    there: Fewpairs,
    archive: Archive,
    tmp_path: Path,
    change: Change,
    kind: str,
    sentence: str,
) -> None:
    """Whatever is wrong with an archive, the refusal says what, and no pool appears."""
    change(archive)
    with pytest.raises(FewpairsError, match=re.escape(sentence)) as refused:
        there.import_pool(archive.write(tmp_path / "pool.zip"))
    assert refused.value.type == kind
    assert client.get(f"/pools/{archive.rows('pools')[0]['id']}").status_code == 404


def test_an_archive_takes_nothing_of_another_pool(
    client: Client, there: Fewpairs, packed: Path, tmp_path: Path
) -> None:
    """Rows that refer to another pool's, bring its ids, or name them in a document are refused, and the other
    pool stays as it is.
    """
    pool_id = new_pool(client)
    victim = put_photo(client, pool_id, "a.jpg")
    annotate(client, victim["id"])
    job_id = client.get("/jobs", params={"pool": pool_id}).json()["items"][0]["id"]
    before = [client.get(path).json() for path in (f"/pools/{pool_id}", f"/images/{victim['id']}")]
    changes: dict[str, Change] = {
        "its shard does not": lambda archive: archive.rows("images")[0].update(id=victim["id"]),
        "its image_id is no row": a_value("annotations", "image_id", victim["id"]),
        "its embed_job_id is no row": a_value("images", "embed_job_id", job_id),
        "its pool_id is no row": a_value("images", "pool_id", pool_id),
        "belong to another pool": a_value("events", "subject_id", victim["id"]),
        "belong to another pool of": in_a_document("events", "details", "image", value=victim["id"]),
        "an id of this archive": lambda archive: archive.replace(
            archive.rows("images")[0]["id"], victim["id"]
        ),
    }
    for sentence, change in changes.items():
        archive = Archive(packed)
        change(archive)
        with pytest.raises(FewpairsError, match=sentence):
            there.import_pool(archive.write(tmp_path / "pool.zip"))
        assert client.get(f"/pools/{archive.rows('pools')[0]['id']}").status_code == 404
    assert before == [client.get(path).json() for path in (f"/pools/{pool_id}", f"/images/{victim['id']}")]
