"""How much one principal may add."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from service import quotas as limits
from store import principals, quotas
from store.settings import Settings
from store.tables import Annotation
from tests.access import key_of
from tests.conftest import NO_BROKER
from tests.file_kinds import zipped
from tests.service.serving import Client, serve
from tests.service.steps import (
    add_model,
    annotate,
    embedded_pool,
    label_map,
    new_pool,
    photo,
    put_photo,
    slug,
    succeed,
)

MOST_BYTES = 2000


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service on which everybody may add two photos, and some kB."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("small"),
        broker_url=NO_BROKER,
        answer_wait_s=0.01,
        max_photos=2,
        max_bytes=MOST_BYTES,
    )
    with serve(settings) as client:
        yield client


def test_photos_of_one_principal_are_limited(small: Client) -> None:
    """One by one and in archives. What is there may be annotated, and others have their own quota."""
    pool_id = new_pool(small)
    image = put_photo(small, pool_id, "0.jpg", photo(0))
    archive = zipped({f"{n}.jpg": photo(n) for n in (1, 2)})
    as_zip = {"Content-Type": "application/zip"}
    sent = small.post(f"/pools/{pool_id}/images", content=archive, headers=as_zip).json()
    assert [one["name"] for one in sent["accepted"]] == ["1.jpg"]
    assert [(one["name"], one["type"]) for one in sent["rejected"]] == [("2.jpg", "quota-reached")]
    refused = small.put(f"/pools/{pool_id}/images/3.jpg", content=photo(3))
    assert (refused.status_code, slug(refused)) == (507, "quota-reached")
    assert "FEWPAIRS_MAX_PHOTOS" in refused.json()["detail"]
    annotate(small, image["id"])
    other = key_of(small.service, "other")
    assert small.put(f"/pools/{pool_id}/images/4.jpg", content=photo(4), headers=other).status_code == 201


def test_bytes_of_one_principal_are_limited(small: Client) -> None:
    """Each revision of a label map counts, and what is refused is not kept."""
    image = put_photo(small, new_pool(small), "0.jpg", photo(0))
    address, drawn = f"/images/{image['id']}/annotation", label_map()
    revision = 0
    while True:
        headers = {"If-Match": f'"{revision}"'} if revision else {"If-None-Match": "*"}
        answer = small.put(address, content=drawn, headers=headers)
        if not answer.is_success:
            break
        revision += 1
    assert (answer.status_code, slug(answer)) == (507, "quota-reached")
    with small.service.database.read() as session:
        kept = session.scalars(select(Annotation)).all()
    sizes = [len(photo(0)), *(quotas.size_of(annotation) for annotation in kept)]
    assert sum(sizes[:-1]) < MOST_BYTES <= sum(sizes)


def test_translations_and_exports_count(small: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """So do a photo that was translated and what became of it; without room left, neither is ordered."""
    pool_id = new_pool(small)
    annotate(small, put_photo(small, pool_id, "0.jpg", photo(0))["id"])
    model_id = add_model(small, pool_id)
    with small.service.database.read() as session:
        admin = principals.account(session, "admin")
        assert admin
        before = quotas.added(session, admin.id).bytes
    translate, sent = f"/models/{model_id}/translate", photo(7)
    job = small.post(translate, content=sent).json()
    kept = {"sha256": "0" * 64, "size": 3 * 10**9}
    succeed(small, job["id"], {"label_map": kept, "rgb": kept})
    with small.service.database.read() as session:
        assert quotas.added(session, admin.id).bytes == before + len(sent) + 2 * 3 * 10**9
    monkeypatch.setattr(limits, "COUNTED_AGAIN_S", 0)
    for address, request in (
        (translate, {"content": sent}),
        (f"/pools/{pool_id}/exports", {"params": {"format": "png"}}),
    ):
        refused = small.post(address, **request)
        assert (refused.status_code, slug(refused)) == (507, "quota-reached")


def test_drafts_count_and_so_do_files_that_wait(small: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import and the photo of a search, as long as their jobs have not ended."""
    pool_id, (image, _) = embedded_pool(small, 2)
    monkeypatch.setattr(limits, "COUNTED_AGAIN_S", 0)

    def counted() -> int:
        with small.service.database.read() as session:
            admin = principals.account(session, "admin")
            assert admin
            return quotas.added(session, admin.id).bytes

    before = counted()
    kept = small.put(f"/images/{image['id']}/draft", content=label_map()).json()
    assert counted() == before + kept["size_bytes"]
    search = small.post(f"/pools/{pool_id}/search", content=photo(7)).json()
    assert counted() == before + kept["size_bytes"] + len(photo(7))
    small.post(f"/jobs/{search['id']}/cancel").raise_for_status()
    assert counted() == before + kept["size_bytes"]
    files = zipped({"0.png": label_map()})
    params = {"format": "png"}
    small.post(f"/pools/{pool_id}/imports", content=files, params=params).raise_for_status()
    assert counted() > before + kept["size_bytes"]
    for n in range(2, 20):
        refused = small.put(f"/images/{image['id']}/draft", content=label_map(n % 2))
        if not refused.is_success:
            break
        small.post(f"/pools/{pool_id}/imports", content=files, params=params)
    assert (refused.status_code, slug(refused)) == (507, "quota-reached")


def test_an_import_that_is_sent_again_counts_once(small: Client) -> None:
    """Sent many times with one key, it leaves room for what it would fill if each were counted."""
    pool_id = new_pool(small)
    files, params = zipped({"0.png": label_map()}), {"format": "png"}
    for _ in range(MOST_BYTES // len(files) + 2):
        once = {"Idempotency-Key": "one"}
        job = small.post(f"/pools/{pool_id}/imports", content=files, params=params, headers=once)
        assert job.status_code == 202
    assert len(small.get("/jobs").json()["items"]) == 1
