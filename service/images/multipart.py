"""Read the files of a multipart/form-data body on disk one after the other, whatever their size."""

from collections.abc import Iterator
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.http.problems import BadRequest
from store.blobs import CHUNK


def files(body: Path, content_type: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each file's name and bytes. Read the bytes before you ask for the next file; the rest is skipped.

    Raises BadRequest.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise BadRequest("The Content-Type has no boundary: let the HTTP library write this header.")
    events = _events(body, boundary)
    for event in events:
        if isinstance(event, str):
            content = _until_end(events)
            yield event, content
            for _ in content:
                pass


def _until_end(events: Iterator[str | bytes | None]) -> Iterator[bytes]:
    for event in events:
        if event is None:
            return
        assert isinstance(event, bytes)
        yield event


def _events(body: Path, boundary: bytes) -> Iterator[str | bytes | None]:
    """For each file: its name (str), its bytes in pieces, then None."""
    reader = _Reader()
    try:
        parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]
        with body.open("rb") as file:
            while chunk := file.read(CHUNK):
                parser.write(chunk)
                yield from reader.events
                reader.events.clear()
        parser.finalize()
    except FormParserError as error:
        raise _malformed(str(error)) from None
    if not reader.ended:
        raise _malformed("its last boundary is missing")


def _malformed(reason: str) -> BadRequest:
    return BadRequest(
        f"The body is not valid multipart/form-data ({reason}): send the whole body again. This is safe: "
        "photos that were added already count as unchanged."
    )


class _Reader:
    """Turns the parser's callbacks into a list of events."""

    def __init__(self) -> None:
        self.events: list[str | bytes | None] = []
        self.ended = False
        self._field = self._value = b""
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> dict[str, object]:
        names = "part_begin header_field header_value header_end headers_finished part_data part_end end"
        return {f"on_{name}": getattr(self, name) for name in names.split()}

    def part_begin(self) -> None:
        self._headers = {}

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def headers_finished(self) -> None:
        name = parse_options_header(self._headers.get(b"content-disposition"))[1].get(b"filename")
        if name is None:
            raise BadRequest("Every part must be a file with a file name: send `split` as a query parameter.")
        self.events.append(name.decode(errors="replace"))

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self.events.append(data[start:end])

    def part_end(self) -> None:
        self.events.append(None)

    def end(self) -> None:
        self.ended = True
