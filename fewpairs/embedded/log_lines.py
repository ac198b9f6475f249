"""Turns the API's JSON log lines into short lines for a person."""

import json

from rich.text import Text


def readable(line: str) -> Text | None:
    """The line to show. None for a request that succeeded: an upload makes thousands of them."""
    try:
        record = json.loads(line)
        event, time = record.pop("event"), record.pop("timestamp")[11:19]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Text.from_ansi(line)
    level = record.pop("level", "info")
    if event == "request":
        if record["status"] < 400:
            return None
        event = f"{record['method']} {record['path']} → {record['status']} in {record['ms']:.0f} ms"
        record = {}
    words = " ".join(f"{name}={value}" for name, value in record.items() if name != "request_id")
    style = {"error": "red", "critical": "red", "warning": "yellow"}.get(level, "")
    return Text(f"{time} {event} {words}".rstrip(), style=style)
