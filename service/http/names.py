"""Valid names of pools, photos, label maps and sources of label maps."""

import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from starlette.convertors import PathConvertor, register_url_convertor

from folders import names
from service.http.problems import InvalidName
from store.label_maps import ANNOTATIONS

LONGEST_POOL_NAME = 200
LONGEST_SOURCE = 100
LONGEST_LABEL = 100
LONGEST_USER_NAME = 100
IN_A_NAME = r"[^/\\\x00-\x1f\x7f]+"


class NameConvertor(PathConvertor):
    """`{name:name}` in a route: the whole rest of the address; `checked_path` decides whether it is valid."""

    regex = "(?s:.*)"


SPELLED_AS_KEPT = AfterValidator(partial(unicodedata.normalize, "NFC"))
"""In the one of Unicode's spellings in which names are kept: names that look the same are the same."""

register_url_convertor("name", NameConvertor())


def checked_path(name: str) -> str:
    """The relative path in Unicode form NFC, so that equal names are equal strings. Raises InvalidName."""
    return _refused_as_invalid(names.checked_path, name)


def checked(name: str, longest: int = names.LONGEST) -> str:
    """The name, which is not a path, in Unicode form NFC. Raises InvalidName."""
    return _refused_as_invalid(names.checked_name, name, longest)


def _refused_as_invalid(check: Callable[..., str], *arguments: object) -> str:
    try:
        return check(*arguments)
    except names.BadName as error:
        raise InvalidName(str(error)) from None


def checked_source(name: str) -> str:
    """The name of a source of label maps. Raises InvalidName."""
    name = checked(name, LONGEST_SOURCE)
    if name == ANNOTATIONS:
        raise InvalidName(
            f"{ANNOTATIONS} means the label maps of annotated images: give this source another name."
        )
    return name


def _schema(longest: int, example: str, pattern: str = IN_A_NAME) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "minLength": 1, "maxLength": longest, "pattern": f"^{pattern}$"}
        | {"examples": [example]}
    )


PathName = Annotated[
    str,
    AfterValidator(checked_path),
    _schema(names.LONGEST, "day1/street-0001.jpg", f"{IN_A_NAME}(/{IN_A_NAME})*"),
]
"""The name of a photo or a label map."""
Name = Annotated[str, AfterValidator(checked), _schema(names.LONGEST, "street-0001.onnx")]
PoolName = Annotated[
    str, AfterValidator(lambda name: checked(name, LONGEST_POOL_NAME)), _schema(LONGEST_POOL_NAME, "streets")
]
SourceName = Annotated[str, AfterValidator(checked_source), _schema(LONGEST_SOURCE, "gta")]
Label = Annotated[
    str, AfterValidator(lambda name: checked(name, LONGEST_LABEL)), _schema(LONGEST_LABEL, "laptop")
]
UserName = Annotated[
    str, AfterValidator(lambda name: checked(name, LONGEST_USER_NAME)), _schema(LONGEST_USER_NAME, "ana")
]
