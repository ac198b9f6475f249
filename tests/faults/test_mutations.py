"""Files that are changed at random, a bounded number of them; `tests.faults.mutations` sends thousands."""

from collections import Counter

from tests.faults.mutated_files import SHARES, files
from tests.faults.mutations import Sender
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
