"""The keys that this user has for services: where they are kept, and which one a service gets.

Each service has a file in the user's folder of settings, by its address. It holds the key of `fewpairs
login`, and the data folder of a `fewpairs up` at this address, in which a file has the token of the service
that runs.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from fewpairs.errors import FewpairsError

TOKEN = "token.json"
"""The file in a data folder that lets this machine's user in, while the service runs."""


def key_of(server: str) -> str | None:
    """The key for a service: FEWPAIRS_API_KEY, the token of a service of this machine, or that of a login."""
    if key := os.environ.get("FEWPAIRS_API_KEY"):
        return key
    known = _read(_file_of(server))
    for folder in filter(None, (known.get("data"), os.environ.get("FEWPAIRS_DATA_DIR", "data"))):
        running = _read(Path(folder) / TOKEN)
        if running and _place(running["server"]) == _place(server):
            return str(running["token"])
    return known.get("key")


def keep_key(server: str, key: str | None) -> None:
    """Keep the key of a login, or forget it. Raises FewpairsError."""
    try:
        _keep(server, key=key)
    except OSError as error:
        raise FewpairsError(
            f"The key cannot be kept in {_file_of(server).parent} ({error.strerror}): set FEWPAIRS_API_KEY "
            "to a key of `fewpairs key create`."
        ) from error


def write_token(data: Path, server: str, token: str) -> None:
    """Let this machine's user in, with the token of a service that starts."""
    write_private(data / TOKEN, json.dumps({"server": server, "token": token}))
    with suppress(OSError):  # without a home, the token is still found from the folder that `data` is in
        _keep(server, data=str(data))


def remove_token(data: Path) -> None:
    (data / TOKEN).unlink(missing_ok=True)


def write_private(file: Path, text: str) -> None:
    """Write a file that only this user can read, at once or not at all."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
        target.write(text)
    part.replace(file)


def _keep(server: str, **values: str | None) -> None:
    file = _file_of(server)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = {name: value for name, value in (_read(file) | values).items() if value}
    write_private(file, json.dumps(known))


def _file_of(server: str) -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "fewpairs" / "servers" / f"{quote(_place(server), safe=':')}.json"


def _place(server: str) -> str:
    """The host and port of an address, the same for both names of this machine."""
    parts = urlsplit(server)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
