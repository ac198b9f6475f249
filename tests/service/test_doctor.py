"""`/doctor`: an administrator has the server examined."""

from collections.abc import Iterator

import pytest

from store.settings import Settings
from tests.conftest import NO_BROKER
from tests.service.serving import Client, serve
from tests.service.steps import new_pool, put_photo, slug
from tests.service.working import work


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service without anything in it."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("examined"), broker_url=NO_BROKER)
    with serve(settings) as client:
        yield client


def test_a_report_names_what_is_damaged(own: Client) -> None:
    """The newest report is that of the last job that ended well; the job is of no pool, and stays."""
    assert (own.get("/doctor").status_code, slug(own.get("/doctor"))) == (404, "not-found")
    image = put_photo(own, new_pool(own), "a.jpg")
    whole = work(own, own.post("/doctor", json={}).json()["id"])
    assert (whole["state"], whole["pool_id"]) == ("succeeded", None)
    assert own.get("/doctor").json()["is_well"]
    own.service.blobs.remove(image["sha256"])
    job = work(own, own.post("/doctor", json={"quick": True}).json()["id"])
    report = own.get("/doctor").json()
    assert (report["job_id"], report["quick"], report["is_well"]) == (job["id"], True, False)
    [fault] = report["faults"]
    assert "a.jpg" in fault["what"]
    assert [job["kind"] for job in own.get("/jobs", params={"kind": "doctor"}).json()["items"]] == [
        "doctor"
    ] * 2
    for method, address in (("DELETE", f"/jobs/{job['id']}"), ("POST", f"/jobs/{job['id']}/undelete")):
        answer = own.request(method, address)
        assert (answer.status_code, slug(answer)) == (409, "not-deletable")
