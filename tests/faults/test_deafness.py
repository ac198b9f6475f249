"""A worker hears the bell even after its broker was killed."""

import shutil
from pathlib import Path

from tests.faults.cluster import Cluster
from tests.faults.ledger import Ledger, ledger_database
from tests.processes import until

ROUNDS = 6


def test_a_worker_outlives_its_brokers(tmp_path: Path, exported_encoder: Path) -> None:
    """A worker does all jobs of each round, although the broker is killed while it works.

    With acknowledged messages it stopped hearing in about every second round, because a failed
    acknowledgement held the only prefetch slot.
    """
    shutil.copytree(exported_encoder, tmp_path / "data" / "cache" / "encoders")
    with Cluster(tmp_path, "", workers=1, embed_chunk=1) as cluster:
        database = ledger_database(tmp_path, "")
        ledger = Ledger(cluster.address, database)
        for round in range(ROUNDS):
            done = len(ledger.images)
            ledger.upload(6)
            until(lambda done=done: ledger.succeeded("embed") > done, "the first job of the round")
            cluster.kill("broker and all it holds")
            until(ledger.all_ended, f"the end of round {round}")
            assert ledger.succeeded("embed") == len(ledger.images)
        assert cluster.ended() == []
        ledger.close()
        database.close()
