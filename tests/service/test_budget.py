"""What one request may make the service do, and what is kept when it asks for more."""

import io
import zipfile
from pathlib import Path

import pytest

from service.decoding.budget import SECONDS, Budget
from service.decoding.deadline import PIXELS_A_SECOND
from service.http.problems import UploadTooLarge
from store.settings import Settings
from tests.faults.bad_files import zipped
from tests.service.serving import Client, serve
from tests.service.steps import new_pool, photo


def test_files_pixels_and_seconds_are_counted(tmp_path: Path) -> None:
    """A request may have so many files, so many pixels, and so many seconds as its photos' pixels need."""
    settings = Settings(data_dir=tmp_path, max_archive_entries=3, max_archive_pixels=1000)
    of_files, of_pixels, of_seconds, of_photos = (Budget(settings) for _ in range(4))
    for _ in range(3):
        of_files.next_file()
    of_pixels.accepted(1001)
    of_seconds.spend(SECONDS + 1)
    for budget in (of_files, of_pixels, of_seconds):
        with pytest.raises(UploadTooLarge):
            budget.next_file()
    of_photos.accepted(1000)
    of_photos.spend(SECONDS + 999 / PIXELS_A_SECOND)
    of_photos.next_file()


@pytest.mark.parametrize("kind", ["zip", "form"])
def test_what_a_request_has_left_over_is_reported(tmp_path: Path, kind: str) -> None:
    """Photos before the limit are kept and listed; the first one beyond it is listed with what to do."""
    settings = Settings(data_dir=tmp_path, broker_url="memory://", max_archive_pixels=1500)
    files = {f"{number}.jpg": photo(number) for number in range(5)}
    with serve(settings) as client:
        address = f"/pools/{new_pool(client)}/images"
        if kind == "zip":
            headers = {"Content-Type": "application/zip"}
            answer = client.post(address, content=zipped(files), headers=headers).json()
        else:
            answer = client.post(address, files=[("files", file) for file in files.items()]).json()
    assert [image["name"] for image in answer["accepted"]] == ["0.jpg", "1.jpg"]
    [refused] = answer["rejected"]
    assert (refused["name"], refused["type"]) == ("2.jpg", "upload-too-large")
    assert "another request" in refused["reason"]


def test_a_form_of_empty_files_starts_no_decoding(client: Client) -> None:
    """Each is refused by its size alone, as quickly as it can be named."""
    pool_id = new_pool(client)
    processes = set(client.service.decoders._processes)
    files = [("files", (f"{number}.jpg", b"")) for number in range(500)]
    answer = client.post(f"/pools/{pool_id}/images", files=files).json()
    assert {(entry["type"], entry["reason"][:17]) for entry in answer["rejected"]} == {
        ("not-an-image", "The file is empty")
    }
    assert len(answer["rejected"]) == 500
    assert client.service.decoders._processes == processes


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_photos_around_a_damaged_file_of_an_archive_are_kept(client: Client, method: int) -> None:
    """Whatever the compression: the damaged file is listed, the photos before and after it are added."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name in ("first.jpg", "bad.jpg", "last.jpg"):
            archive.writestr(name, photo(size=(200, 200)))
        start, end = archive.getinfo("bad.jpg").header_offset, archive.getinfo("last.jpg").header_offset
    damaged = bytearray(content.getvalue())
    damaged[start + 60 : end] = bytes(end - start - 60)
    answer = client.post(
        f"/pools/{new_pool(client)}/images",
        content=bytes(damaged),
        headers={"Content-Type": "application/zip"},
    ).json()
    assert [image["name"] for image in answer["accepted"]] == ["first.jpg", "last.jpg"]
    assert [(entry["name"], entry["type"]) for entry in answer["rejected"]] == [
        ("bad.jpg", "archive-unreadable")
    ]


def test_memory_that_a_file_of_an_archive_asks_for_is_bounded(client: Client) -> None:
    """An LZMA member that wants a dictionary of 4 GiB is refused; the photos before it are added."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("first.jpg", photo())
        archive.writestr("greedy.jpg", photo())
    stated = content.getvalue().rindex(b"\x09\x04\x05\x00", 0, content.getvalue().index(b"PK\x01\x02"))
    greedy = bytearray(content.getvalue())
    greedy[stated + 5 : stated + 9] = (2**32 - 1).to_bytes(4, "little")
    answer = client.post(
        f"/pools/{new_pool(client)}/images",
        content=bytes(greedy),
        headers={"Content-Type": "application/zip"},
    ).json()
    assert [image["name"] for image in answer["accepted"]] == ["first.jpg"]
    assert [entry["name"] for entry in answer["rejected"]] == ["greedy.jpg"]
