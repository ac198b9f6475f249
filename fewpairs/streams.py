"""Streams of server-sent events, which go on where they were lost."""

import json
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from fewpairs.errors import FewpairsError
from fewpairs.transport import Transport

PAUSE_S = 0.5


@dataclass(frozen=True)
class Event:
    """One message of a stream: `kind` says what `data`, a JSON document, is about."""

    kind: str
    data: dict[str, Any]


def followed(
    transport: Transport, subject: str, stream: Callable[[], str | None]
) -> Generator[Event, None, None]:
    """The events of a stream, as they happen, until `stream` gives no address any more.

    `stream` is asked again when a stream has ended or was lost; the next one goes on after the last event
    that arrived. Raises FewpairsError if what it is about, at the address `subject`, is not there any more,
    or if the service stays away.
    """
    last_id: str | None = None
    while (address := stream()) is not None:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        try:
            with transport.stream(address, headers=headers) as response:
                for event_id, event in parsed(response.iter_lines()):
                    last_id = event_id or last_id
                    yield event
        except (httpx.TransportError, FewpairsError) as error:
            if isinstance(error, FewpairsError) and error.status not in (0, 503):
                raise
        if stream() is not None:
            time.sleep(PAUSE_S)
            transport.json("GET", subject)


def parsed(lines: Iterator[str]) -> Iterator[tuple[str | None, Event]]:
    """Parse server-sent events into pairs of id (or None) and event."""
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        name, _, value = line.partition(":")
        if name:
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
        elif "data" in fields:
            yield fields.get("id"), Event(fields.get("event", "message"), json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}
