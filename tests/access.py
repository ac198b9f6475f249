"""The key with which the tests use every service, as its administrator, and what must not be in a log."""

import os
import re
import tempfile

from service.runtime import Service
from store import credentials, principals

KEY = "key-of-the-tests-0123456789abcdef"
HEAD = f"Host: localhost\r\nAuthorization: Bearer {KEY}\r\n"
"""The same in the head of a request that a test writes itself."""
WITH_KEY = {"Authorization": f"Bearer {KEY}"}

PASSWORD = "four words of hers"
SECRET = re.compile(rf"{KEY}|{PASSWORD}|\bfp_[0-9a-f]{{8}}_[\w-]{{20,}}|\bwhsec_[\w+/]{{20,}}")
"""The key and the password of the tests, whole keys that a service made, and secrets of webhooks."""


def use_key() -> None:
    """Give the key to the services that tests start, and to their clients, which see no key of this user."""
    os.environ |= {
        "FEWPAIRS_ADMIN_KEY": KEY,
        "FEWPAIRS_API_KEY": KEY,
        "XDG_CONFIG_HOME": tempfile.mkdtemp(prefix="fewpairs-tests-"),
    }


def key_of(service: Service, name: str, admin: bool = True) -> dict[str, str]:
    """The header of a new key of somebody of this name, an administrator or not."""
    with service.database.write() as session:
        principal = principals.ensure(session, name, admin=admin)
        _, text = credentials.add_key(session, principal.id, "test")
    return {"Authorization": f"Bearer {text}"}
