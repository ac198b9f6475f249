"""Documents that show rows of the database."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of_row(cls, row: object, **others: Any) -> Self:
        """Fill each field from the row's attribute of the same name, except those in `others`."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields.keys() - others} | others)
