"""`assign`, `assignments`, the options of `select`, and `replay`, as commands and from Python."""

import json
import re
from pathlib import Path

import pytest

from fewpairs import Client, FewpairsError, Pool, Selection
from tests.fewpairs.conftest import Run


@pytest.fixture
def selection(pool: Pool, photos: Path) -> Selection:
    """Four picks of eight drawings."""
    pool.upload(photos / "images")
    return pool.select(4)


def test_annotators_take_photos_annotate_and_give_back(
    run: Run, as_user: Run, pool: Pool, selection: Selection, photos: Path, tmp_path: Path
) -> None:
    """`assign` prints and copies an annotator's photos, `assignments` lists who has which, and a photo that
    is given back by its name goes to the next annotator."""
    names = [pick.name for pick in selection]
    result = as_user("ana", "assign", "--count", 2, "--copy-to", tmp_path / "ana")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "ana").iterdir()) == sorted(names[:2])
    assert "2 more picks are free" in result.output
    ben = json.loads(as_user("ben", "assign", "--json").stdout)
    assert [item["name"] for item in ben["items"]] == names[2:3]
    listed = run("assignments").output
    assert all(name in listed for name in (*names[:3], "ana", "ben"))
    pool.annotate(photos / "labels" / names[0])
    assert run("assignments", "--give-back", names[1]).exit_code == 0
    states = json.loads(run("assignments", "--all", "--annotator", "ana", "--json").stdout)
    assert {item["name"]: item["state"] for item in states} == {names[0]: "annotated", names[1]: "returned"}
    ben = json.loads(as_user("ben", "assign", "--count", 2, "--json").stdout)
    assert [item["name"] for item in ben["items"]] == [names[2], names[1]]


def test_a_long_name_is_folded_and_times_are_not(run: Run, pool: Pool, photos: Path) -> None:
    """`assignments` shows the whole name, which --give-back takes, and each time in one line."""
    name = f"{'0001TP_007890' * 6}.png"
    (photos / "images" / "0000.png").rename(photos / name)
    pool.upload(photos / name)
    pool.select(1)
    pool.assign()
    rows = [line.split("│") for line in run("assignments", "--all").output.splitlines() if "│" in line]
    assert "".join(row[2].strip() for row in rows) == name
    assert all(re.fullmatch(r"\d\d-\d\d \d\d:\d\d", time.strip()) for time in rows[0][4:6])
    assert run("assignments", "--give-back", name).exit_code == 0


def test_the_picks_of_a_named_selection_are_assigned(run: Run, pool: Pool, selection: Selection) -> None:
    """`assign` takes the id that `select` prints, even if there is a newer selection."""
    assert selection.id in run("select", "--budget", 4).output
    assert pool.select(1).id != selection.id
    words = ["assign", "--selection", selection.id, "--count", 4, "--json"]
    held = json.loads(run(*words).stdout)
    assert [item["image_id"] for item in held["items"]] == selection.image_ids
    assert pool.assign(4, selection=selection.id).document["selection_id"] == selection.id


def test_what_cannot_be_assigned_is_a_sentence(as_user: Run, pool: Pool, selection: Selection) -> None:
    """No free pick, and giving back a photo that nobody has in hand: exit code 1 and a sentence."""
    pool.assign(4)
    for user, words in (("ben", ["assign"]), ("ana", ["assignments", "--give-back", "no.png"])):
        refused = as_user(user, *words)
        assert refused.exit_code == 1
        assert refused.output.startswith("✗ ")


def test_an_assignment_is_renewed_and_given_back(pool: Pool, selection: Selection) -> None:
    """From Python: renewing extends the lease, and others can get a photo that was given back."""
    [item] = pool.assign(lease_s=60, selection=selection)
    before = item.lease_expires_at
    assert item.renew(3600).lease_expires_at > before
    assert item.give_back().state == "returned"
    assert pool.assign().free == 3
    assert [one.annotator for one in pool.assignments(is_open=True)] == ["admin"]


