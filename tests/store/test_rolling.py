"""Two versions of the program on one database, before and after a migration."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import migrations
from store.database import Database, SchemaMismatch
from store.tables import SCHEMA
from tests.access import WITH_KEY
from tests.pages import ROOT
from tests.processes import answers, free_port, processes, until

NEXT = f'''
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{SCHEMA}"
branch_labels = None
depends_on = None
floor = FLOOR


def upgrade() -> None:
    op.add_column("pools", sa.Column("owner", sa.String(length=20), server_default="nobody", nullable=False))
'''
ROOMS = ("service", "store", "migrations", "models", "formats", "folders", "processes")


def newer_program(folder: Path, floor: str | None) -> Path:
    """A copy of the program whose newest migration adds a column of pools that it reads and writes."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    line = "" if floor is None else f'floor = "{floor}"'
    migration = NEXT.replace("floor = FLOOR", line)
    (folder / "migrations" / "versions" / "v9999_owner.py").write_text(migration)
    change(folder / "store/tables/installation.py", f'SCHEMA = "{SCHEMA}"', 'SCHEMA = "9999"')
    column = (
        '    owner: Mapped[str] = mapped_column(String(20), default="somebody", server_default="nobody")\n'
    )
    mark = "    default_strategy: Mapped"
    change(folder / "store/tables/pools.py", mark, column + mark)
    return folder


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def migrate(program: Path, url: str) -> None:
    environment = {"PYTHONPATH": str(program), "FEWPAIRS_DATABASE_URL": url, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "migrations"]
    subprocess.run(command, cwd=program, env=environment, check=True, capture_output=True)


def test_old_and_new_services_work_side_by_side(tmp_path: Path, postgres_url: str) -> None:
    """While the old one runs, a migration that only adds is applied; then each sees what the other does."""
    migrations.upgrade(postgres_url)
    newer, ports = newer_program(tmp_path / "newer", SCHEMA), [free_port(), free_port()]
    programs = [
        ([sys.executable, "-m", "service"], {"PYTHONPATH": str(path), "FEWPAIRS_PORT": str(port)})
        for path, port in zip((ROOT, newer), ports, strict=True)
    ]
    shared = {
        "FEWPAIRS_DATABASE_URL": postgres_url,
        "FEWPAIRS_DATA_DIR": str(tmp_path / "data"),
        "FEWPAIRS_BROKER_URL": "memory://",
    }
    old, new = (f"http://127.0.0.1:{port}" for port in ports)
    start_old, start_new = ((command, shared | more) for command, more in programs)
    with processes([start_old], tmp_path / "logs-old"):
        until(lambda: answers(f"{old}/readyz"), "the old service")
        migrate(newer, postgres_url)
        with processes([start_new], tmp_path / "logs-new"):
            until(lambda: answers(f"{new}/readyz"), "the new service")
            for name, address in {"by old": old, "by new": new}.items():
                made = httpx.post(
                    f"{address}/pools", json={"name": name, "class_table": "rgb"}, headers=WITH_KEY
                )
                assert made.status_code == 201, made.text
            for address in (old, new):
                found = httpx.get(f"{address}/pools", headers=WITH_KEY).json()["items"]
                assert {pool["name"] for pool in found} == {"by old", "by new"}
            assert answers(f"{old}/readyz")


@pytest.mark.parametrize(
    ("database_url", "floor"), [("sqlite", None), ("postgresql", "9999")], indirect=["database_url"]
)
def test_a_migration_that_does_more_than_add_ends_older_programs(
    tmp_path: Path, database_url: str, floor: str | None
) -> None:
    """An older program refuses a database whose floor is above its schema; a migration that names no floor
    counts as one that does more than add.
    """
    database = Database(database_url)
    database.require_schema()
    migrate(newer_program(tmp_path / "newer", floor), database_url)
    with pytest.raises(SchemaMismatch, match=r"schema 9999, which this version .* cannot use"):
        database.require_schema()
    database.close()
