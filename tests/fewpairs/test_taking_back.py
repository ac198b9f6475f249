"""What was done can be taken back, by the command line and by the client."""

from pathlib import Path

import pytest

from fewpairs import FewpairsError, Pool
from tests.fewpairs.conftest import Run


def test_withdraw(run: Run, pool: Pool, photos: Path) -> None:
    """`withdraw` leaves the photo unlabelled and `events` says so; without a label map it is refused."""
    pool.upload(photos / "images")
    pool.annotate(photos / "labels")
    name = next(pool.images())["name"]
    answer = run("withdraw", name)
    assert answer.exit_code == 0, answer.output
    assert pool.refresh().counts["annotated"] == 7
    assert "annotation withdrawn" in run("events").output
    with pytest.raises(FewpairsError, match="no label map"):
        pool.withdraw(name)
    assert pool.annotate(photos / "labels").new == 1
