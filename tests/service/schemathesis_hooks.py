"""How schemathesis sends bodies that are neither JSON nor a form: as they are."""

from typing import Any

import schemathesis

from service.images.routes import ARCHIVE_TYPES


@schemathesis.serializer(*sorted(ARCHIVE_TYPES - {"application/octet-stream"}))
def as_it_is(context: Any, content: Any) -> Any:
    return getattr(content, "data", content)
