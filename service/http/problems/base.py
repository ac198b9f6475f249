"""What all problems have in common."""

import re
from typing import Any, ClassVar


class Problem(Exception):
    """A refusal: `detail` says what is wrong with this request and what to do about it."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]

    def __init_subclass__(cls, status: int) -> None:
        cls.status = status
        cls.slug = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        cls.title = (cls.__doc__ or "").removesuffix(".")

    def __init__(self, detail: str, **extras: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extras = extras
        self.headers: dict[str, str] = {}

    def with_headers(self, **headers: str) -> "Problem":
        """Add response headers; a name has `_` in place of `-`."""
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self