def test_options_of_select_reach_the_service(run: Run, pool: Pool, selection: Selection) -> None:
    """Photos are included and excluded by name; too few photos without duplicates end in a sentence."""
    names = [pick.name for pick in selection]
    words = ["--include", names[3], "--exclude", names[0], "--name", "000*", "--test-distance", "off"]
    result = run("select", "--budget", 2, *words, "--duplicates-within", 100, "--json")
    assert result.exit_code == 1
    assert "or near-duplicates" in result.output
    document = json.loads(run("select", "--budget", 2, *words, "--json").stdout)
    assert document["picks"][0]["name"] == names[3]
    assert names[0] not in [pick["name"] for pick in document["picks"]]
    receipt = document["receipt"]
    assert (receipt["name"], receipt["test_distance"]) == ("000*", "off")
    unknown = run("select", "--budget", 1, "--exclude", "no.png")
    assert (unknown.exit_code, "no.png" in unknown.output) == (1, True)


def test_weighted_coverage_is_told_as_such(run: Run, pool: Pool, selection: Selection, photos: Path) -> None:
    """The table says that its coverage is weighted; `explain` gives every photo the same weight."""
    pool.annotate(photos / "labels" / selection.picks[0].name)
    words = ["select", "--budget", 2]
    assert "weighted" not in run(*words).output
    assert "Coverage so far and gain: weighted" in run(*words, "--balance").output


@pytest.mark.parametrize("text", ["near", "-1", "nan", "inf"])
def test_what_is_no_distance_is_a_sentence(run: Run, pool: Pool, text: str) -> None:
    """The sentence says what the option takes."""
    for option, takes in (
        ("--test-distance", "a distance, auto or off"),
        ("--duplicates-within", "a distance or auto"),
    ):
        refused = run("select", "--budget", 1, f"{option}={text}")
        assert (refused.exit_code, refused.output) == (1, f"✗ {option} takes {takes}, not {text}.\n")


def test_a_receipt_replays(run: Run, client: Client, selection: Selection, tmp_path: Path) -> None:
    """The document, or its receipt alone, gives the same picks; other picks are reported with exit code 1."""
    file = tmp_path / "made.json"
    for made in (selection.document, selection.receipt):
        file.write_text(json.dumps(made))
        same = run("replay", file)
        assert same.exit_code == 0, same.output
        assert "The same picks" in same.output
    changed = selection.receipt | {"picks_digest": "0" * 64, "algorithm_version": "kmedoids-0"}
    file.write_text(json.dumps(changed))
    other = run("replay", file)
    assert other.exit_code == 1
    assert "Not the same picks" in other.output
    assert "The algorithm was kmedoids-0 and is" in other.output
    document = selection.document | {"receipt": selection.receipt | {"picks_digest": "0" * 64}}
    document["picks"] = [*document["picks"][:2], *document["picks"][:2]]
    file.write_text(json.dumps(document))
    assert "The first pick that differs has rank 3." in run("replay", file).output
    assert client.replay(selection).same
    file.write_text("no JSON")
    assert run("replay", file).output.startswith("✗ ")


def test_what_a_replay_picked_is_not_explained(client: Client, selection: Selection) -> None:
    """A replay is not kept: the error says so, and how to get a selection that is kept."""
    again = client.replay(selection).selection
    assert again
    assert again.image_ids == selection.image_ids
    with pytest.raises(FewpairsError, match=r"not kept: it has no id.*Pool\.select"):
        again.explain()


def test_photos_like_test_photos_are_named(run: Run, pool: Pool, photos: Path, tmp_path: Path) -> None:
    """`select` says how many train photos it left out, and which test photo one of them is like."""
    pool.upload(photos / "images")
    leak = tmp_path / "leak.png"
    leak.write_bytes((photos / "images" / "0003.png").read_bytes())
    pool.upload(leak, split="test")
    result = run("select", "--budget", 2, "--test-distance", 0.001)
    assert result.exit_code == 0, result.output
    assert "1 left out because a test photo is within 0.001: 0003.png is like leak.png" in result.output
