"""Types of settings whose values are more than a number or a word.

Each says in its error, a PydanticCustomError, what may be given.
"""

import re
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

OUR_ERRORS = ("encoder", "database_url", "broker_url", "blob_url", "networks", "secret")
"""The types of these errors."""

LONGEST_ENCODER_NAME = 100
FILE = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"
OWN_ENCODERS = ("resnet50", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
ENCODER = rf"({'|'.join(OWN_ENCODERS)}|timm:{FILE}|onnx:{FILE}\.onnx)"
"""No name holds a slash, so that a user's name never leads out of the one folder of encoders."""


def _encoder_name(name: str) -> str:
    if len(name) > LONGEST_ENCODER_NAME or not re.fullmatch(ENCODER, name):
        raise PydanticCustomError(
            "encoder",
            f"There is no such encoder: give {', '.join(OWN_ENCODERS)}, timm:NAME (a network of the package "
            "timm) or onnx:FILE.onnx (a file in the workers' FEWPAIRS_ENCODERS_DIR, without its folder)",
        )
    return name


EncoderName = Annotated[
    str,
    AfterValidator(_encoder_name),
    WithJsonSchema(
        {"type": "string", "maxLength": LONGEST_ENCODER_NAME, "pattern": f"^{ENCODER}$"}
        | {"examples": ["resnet50", "timm:vit_small_patch14_dinov2.lvd142m"]}
    ),
]


def _database_url(text: str) -> str:
    """Checked here, as SQLAlchemy would only fail when the database is first used."""
    from sqlalchemy import make_url  # the decoding processes read settings too, and need no SQLAlchemy
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
        is_file = url.drivername == "sqlite" and url.database not in (None, "", ":memory:")
        is_known = is_file or url.drivername in ("postgresql", "postgresql+psycopg")
    except (ArgumentError, ValueError):
        is_known = False
    if text and not is_known:
        raise PydanticCustomError(
            "database_url",
            "give postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE, or sqlite:////FOLDER/FILE.db",
        )
    return text


def _broker_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_server = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
    except ValueError:
        is_server = False
    if not is_server and not text.startswith(("redis+socket://", "memory://")):
        raise PydanticCustomError(
            "broker_url", "give redis://HOST:PORT/NUMBER, or rediss:// for a connection with TLS"
        )
    return text


def _blob_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme != "file" or parts.netloc or not parts.path.startswith("/")):
        raise PydanticCustomError("blob_url", "give a folder as file:///ABSOLUTE/FOLDER")
    return text


def _networks(text: str) -> str:
    try:
        for network in filter(None, text.split(",")):
            ip_network(network.strip())
    except ValueError:
        raise PydanticCustomError(
            "networks", "give addresses and networks, such as 10.0.0.2,192.168.7.0/24"
        ) from None
    return text


Networks = Annotated[str, AfterValidator(_networks)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
BrokerUrl = Annotated[str, AfterValidator(_broker_url)]
BlobUrl = Annotated[str, AfterValidator(_blob_url)]


def _secret(text: str) -> str:
    if text and not re.fullmatch(r"[!-~]{32,200}", text):
        raise PydanticCustomError(
            "secret", "give 32 to 200 random letters and digits, as `openssl rand -hex 32` writes them"
        )
    return text


Secret = Annotated[str, AfterValidator(_secret), Field(repr=False)]
"""A key that is accepted as it stands in the environment; it is never shown."""
