"""`fewpairs events`, `fewpairs audit` and `fewpairs doctor --remote`."""

import csv
import io

from fewpairs import Client, Pool
from tests.fewpairs.conftest import Run


def test_audit_says_who_did_what(run: Run, pool: Pool) -> None:
    """Both commands show the act; the export has it with the client's address."""
    assert run("pool", "rename", pool.name, f"{pool.name} again").exit_code == 0
    pool.refresh()
    for command in ("events", "audit"):
        shown = run(command, "--pool", pool.name, "--action", "renamed").output
        assert "pool renamed" in shown, shown
    exported = run("audit", "--pool", pool.name, "--format", "csv").output
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [(row["action"], row["address"]) for row in rows] == [
        ("renamed", "127.0.0.1"),
        ("created", "127.0.0.1"),
    ]
    assert run("audit", "--format", "xml").exit_code == 2


def test_a_worker_of_the_service_examines_it(run: Run, client: Client) -> None:
    """The command waits for the report, and exits with 0 if all is well."""
    examined = run("doctor", "--remote", "--quick")
    assert examined.exit_code == 0, examined.output
    assert "0 faults" in examined.output
    assert client.examined()["quick"]
