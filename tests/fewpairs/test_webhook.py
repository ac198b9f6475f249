"""`fewpairs webhook …` on a running service, whose workers send to no address of this machine."""

import json
import uuid

from fewpairs import Pool
from tests.fewpairs.conftest import Run
from tests.receiver import receiver


def test_webhook_commands(run: Run, pool: Pool) -> None:
    """A webhook is made, pinged, listed with its deliveries and deleted; the ping says why it was refused."""
    with receiver() as server:
        made = json.loads(run("webhook", "create", server.url, "--on", "job.ended", "--json").output)
        assert made["types"] == ["job.ended"]
        assert made["secret"].startswith("whsec_")
        pinged = run("webhook", "ping", made["id"])
        assert server.received == []
    assert pinged.exit_code == 1
    assert "127.0.0.1, which is not on a public network" in " ".join(pinged.stderr.split())
    assert made["id"] in run("webhook", "list").output
    [sent] = json.loads(run("webhook", "deliveries", made["id"], "--json").output)
    assert (sent["state"], sent["error"]["type"]) == ("failed", "address-not-allowed")
    assert "ping" in run("webhook", "deliveries", made["id"]).output
    assert run("webhook", "delete", made["id"]).exit_code == 0
    assert list(pool.webhooks) == []
    assert run("webhook", "ping", uuid.uuid4()).exit_code == 1
