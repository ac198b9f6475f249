"""Parts of files: photos, models and exports are sent from any byte, as RFC 9110 says."""

import pytest

from store import blobs
from tests.service.serving import Client
from tests.service.steps import add_model, annotate, new_pool, photo, put_photo, slug, succeed


@pytest.fixture(scope="module")
def files(client: Client) -> dict[str, str]:
    """The addresses of files, by what they are."""
    pool_id = new_pool(client)
    image = put_photo(client, pool_id, "a.jpg", photo(1))
    annotate(client, image["id"])
    model = client.get(f"/models/{add_model(client, pool_id)}").json()
    job = client.post(f"/pools/{pool_id}/exports", params={"format": "coco"}).json()
    blob = blobs.put(client.service.blobs, [bytes(range(256)) * 10])
    succeed(client, job["id"], {"file": {"sha256": blob.sha256, "size": blob.size}})
    return {
        "photo": f"/images/{image['id']}/content",
        "model": f"/models/{model['id']}/files/{model['files'][0]['name']}",
        "export": f"/jobs/{job['id']}/output",
    }


@pytest.mark.parametrize("what", ["photo", "model", "export"])
@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=2-5", slice(2, 6)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-4", slice(-4, None)),
        ("bytes=-999999999", slice(None)),
        ("bytes=3-999999999", slice(3, None)),
    ],
)
def test_one_range_is_sent(client: Client, files: dict[str, str], what: str, asked: str, part: slice) -> None:
    """The bytes are those of the whole file, and the headers say which they are."""
    whole = client.get(files[what])
    assert whole.headers["accept-ranges"] == "bytes"
    answer = client.get(files[what], headers={"Range": asked, "If-Range": whole.headers["etag"]})
    assert (answer.status_code, answer.content) == (206, whole.content[part])
    first, last, _ = part.indices(len(whole.content))
    assert answer.headers["content-range"] == f"bytes {first}-{last - 1}/{len(whole.content)}"
    assert answer.headers["content-length"] == str(last - first)


@pytest.mark.parametrize("what", ["photo", "model", "export"])
def test_a_range_outside_of_the_file_is_refused(client: Client, files: dict[str, str], what: str) -> None:
    """The refusal says how long the file is."""
    size = len(client.get(files[what]).content)
    for asked in (f"bytes={size}-", "bytes=9-3", "bytes=-0"):
        answer = client.get(files[what], headers={"Range": asked})
        assert (answer.status_code, slug(answer)) == (416, "range-not-satisfiable")
        assert answer.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-1,4-5"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=a-b"},
        {"Range": "bytes=1-2", "If-Range": '"another"'},
        {"Range": "bytes=1-2", "If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"},
    ],
)
def test_other_ranges_get_the_whole_file(
    client: Client, files: dict[str, str], headers: dict[str, str]
) -> None:
    """Several ranges, other units, and parts of a file that has changed since."""
    answer = client.get(files["photo"], headers=headers)
    assert (answer.status_code, answer.content) == (200, client.get(files["photo"]).content)
