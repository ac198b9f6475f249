"""`fewpairs events` and `fewpairs audit`."""

import csv
import io

from fewpairs import Pool
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
