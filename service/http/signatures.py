"""Addresses that whoever has them may GET for a short time, as the principal whose key signed them.

A browser sends no header of its own with `<img>` and `EventSource`, and a key in an address would stay in
histories and logs. The signature says until when it is valid and how the key begins, and has the HMAC-SHA256
of both and of the address, made with the digest of the key. So the service keeps nothing of it, and it ends
with the key.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

QUERY = re.compile(r"(?:(?P<query>.*)&)?signed=(?P<expires>\d{1,11})\.(?P<key>\w{1,20})\.(?P<mac>[\w-]{43})")

EVERYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


@dataclass(frozen=True)
class Signature:
    """What an address was signed with."""

    address: str
    """The path and the query that were signed, as they were sent."""
    expires: int
    """The second since 1970 at which it is not valid any more."""
    key: str
    """How the key begins; of a key of the settings, the name of its principal."""
    mac: str

    def is_made_with(self, digest: str) -> bool:
        """Whether the key with this SHA-256 signed the address."""
        return hmac.compare_digest(self.mac, _mac(self.address, self.expires, self.key, digest))

    @property
    def query(self) -> str:
        return self.address.partition("?")[2]


def signed(address: str, key: str, digest: str, expires: int) -> str:
    """The address with a signature; `digest` is the SHA-256 of the key that begins with `key`."""
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}signed={expires}.{key}.{_mac(address, expires, key, digest)}"


def signature_of(scope: Scope) -> Signature | None:
    """The signature in the address of a GET; None if there is none."""
    found = QUERY.fullmatch(scope["query_string"].decode("latin-1"))
    if found is None or scope["method"] != "GET":
        return None
    query = found["query"]
    address = scope["raw_path"].decode("latin-1") + ("" if query is None else f"?{query}")
    return Signature(address, int(found["expires"]), found["key"], found["mac"])


def readable_everywhere(send: Send) -> Send:
    """Let pages of other sites show and read the answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(EVERYWHERE)
        await send(message)

    return sending


def _mac(address: str, expires: int, key: str, digest: str) -> str:
    message = f"GET {expires} {key} {address}".encode()
    made = hmac.digest(digest.encode(), message, hashlib.sha256)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
