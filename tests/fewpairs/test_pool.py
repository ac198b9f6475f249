"""`pool` as a command."""

import json
from pathlib import Path

from fewpairs import Client, Pool
from tests import drawings
from tests.fewpairs.conftest import Run


def test_pools_are_listed_and_shown(run: Run, pool: Pool) -> None:
    """`pool list` and `pool show` name the pool, its encoder and its classes."""
    assert pool.id in run("pool", "list").output
    shown = run("pool", "show", pool.name).output
    assert "efficientnet_lite0" in shown
    assert "disc" in shown


def test_pool_create_takes_a_class_table_or_rgb(run: Run, tmp_path: Path, client: Client) -> None:
    """A JSON class table makes a class pool, --rgb one without classes; a name is taken only once."""
    table = tmp_path / "classes.json"
    table.write_text(json.dumps(drawings.CLASS_TABLE))
    assert run("pool", "create", "created", "--classes", table).exit_code == 0
    assert run("pool", "create", "created rgb", "--rgb", "--default-strategy", "facility").exit_code == 0
    assert client.pool("created").document["class_table"] == drawings.CLASS_TABLE
    assert client.pool("created rgb").is_rgb
    assert client.pool("created rgb").document["default_strategy"] == "facility"
    for words in (["created", "--rgb"], ["neither"], ["x", "--classes", tmp_path / "none.json"]):
        refused = run("pool", "create", *words)
        assert refused.exit_code == 1
        assert refused.output.startswith("✗ ")
