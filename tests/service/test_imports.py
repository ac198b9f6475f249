"""Imports over HTTP: exports of other tools become annotations, and nobody's work is lost."""

import io
import json
import tarfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import export_kinds as kinds
from tests import label_map_kinds
from tests.service.serving import Client
from tests.service.steps import ABSENT, annotate, everything, new_pool, photo, put_photo, slug
from tests.service.working import work

SIZE = (kinds.WIDTH, kinds.HEIGHT)


def pool_of(client: Client, export: kinds.Export) -> tuple[str, dict[str, Any]]:
    """A pool with the photos of an export, and their records by name."""
    pool_id = new_pool(client, export.table)
    images = {
        name: put_photo(client, pool_id, name, photo(k, size=SIZE)) for k, name in enumerate(export.ids)
    }
    return pool_id, images


def order(client: Client, pool_id: str, content: bytes, format: str, **params: Any) -> Any:
    return client.post(f"/pools/{pool_id}/imports", params={"format": format, **params}, content=content)


def imported(client: Client, pool_id: str, export: kinds.Export, **params: Any) -> dict[str, Any]:
    """The result of an import of the export."""
    answer = order(client, pool_id, kinds.zipped(export.files), export.format, **params)
    assert answer.status_code == 202, answer.text
    job = work(client, answer.json()["id"])
    assert job["state"] == "succeeded", job["error"]
    result: dict[str, Any] = job["result"]
    return result


def ids_of(client: Client, image: dict[str, Any]) -> Any:
    response = client.get(f"/images/{image['id']}/annotation")
    return np.asarray(Image.open(io.BytesIO(response.content))) if response.status_code == 200 else None


@pytest.mark.parametrize("name", kinds.ONE_OF_EACH)
def test_exports_become_annotations(client: Client, name: str) -> None:
    """What counts is what the other tool means; the result counts it, file by file and in all."""
    export = kinds.TAKEN[name]()
    pool_id, images = pool_of(client, export)
    result = imported(client, pool_id, export, mapping=json.dumps(export.mapping))
    assert (result["taken"], result["refused"], result["unknown_labels"]) == (len(images), 0, [])
    assert result["overlapped"] == export.overlapped
    names = [entry["name"] for entry in export.table["classes"]]
    lines = {line["photo"]: line for line in result["files"]}
    for photo_name, truth in export.ids.items():
        assert np.array_equal(ids_of(client, images[photo_name]), truth)
        assert lines[photo_name]["pixels"] == {n: int((truth == k).sum()) for k, n in enumerate(names)}
        assert lines[photo_name]["unlabelled"] == int((truth == kinds.UNLABELLED).sum())
    labelled = client.get(f"/pools/{pool_id}").json()["counts"]["labelled"]
    assert {one["name"]: one["pixels"] for one in labelled["classes"]} == result["pixels"]


def test_a_dry_run_changes_nothing_and_asks_once(client: Client) -> None:
    """It lists unknown labels. Answers that were used are kept with the pool, and are not asked for again."""
    export = kinds.cvat()
    pool_id, images = pool_of(client, export)
    before = everything(client, pool_id)
    result = imported(client, pool_id, export, dry_run=True)
    after = everything(client, pool_id)
    assert after["pool"] == before["pool"]
    assert [label["label"] for label in result["unknown_labels"]] == ["background"]
    unlabelled = sum(int((ids == kinds.UNLABELLED).sum()) for ids in export.ids.values())
    assert result["unknown_labels"][0]["pixels"] == unlabelled
    assert {line["type"] for line in result["files"]} == {"unknown-label"}

    answers = json.dumps({"background": None})
    assert imported(client, pool_id, export, dry_run=True, mapping=answers)["taken"] == 2
    assert client.get(f"/pools/{pool_id}").json()["label_mapping"] == {}
    assert imported(client, pool_id, export, mapping=answers)["taken"] == 2
    assert client.get(f"/pools/{pool_id}").json()["label_mapping"] == {"background": None}
    again = imported(client, pool_id, export)
    assert (again["unchanged"], again["unknown_labels"]) == (2, [])
    assert ids_of(client, images["a.jpg"]) is not None


