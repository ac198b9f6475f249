"""Events as lines of JSON or CSV, however many there are."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Literal

from service.events.schemas import AuditEvent
from service.runtime import Service
from store import events
from store.events import Wanted

Format = Literal["jsonl", "csv"]
MEDIA_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv"}
COLUMNS = list(AuditEvent.model_fields)


def lines(service: Service, wanted: Wanted, format: Format) -> Iterator[str]:
    """Newest first. What happens during the export is not in it."""
    if format == "csv":
        yield _csv(COLUMNS)
    with service.database.read() as session:
        for named in events.every(session, wanted):
            document = AuditEvent.of(named).model_dump(mode="json")
            if format == "jsonl":
                yield f"{json.dumps(document)}\n"
            else:
                yield _csv([*(document | {"details": json.dumps(document["details"])}).values()])


def _csv(values: Sequence[str | None]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
