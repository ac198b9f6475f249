"""A refusal at a limit of the server says what to do, and advises to raise the limit only if possible."""

from pathlib import Path
from typing import Any

import pytest

from models.images.seen import MAX_PIXELS
from store.settings import Settings
from tests.service.serving import Client, serve
from tests.service.steps import (
    ABSENT,
    GREY,
    annotate,
    embed,
    label_map,
    new_pool,
    photo,
    png,
    put_photo,
    slug,
)


def refusal(response: Any) -> str:
    assert (response.status_code, slug(response)) in {(413, "file-too-large"), (422, "too-many-pixels")}
    detail: str = response.json()["detail"]
    return detail


def limited(folder: Path, **limits: int) -> Settings:
    return Settings(data_dir=folder, broker_url="redis://127.0.0.1:1/0", **limits)


def send(client: Client, what: str, pool_id: str, image_id: str) -> Any:
    """Send a body larger than 2,000 bytes."""
    large = photo(size=(900, 900))
    if what == "photo":
        return client.put(f"/pools/{pool_id}/images/a.jpg", content=large)
    if what == "photo among files":
        return client.post(f"/pools/{pool_id}/images", files=[("files", ("a.jpg", large))])
    if what == "label map":
        return client.put(f"/pools/{pool_id}/labels/a.png", content=large)
    if what == "annotation":
        return client.put(f"/images/{image_id}/annotation", content=large, headers=ABSENT)
    return client.post(f"/pools/{pool_id}/search", content=large)


@pytest.mark.parametrize("what", ["photo", "photo among files", "label map", "annotation", "search"])
def test_a_file_that_is_too_large_is_told_how_far_the_limit_can_be_raised(tmp_path: Path, what: str) -> None:
    """Every address that takes a photo or a label map names the variable and its current value."""
    with serve(limited(tmp_path, max_image_bytes=2_000)) as client:
        pool_id = new_pool(client)
        image = put_photo(client, pool_id, "small.jpg")
        embed(client, pool_id)
        response = send(client, what, pool_id, image["id"])
        detail = response.json()["rejected"][0]["reason"] if response.is_success else refusal(response)
    assert "at most 2,000 bytes" in detail
    assert detail.endswith("or raise FEWPAIRS_MAX_IMAGE_BYTES on the server (now 2,000).")


def test_an_archive_that_is_too_large_is_told_how_far_the_limit_can_be_raised(tmp_path: Path) -> None:
    """The same holds for a whole upload."""
    with serve(limited(tmp_path, max_archive_bytes=2_000)) as client:
        address, zip_type = f"/pools/{new_pool(client)}/images", {"Content-Type": "application/zip"}
        detail = refusal(client.post(address, content=bytes(3_000), headers=zip_type))
    assert detail.endswith("or raise FEWPAIRS_MAX_ARCHIVE_BYTES on the server (now 2,000).")


def test_a_model_that_is_too_large_is_told_how_far_the_limit_can_be_raised(tmp_path: Path) -> None:
    """The same holds for an imported model."""
    with serve(limited(tmp_path, max_model_bytes=2_000)) as client:
        detail = refusal(client.post(f"/pools/{new_pool(client)}/models", content=bytes(3_000)))
    assert detail.endswith("or raise FEWPAIRS_MAX_MODEL_BYTES on the server (now 2,000).")


def test_too_many_pixels_are_told_how_far_the_limit_can_be_raised(tmp_path: Path) -> None:
    """For a limit that has a maximum, the refusal names the maximum too, for photos and for label maps."""
    with serve(limited(tmp_path, max_image_pixels=500)) as client:
        pool_id = new_pool(client)
        for address, content in (("images/a.jpg", photo()), ("labels/a.png", label_map())):
            detail = refusal(client.put(f"/pools/{pool_id}/{address}", content=content))
            assert detail.endswith(
                "or raise FEWPAIRS_MAX_IMAGE_PIXELS on the server (now 500, at most 250,000,000)."
            )


def test_a_limit_at_its_maximum_is_not_advised_to_be_raised(tmp_path: Path) -> None:
    """The refusal does not advise a value with which the server would not start. The maximum is also that of
    trainings and embeddings.
    """
    grey = png(16_000, 16_000, 8, GREY, b"")
    with serve(limited(tmp_path, max_image_pixels=MAX_PIXELS)) as client:
        detail = refusal(client.put(f"/pools/{new_pool(client)}/labels/a.png", content=grey))
    assert detail == "The image has more than 250,000,000 pixels: scale it down."


def test_a_principal_has_room_for_so_many_jobs(tmp_path: Path) -> None:
    """Beyond the limit, orders and questions are refused until a job has ended; what was ordered before is
    still found."""
    with serve(limited(tmp_path, max_jobs=3, max_trainings=1, answer_wait_s=0)) as client:
        pool_id = new_pool(client)
        annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
        embed(client, pool_id)
        training = client.post(f"/pools/{pool_id}/trainings", json={}).json()
        refused = client.post(f"/pools/{pool_id}/trainings", json={})
        assert (refused.status_code, slug(refused)) == (429, "too-many-requests")
        assert int(refused.headers["retry-after"]) > 0
        assert "FEWPAIRS_MAX_TRAININGS" in refused.json()["detail"]
        for within, status in ((0.1, 202), (0.2, 202), (0.3, 429), (0.2, 202)):
            answer = client.get(f"/pools/{pool_id}/duplicates", params={"within": within})
            assert answer.status_code == status
        assert client.post(f"/pools/{pool_id}/exports", params={"format": "coco"}).status_code == 429
        client.post(f"/jobs/{training['id']}/cancel")
        assert client.post(f"/pools/{pool_id}/trainings", json={}).status_code == 202
