"""Requests to addresses that users chose: only to public networks, and only for a limited time.

Without the first rule, whoever may name an address could make the worker talk to what only it can reach:
other services of its network, and the metadata of its cloud.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, wait
from typing import Any

import httpcore
import httpx

LONGEST_S = 5.0
GLOBAL_V6 = ipaddress.ip_network("2000::/3")
NOT_PUBLIC = [
    ipaddress.ip_network("192.0.0.0/24"),  # of protocols; Oracle's metadata
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's metadata
    ipaddress.ip_network("2002::/16"),  # 6to4 leads to any IPv4 address
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressRefused(Exception):
    """The address is on a private network."""


def post(url: str, content: bytes, headers: dict[str, str], allowed: Iterable[Network]) -> int:
    """Send a request and return the status of its answer, of which no more is read. Follows no redirects.

    The networks in `allowed` count as public. Raises AddressRefused, or OSError or httpcore's errors if there
    is no answer within LONGEST_S, with the look-up of the name.
    """
    backend = _Public(allowed, time.monotonic() + LONGEST_S)
    context = httpx.create_ssl_context(trust_env=False)
    with (
        httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
        pool.stream("POST", url, headers=[*headers.items()], content=content) as response,
    ):
        return response.status


def is_public(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether an address may be connected to."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped  # the connection would be made to this one
    if any(ip in network for network in allowed):
        return True
    if isinstance(ip, ipaddress.IPv6Address) and ip not in GLOBAL_V6:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in NOT_PUBLIC)


class _Public(httpcore.NetworkBackend):
    """Connects to the addresses of a name that it has checked: a second look-up could give others."""

    def __init__(self, allowed: Iterable[Network], deadline: float) -> None:
        self._allowed = [*allowed]
        self._deadline = deadline

    def connect_tcp(self, host: str, port: int, *_: Any, **options: Any) -> httpcore.NetworkStream:
        addresses = list(dict.fromkeys(_resolved(host, port, self._deadline)))
        for address in addresses:
            if not is_public(address, self._allowed):
                raise AddressRefused(f"{host} is {address}, which is not on a public network.")
        for n, address in enumerate(addresses, start=1):
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, _left(self._deadline))
                return _Limited(stream, self._deadline)
            except httpcore.ConnectError:
                if n == len(addresses):
                    raise
        raise httpcore.ConnectError(f"{host} has no address.")


class _Limited(httpcore.NetworkStream):
    """Ends all waiting at one moment, so that an answer that comes byte by byte takes no longer."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secure = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _Limited(secure, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _resolved(host: str, port: int, deadline: float) -> list[str]:
    """The addresses of a name. The look-up itself knows no limit, so a thread waits for it to end."""
    found: Future[list[Any]] = Future()

    def look_up() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    wait([found], _left(deadline))
    _left(deadline)
    return [str(address[0]) for *_, address in found.result()]


def _left(deadline: float) -> float:
    """The seconds until the deadline. Raises TimeoutError after it."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"no answer within {LONGEST_S:.0f} seconds")
    return left
