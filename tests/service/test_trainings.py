"""Ordering trainings."""

import uuid
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from models.catalog import METHODS, OPTIONS, build
from service.trainings.schemas import TrainingOptions
from store import jobs
from tests.access import key_of
from tests.service.serving import Client
from tests.service.steps import CLASSES, add_model, annotate, label_map, new_pool, photo, put_photo, slug


def spec_of(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    with client.service.database.read() as session:
        row = jobs.get(session, uuid.UUID(job["id"]))
        assert row
        return row.spec


def test_a_training_freezes_the_newest_revisions(client: Client) -> None:
    """The pairs are fixed when the training is ordered, so all attempts learn from the same pairs."""
    pool_id = new_pool(client)
    images = [put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(3)]
    test = put_photo(client, pool_id, "t.jpg", photo(9), split="test")
    for image in (*images[:2], test):
        annotate(client, image["id"])
    client.put(f"/images/{images[1]['id']}/annotation", content=label_map(0), headers={"If-Match": '"1"'})
    order = {"method": "hybrid", "recipe": "tiny", "options": {"total_steps": 7, "seed": 3}}
    job = client.post(f"/pools/{pool_id}/trainings", json=order)
    assert (job.status_code, job.headers["location"]) == (202, f"/jobs/{job.json()['id']}")
    pairs = [[images[0]["id"], 1], [images[1]["id"], 2]]
    rest = {"label_sources": None, "start_from": None, "missing_classes": []}
    assert spec_of(client, job.json()) == {**order, "pairs": pairs, **rest}
    annotate(client, images[2]["id"])
    assert spec_of(client, job.json())["pairs"] == pairs
    some = client.post(f"/pools/{pool_id}/trainings", json={"pairs": [images[2]["id"]]}).json()
    assert spec_of(client, some)["pairs"] == [[images[2]["id"], 1]]


def test_an_order_without_a_method_is_the_advised_training(client: Client) -> None:
    """The job gets the method and the recipe that the advice names at that moment, and its own options."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    advised = client.get(f"/pools/{pool_id}/advice").json()["training"]
    job = client.post(f"/pools/{pool_id}/trainings", json={"options": {"seed": 5}}).json()
    spec = spec_of(client, job)
    assert (spec["method"], spec["recipe"]) == (advised["method"], advised["recipe"])
    assert spec["options"] == {"seed": 5}


def test_a_downloaded_encoder_is_for_administrators(client: Client) -> None:
    """A curator may train from the named encoders, and from the one that an administrator gave the pool; an
    administrator from any."""
    own, other = "timm:resnet18.a1_in1k", "timm:resnet26.bt_in1k"
    made = client.post("/pools", json={"name": "of timm", "class_table": CLASSES, "encoder": own})
    pool = f"/pools/{made.json()['id']}"
    annotate(client, put_photo(client, made.json()["id"], "a.jpg")["id"])
    curator = key_of(client.service, "curator of timm", admin=False)
    assert client.put(f"{pool}/members/curator of timm", json={"role": "curator"}).is_success

    def ordered(encoder: str, **headers: str) -> httpx.Response:
        order = {"method": "probe", "options": {"encoder": encoder}}
        return client.post(f"{pool}/trainings", json=order, headers=headers)

    refused = ordered(other, **curator)
    assert (refused.status_code, slug(refused), refused.json()["needs"]) == (403, "forbidden", "admin")
    assert client.get("/jobs", params={"pool": made.json()["id"], "kind": "train"}).json()["items"] == []
    for encoder in (own, "resnet50"):
        assert ordered(encoder, **curator).status_code == 202
    assert ordered(other).status_code == 202


def test_what_an_order_names_stays(client: Client) -> None:
    """A named recipe is kept; a method of the paper has the paper's recipe if none is named."""
    pool_id = new_pool(client, "rgb")
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"], photo(5))
    orders = [{"recipe": "small"}, {"method": "tripathy"}, {"method": "tripathy", "recipe": "tiny"}]
    jobs = [client.post(f"/pools/{pool_id}/trainings", json=order).json() for order in orders]
    specs = [spec_of(client, job) for job in jobs]
    assert [(spec["method"], spec["recipe"]) for spec in specs] == [
        ("hybrid", "small"),
        ("tripathy", "paper"),
        ("tripathy", "tiny"),
    ]


def test_an_order_without_a_method_needs_a_pair(client: Client) -> None:
    """Nothing is advised before something is annotated; the refusal names what can be trained."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    refused = client.post(f"/pools/{pool_id}/trainings", json={})
    assert (refused.status_code, slug(refused)) == (409, "no-annotations")
    assert "cyclegan" in refused.json()["detail"]


def test_cyclegan_learns_from_label_maps_alone(client: Client) -> None:
    """Unpaired label maps, or those of annotated images, are enough for cyclegan."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    order = {"method": "cyclegan"}
    assert slug(client.post(f"/pools/{pool_id}/trainings", json=order)) == "no-unpaired-label-maps"
    client.put(f"/pools/{pool_id}/labels/a.png", content=label_map())
    assert client.post(f"/pools/{pool_id}/trainings", json=order).status_code == 202


def test_a_repeated_order_is_one_job(client: Client) -> None:
    """The same key and body give the same job; another body, pool or kind with that key is refused."""
    pool_id, other = new_pool(client), new_pool(client)
    for pool in (pool_id, other):
        annotate(client, put_photo(client, pool, "a.jpg")["id"])
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = client.post(f"/pools/{pool_id}/trainings", json={}, headers=key)
    again = client.post(f"/pools/{pool_id}/trainings", json={"options": {}}, headers=key)
    assert again.json() == first.json()
    changed = client.post(f"/pools/{pool_id}/trainings", json={"method": "pix2pix"}, headers=key)
    assert (changed.status_code, slug(changed)) == (422, "idempotency-key-reused")
    elsewhere = client.post(f"/pools/{other}/trainings", json={}, headers=key)
    assert slug(elsewhere) == "idempotency-key-reused"
    fresh = client.post(f"/pools/{pool_id}/trainings", json={})
    assert fresh.json()["id"] != first.json()["id"]
    assert len(client.get("/jobs", params={"pool": pool_id, "kind": "train"}).json()["items"]) == 2


@pytest.mark.parametrize(
    ("recipe", "options", "is_possible"),
    [
        ("tiny", {"image_size": 128}, True),
        ("tiny", {"load_size": 64}, True),
        ("tiny", {"load_size": 60}, False),
        ("paper", {"load_size": 144}, False),
        ("paper", {"image_size": 128, "load_size": 144}, True),
        ("paper", {"image_size": 128, "load_size": 120}, False),
        ("paper", {"image_size": 4096}, False),
        ("paper", {"image_size": 4096, "load_size": 4096}, True),
        ("tiny", {"log_every": 20}, False),
        ("tiny", {"log_every": 20, "checkpoint_every": 40}, True),
        ("small", {"checkpoint_every": 75}, False),
    ],
)
def test_options_have_to_agree_with_the_recipe(
    client: Client, recipe: str, options: dict[str, int], is_possible: bool
) -> None:
    """An order that would fail as a training is refused; the recipe can build every accepted order."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    order = {"method": "hybrid", "recipe": recipe, "options": options}
    answer = client.post(f"/pools/{pool_id}/trainings", json=order)
    if is_possible:
        assert answer.status_code == 202, answer.text
        build(recipe, "hybrid", **options)
    else:
        assert (answer.status_code, slug(answer)) == (422, "invalid-training")
        with pytest.raises(ValueError, match=r"load_size|checkpoint_every"):
            build(recipe, "hybrid", **options)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("pix2pix", {"lambda_cycle": 0.0}),
        ("cyclegan", {"seed": 1, "lambda_l1": 150.0}),
        ("fcn8s", {"blocks": 9}),
        ("pix2pix", {"joint": True}),
        ("hybrid", {"conditional": True}),
    ],
)
def test_an_option_that_the_method_does_not_use_is_refused(
    client: Client, method: str, options: dict[str, Any]
) -> None:
    """The refusal has the same sentence as the error of the training would have."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    order = {"method": method, "options": options}
    refused = client.post(f"/pools/{pool_id}/trainings", json=order)
    assert (refused.status_code, slug(refused)) == (422, "invalid-training")
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        build("paper", method, **options)
    assert refused.json()["detail"] == f"{caught.value}."


def test_label_maps_can_be_taken_from_some_sources(client: Client) -> None:
    """The order keeps the sources; an unknown source is refused with a list of the pool's sources."""
    pool_id = new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    for source in ("near", "far"):
        client.put(f"/pools/{pool_id}/labels/0.png?source={source}", content=label_map())
    address = f"/pools/{pool_id}/trainings"
    for sources in (["near"], ["annotations"], ["far", "annotations"]):
        job = client.post(address, json={"method": "hybrid", "label_sources": sources})
        assert job.status_code == 202, job.text
        assert spec_of(client, job.json())["label_sources"] == sources
    refused = client.post(address, json={"method": "hybrid", "label_sources": ["near", "gta"]})
    assert (refused.status_code, slug(refused)) == (422, "invalid-training")
    assert "its sources are far, near, annotations" in refused.json()["detail"]
    assert refused.json()["label_sources"] == ["far", "near", "annotations"]
    needless = client.post(address, json={"method": "pix2pix", "label_sources": ["near"]})
    assert slug(needless) == "invalid-training"


def test_missing_annotations_are_not_a_source(client: Client) -> None:
    """cyclegan without pairs cannot learn from the label maps of pairs."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    client.put(f"/pools/{pool_id}/labels/a.png", content=label_map())
    order = {"method": "cyclegan", "label_sources": ["annotations"]}
    assert slug(client.post(f"/pools/{pool_id}/trainings", json=order)) == "no-unpaired-label-maps"


def test_fcn8s_needs_classes(client: Client) -> None:
    """In a pool without classes the order is refused, and the refusal names other methods."""
    pool_id = new_pool(client, "rgb")
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"], photo(5))
    refused = client.post(f"/pools/{pool_id}/trainings", json={"method": "fcn8s"})
    assert (refused.status_code, slug(refused)) == (422, "invalid-training")
    assert "hybrid" in refused.json()["detail"]


@pytest.mark.parametrize("method", [name for name, facts in METHODS.items() if facts.needs_pairs])
def test_methods_that_learn_from_pairs_need_one(client: Client, method: str) -> None:
    """Without an annotated train image the order is refused."""
    pool_id = new_pool(client)
    put_photo(client, pool_id, "a.jpg")
    client.put(f"/pools/{pool_id}/labels/a.png", content=label_map())
    refused = client.post(f"/pools/{pool_id}/trainings", json={"method": method})
    assert (refused.status_code, slug(refused)) == (409, "no-annotations")


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_takes_what_the_catalog_says(name: str) -> None:
    """The API accepts the ends of an option's range, or its choices, and refuses what lies beyond."""
    limits = OPTIONS[name].metadata
    if "choices" in limits:
        good, bad = list(limits["choices"]), ["other"]
    elif "low" in limits:
        good, bad = [limits["low"], limits["high"]], [limits["low"] - 1, limits["high"] + 1, "many"]
    elif "pattern" in limits:
        good, bad = [OPTIONS[name].default, "timm:resnet18.a1_in1k"], ["", "no such", "timm:", 5]
    else:
        good, bad = [True, False], ["perhaps"]
    for value in good:
        assert getattr(TrainingOptions.model_validate({name: value}), name) == value
    for value in bad:
        with pytest.raises(ValidationError):
            TrainingOptions.model_validate({name: value})


def test_the_order_says_which_classes_its_pairs_lack(client: Client) -> None:
    """A class without a pixel in the annotations of the order's pairs is named in the answer; other jobs
    have no such list."""
    pool_id = new_pool(client)
    road, both = (put_photo(client, pool_id, f"{n}.jpg", photo(n)) for n in range(2))
    annotate(client, road["id"], label_map(0))
    annotate(client, both["id"], label_map(1))
    address = f"/pools/{pool_id}/trainings"
    everything = client.post(address, json={"method": "pix2pix"}).json()
    assert everything["missing_classes"] == []
    partly = client.post(address, json={"method": "pix2pix", "pairs": [road["id"]]}).json()
    assert partly["missing_classes"] == ["car"]
    assert client.get(f"/jobs/{partly['id']}").json()["missing_classes"] == ["car"]
    [embedding, *_] = client.get("/jobs", params={"pool": pool_id, "kind": "embed"}).json()["items"]
    assert embedding["missing_classes"] is None


def test_a_training_starts_only_from_a_model_with_the_same_networks(client: Client) -> None:
    """It must be of this pool, trained, of the same method, and with the same options that shape networks."""
    pool_id, other = new_pool(client), new_pool(client)
    annotate(client, put_photo(client, pool_id, "a.jpg")["id"])
    annotate(client, put_photo(client, other, "a.jpg")["id"])
    spec = build("tiny", "pix2pix").to_json()
    model_id, stranger = (add_model(client, id, "pix2pix", spec=spec) for id in (pool_id, other))
    imported = client.post(f"/pools/{pool_id}/models", content=b"onnx").json()["id"]

    def order(start_from: str, method: str = "pix2pix", **options: Any) -> Any:
        body = {"method": method, "recipe": "tiny", "start_from": start_from, "options": options}
        return client.post(f"/pools/{pool_id}/trainings", json=body)

    assert order(model_id).status_code == 202
    for refused in (order(imported), order(model_id, "hybrid"), order(model_id, channels=8)):
        assert slug(refused) == "invalid-training"
    for unknown in (stranger, str(uuid.uuid4())):
        assert slug(order(unknown)) == "not-found"
