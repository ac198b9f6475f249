"""Connections, of which silent clients hold none for long."""

import asyncio
import socket
import struct

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

LONGEST_HEAD = 2**17
"""Bytes of a request without its body: the address of a selection may name 2,000 images."""
HEAD_S = 30.0
"""Seconds in which the head of a request has to arrive, or the rest of a body that was answered already."""
STALL_S = 60.0
"""Seconds after which a client that takes nothing of its answer is given up."""


class Connection(H11Protocol):
    """uvicorn itself ends only connections on which nothing follows an answer.

    `service.access.limits` ends requests whose body does not arrive.
    """

    _arriving: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._has_arrived()
        self._is_taken()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect()
        elif self.conn.our_state is not h11.DONE:
            self._has_arrived()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._expect()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking = self.loop.call_later(STALL_S, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_taken()

    def _expect(self) -> None:
        """Give up unless what is expected arrives whole, however often a little of it does."""
        if self._arriving is None:
            self._arriving = self.loop.call_later(HEAD_S, self._give_up)

    def _give_up(self) -> None:
        """End the connection at once; what the client has not taken yet is dropped."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _has_arrived(self) -> None:
        if self._arriving:
            self._arriving.cancel()
            self._arriving = None

    def _is_taken(self) -> None:
        if self._taking:
            self._taking.cancel()
            self._taking = None