def test_annotations_are_replaced_only_when_asked(client: Client) -> None:
    """Without `replace` a photo keeps its annotation; with it, it keeps what was drawn after the order."""
    export = kinds.voc_own_labels()
    pool_id, images = pool_of(client, export)
    own = label_map_kinds.file(np.zeros((kinds.HEIGHT, kinds.WIDTH), np.uint8))
    annotate(client, images["a.jpg"]["id"], own)
    result = imported(client, pool_id, export)
    lines = {line["photo"]: line for line in result["files"]}
    assert lines["b.jpg"]["outcome"] == "taken"
    assert (lines["a.jpg"]["outcome"], lines["a.jpg"]["type"]) == ("refused", "annotation-exists")
    assert not ids_of(client, images["a.jpg"]).any()

    ordered = order(client, pool_id, kinds.zipped(export.files), export.format, replace=True).json()
    address = f"/images/{images['a.jpg']['id']}/annotation"
    later = label_map_kinds.file(np.ones((kinds.HEIGHT, kinds.WIDTH), np.uint8))
    assert client.put(address, content=later, headers={"If-Match": '"1"'}).status_code == 200
    lines = {line["photo"]: line for line in work(client, ordered["id"])["result"]["files"]}
    assert (lines["a.jpg"]["type"], lines["b.jpg"]["outcome"]) == ("stale-revision", "unchanged")
    assert ids_of(client, images["a.jpg"]).all()

    assert imported(client, pool_id, export, replace=True)["replaced"] == 1
    assert np.array_equal(ids_of(client, images["a.jpg"]), export.ids["a.jpg"])
    assert client.get(address).headers["etag"] == '"3"'


def test_a_withdrawn_annotation_makes_room(client: Client) -> None:
    """A photo whose annotation was withdrawn takes an imported one."""
    export = kinds.voc_own_labels()
    pool_id, images = pool_of(client, export)
    annotate(
        client, images["a.jpg"]["id"], label_map_kinds.file(np.zeros((kinds.HEIGHT, kinds.WIDTH), np.uint8))
    )
    client.delete(f"/images/{images['a.jpg']['id']}/annotation", headers={"If-Match": '"1"'})
    assert imported(client, pool_id, export)["taken"] == 2
    assert client.get(f"/images/{images['a.jpg']['id']}/annotation").headers["etag"] == '"3"'


def test_what_cannot_be_taken_is_named(client: Client) -> None:
    """Each label map that is refused says why, and the others are taken; the whole report can be fetched."""
    export = kinds.cvat_not_drawn()
    [content] = [content for path, content in export.files.items() if path.endswith(".png")]
    pool_id = new_pool(client, export.table)
    for k, name in enumerate(
        ("a.jpg", "twice.jpg", "day1/open.jpg", "day2/open.jpg", "cut.jpg", "odd.jpg", "empty.jpg")
    ):
        put_photo(client, pool_id, name, photo(k, size=SIZE))
    put_photo(client, pool_id, "small.jpg", photo(9, size=(8, 8)))
    odd = np.array(kinds.COLORS, np.uint8)[export.ids["a.jpg"]]
    odd[3, 7] = (1, 2, 3)
    folder = "SegmentationClass"
    files = {
        **{f"{folder}/{name}.png": content for name in ("a", "nobody", "twice", "x/twice", "open", "small")},
        f"{folder}/cut.png": content[:-30],
        f"{folder}/odd.png": kinds.png(odd),
        f"{folder}/empty.png": kinds.png(np.zeros((*export.ids["a.jpg"].shape, 3), np.uint8)),
        "labelmap.txt": export.files["labelmap.txt"],
        "__MACOSX/._labelmap.txt": b"junk",
    }
    whole = kinds.Export("cvat", files, {})
    result = imported(client, pool_id, whole, mapping='{"background": null}')
    lines = {line["file"].removeprefix(f"{folder}/").removesuffix(".png"): line for line in result["files"]}
    types = {name: line["type"] for name, line in lines.items()}
    assert types == {
        **{"a": None, "nobody": "no-image", "twice": None, "x/twice": "image-taken"},
        **{"open": "ambiguous", "small": "label-map-size", "cut": "label-map-unreadable"},
        **{"odd": "label-map-unreadable", "empty": "label-map-unreadable"},
    }
    for name, words in {
        **{"nobody": ["nobody"], "open": ["day1/open.jpg", "day2/open.jpg"], "small": ["30×20", "8×8"]},
        **{"odd": ["(7, 3)", "(1, 2, 3)", "0.2"], "empty": ["unlabelled"], "x/twice": ["twice.jpg"]},
    }.items():
        assert [word for word in words if word not in lines[name]["reason"]] == []
    newest = client.get("/jobs", params={"pool": pool_id, "kind": "import"}).json()["items"][0]
    report = client.get(f"/jobs/{newest['id']}/output")
    assert report.headers["content-type"] == "application/json"
    assert sorted(line["file"] for line in report.json()["files"]) == sorted(
        line["file"] for line in result["files"]
    )


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "json"])
def test_other_bodies(client: Client, kind: str) -> None:
    """An export may be a tar, a tar.gz, or one JSON file by itself."""
    export = kinds.label_studio_brush()
    pool_id, images = pool_of(client, export)
    [(name, content)] = export.files.items()
    if kind != "json":
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz" if kind == "tar.gz" else "w") as archive:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        content = stream.getvalue()
    answer = order(client, pool_id, content, export.format)
    assert work(client, answer.json()["id"])["result"]["taken"] == 1
    assert np.array_equal(ids_of(client, images["a.jpg"]), export.ids["a.jpg"])


