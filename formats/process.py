"""`python -m formats.process REQUEST`: read an export with limited memory and time.

REQUEST is a JSON file (`Request`). What comes out are pickles: what the export holds, or a sentence that says
why it cannot be read; then a `Read` for each label map. The process ends with its standard input.
"""

import json
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from formats.contract import Unreadable
from formats.meanings import Classes
from formats.reading import ZipFiles, read_all
from processes.lifeline import end_with_stdin
from processes.limits import limit_cpu, limit_memory
from processes.without_sockets import forbid_sockets

BASE_BYTES, BYTES_PER_PIXEL = 1 << 30, 48
"""Memory for a JSON with all regions, and for the arrays of the largest label map."""
MOST_CPU_S = 120
"""For the list of label maps, and for each of them."""


@dataclass(frozen=True)
class Request:
    """What to read: a zip, its format, the pool's classes, and the most pixels of a label map."""

    files: str
    format: str
    class_table: dict[str, Any]
    mapping: dict[str, int | None]
    most_pixels: int


def main(request: Path) -> int:
    forbid_sockets()
    end_with_stdin()
    asked = Request(**json.loads(request.read_text(encoding="utf-8")))
    limit_memory(BASE_BYTES + BYTES_PER_PIXEL * asked.most_pixels)
    limit_cpu(MOST_CPU_S)
    Image.MAX_IMAGE_PIXELS = asked.most_pixels
    try:
        classes = Classes.of(asked.class_table, asked.mapping)
        listed, found = read_all(ZipFiles(Path(asked.files)), asked.format, classes)
    except Unreadable as error:
        _send(str(error))
        return 0
    _send(listed)
    for read in found:
        _send(read)
        limit_cpu(MOST_CPU_S)
    return 0


def _send(message: object) -> None:
    pickle.dump(message, sys.stdout.buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
