"""Files that are changed at random, a bounded number of them; `tests.faults.mutations` sends thousands."""

from collections import Counter

from tests.faults.mutated_files import SHARES, files
from tests.faults.mutations import Sender, is_within_limits
from tests.service.serving import Client

SEED, COUNT = 1, 250


def test_no_changed_file_is_answered_by_a_failure(client: Client) -> None:
    """Whatever is changed in a photo, a label map, an archive, an export, a network or a class table: it is
    taken, or refused with a reason.
    """
    sender = Sender(client, with_worker=False)
    kinds: Counter[str] = Counter()
    for number, file in enumerate(files(SEED, COUNT)):
        status, fault = sender.send(file)
        assert not fault, f"file {number}, {file.kind}: {fault}"
        assert status < 500
        kinds[file.kind] += 1
    assert kinds.keys() == SHARES.keys()


def test_the_same_seed_gives_the_same_files() -> None:
    """So a file that is found once can be looked at again."""
    assert [file.content for file in files(5, 40)] == [file.content for file in files(5, 40)]
    assert [file.content for file in files(5, 40)] != [file.content for file in files(6, 40)]


def test_a_slow_file_exceeds_the_limits_of_its_kind() -> None:
    """An answer has 30 seconds, a job with its wait ten minutes; one fault or too much memory is too much."""
    good = {"faults": [], "ended": [], "growth_mb": 300}

    def took(kind: str, seconds: float, **more: object) -> bool:
        return is_within_limits({**good, "rows": [{"kind": kind, "longest_s": seconds}], **more})

    assert [took("photo", 29), took("photo", 31)] == [True, False]
    assert [took("network", 400), took("export", 599), took("network", 601)] == [True, True, False]
    assert [took("photo", 1, faults=["500"]), took("photo", 1, growth_mb=2000)] == [False, False]