@pytest.mark.parametrize(
    ("content", "params", "problem", "words"),
    [
        (b"PK\x05\x06 no zip", {}, "archive-unreadable", "cannot be read"),
        (b"[]", {"format": "cvat 1.0"}, "validation", "cvat"),
        (b"[]", {"mapping": "[1]"}, "invalid-import", "mapping"),
        (b"[]", {"mapping": '{"sea": "ocean"}'}, "invalid-import", "ocean"),
    ],
)
def test_wrong_orders_are_refused(
    client: Client, content: bytes, params: dict[str, str], problem: str, words: str
) -> None:
    """An order that cannot be carried out is refused at once, and leaves nothing behind."""
    pool_id = new_pool(client, kinds.LAKE)
    before = everything(client, pool_id)
    answer = order(client, pool_id, content, **{"format": "cvat", **params})
    assert slug(answer) == problem
    assert words in answer.json()["detail"]
    assert everything(client, pool_id) == before


def test_pools_without_classes_have_no_imports(client: Client) -> None:
    """In an rgb pool there is nothing that labels could mean."""
    assert slug(order(client, new_pool(client, "rgb"), b"[]", "cvat")) == "invalid-import"


@pytest.mark.parametrize(
    "files", [{"a.png": b""}, {"labelmap.txt": b"what?"}, {"labelmap.txt": b"a:1,2,3::"}]
)
def test_other_formats_fail_with_a_reason(client: Client, files: dict[str, bytes]) -> None:
    """An archive that is no export of the format fails its job, which says what is missing."""
    pool_id = new_pool(client, kinds.LAKE)
    job = work(client, order(client, pool_id, kinds.zipped(files), "cvat").json()["id"])
    assert (job["state"], job["error"]["type"]) == ("failed", "import-unreadable")
    assert "no export of cvat" in job["error"]["detail"]


def test_an_order_that_is_sent_twice_is_one_job(client: Client) -> None:
    """The same key and bytes give the same job; the bytes of the second are not kept."""
    export = kinds.coco_runs()
    pool_id, _ = pool_of(client, export)
    address, content = f"/pools/{pool_id}/imports", kinds.zipped(export.files)
    held = client.service.settings.data_dir / "blobs" / "held"
    jobs = [
        client.post(
            address, params={"format": "coco"}, content=content, headers={"Idempotency-Key": pool_id}
        ).json()["id"]
        for _ in range(2)
    ]
    assert jobs[0] == jobs[1]
    kept = {*held.iterdir()}
    work(client, jobs[0])
    assert len(kept) == len({*held.iterdir()}) + 1


def test_imports_end_assignments_and_keep_revisions(client: Client) -> None:
    """Imported annotations are like others: they end assignments, and revision 1 can be replaced."""
    export = kinds.coco_runs()
    pool_id, images = pool_of(client, export)
    imported(client, pool_id, export)
    address = f"/images/{images['a.jpg']['id']}/annotation"
    first = client.get(address)
    assert first.headers["etag"] == '"1"'
    assert slug(client.put(address, content=first.content, headers=ABSENT)) == "annotation-exists"
    assert client.put(address, content=first.content, headers={"If-Match": '"1"'}).status_code == 200


@pytest.mark.parametrize("name", kinds.ONE_OF_EACH)
def test_the_file_of_a_label_map_is_kept(client: Client, name: str) -> None:
    """`?original=1` is the PNG of the export that holds the label map alone; where there is none, it is what
    counts, as the annotation's digests say."""
    export = kinds.TAKEN[name]()
    pool_id, images = pool_of(client, export)
    imported(client, pool_id, export, mapping=json.dumps(export.mapping))
    has_files = export.format in ("png", "cvat", "voc", "cityscapes")
    for image in images.values():
        sent = client.get(f"/images/{image['id']}/annotation", params={"original": 1}).content
        counted = ids_of(client, image)
        if has_files:
            assert sent in export.files.values()
        else:
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(sent))), counted)
