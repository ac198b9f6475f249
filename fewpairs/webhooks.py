"""Webhooks of a pool."""

from collections.abc import Iterator, Sequence
from typing import Any

from fewpairs.jobs import Job
from fewpairs.transport import Transport


class Webhooks:
    """The addresses that are told what happens in a pool. Iterating gives their documents, oldest first."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport, self._address = transport, address

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._transport.items(self._address)

    def add(self, url: str, types: Sequence[str] | None = None) -> dict[str, Any]:
        """Have an address told of `types`: `job.ended`, `annotation.made`, `selection.made`. None: of all.

        The answer has the `secret` of the signatures, which is not shown again.
        """
        body = {"url": url} | ({"types": [*types]} if types else {})
        return dict(self._transport.json("POST", self._address, json=body, repeatable=False))

    def delete(self, webhook_id: str) -> None:
        self._transport.request("DELETE", f"{self._address}/{webhook_id}")

    def ping(self, webhook_id: str) -> Job:
        """Send a message now; `wait` for the job to know whether it was taken."""
        address = f"{self._address}/{webhook_id}/ping"
        return Job(self._transport, self._transport.json("POST", address, repeatable=False))

    def deliveries(self, webhook_id: str) -> Iterator[dict[str, Any]]:
        """The messages and what became of them, newest first."""
        return self._transport.items(f"{self._address}/{webhook_id}/deliveries")
