"""`python -m migrations.check`: fail when the tables differ from what the migrations make."""

import tempfile
from pathlib import Path

from alembic import command

from migrations import config, upgrade


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'check.db'}"
        upgrade(url)
        command.check(config(url))


if __name__ == "__main__":
    main()
