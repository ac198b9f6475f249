"""Checks a document, as workers write it, against the schema that the API publishes."""

from typing import Any

from pydantic import BaseModel


def check(schema: type[BaseModel], document: Any) -> None:
    """Assert that the document has every field of the schema, no other field, and values of its types."""
    assert schema.model_validate(document, extra="forbid").model_dump(mode="json") == document
