"""Valid names of pools, photos, label maps and sources of label maps."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from starlette.convertors import PathConvertor, register_url_convertor

from service.http.problems import InvalidName
from store.label_maps import ANNOTATIONS

LONGEST = 255
LONGEST_POOL_NAME = 200
LONGEST_SOURCE = 100
FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class NameConvertor(PathConvertor):
    """`{name:name}` in a route: the whole rest of the address; `checked` decides whether it is valid."""

    regex = "(?s:.*)"


register_url_convertor("name", NameConvertor())


def checked(name: str, longest: int = LONGEST) -> str:
    """The name in Unicode form NFC, so that equal names are equal strings. Raises InvalidName."""
    name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= longest:
        raise InvalidName(
            f"A name has 1 to {longest} characters and this one has {len(name)}: choose another name."
        )
    if name in (".", "..") or "/" in name or "\\" in name:
        raise InvalidName(
            "A name is one file name, not a path: leave out folders, slashes and backslashes, and do not use "
            "'.' or '..'."
        )
    if REPLACEMENT in name:
        raise InvalidName("The name is not valid UTF-8: percent-encode its UTF-8 bytes.")
    if any(unicodedata.category(character) in FORBIDDEN for character in name):
        raise InvalidName("A name must not contain control characters or line breaks: rename the file.")
    return name


def checked_source(name: str) -> str:
    """The name of a source of label maps. Raises InvalidName."""
    name = checked(name, LONGEST_SOURCE)
    if name == ANNOTATIONS:
        raise InvalidName(
            f"{ANNOTATIONS} means the label maps of annotated images: give this source another name."
        )
    return name


def _schema(longest: int, example: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": longest, "pattern": r"^[^/\\\x00-\x1f\x7f]+$"}
        | {"examples": [example]}
    )


Name = Annotated[str, AfterValidator(checked), _schema(LONGEST, "street-0001.jpg")]
PoolName = Annotated[
    str, AfterValidator(lambda name: checked(name, LONGEST_POOL_NAME)), _schema(LONGEST_POOL_NAME, "streets")
]
SourceName = Annotated[str, AfterValidator(checked_source), _schema(LONGEST_SOURCE, "gta")]
