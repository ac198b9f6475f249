"""Users as they appear in JSON."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr

from service.http.documents import Document
from service.http.fields import Body
from service.http.names import UserName
from store import tables

Password = Annotated[SecretStr, Field(min_length=12, max_length=200, examples=["four words of hers"])]


class NewUser(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "ana"}]})

    name: UserName = Field(description="It stays.")
    admin: bool = Field(False, description="Whether they may do everything, on the whole server.")
    password: Password | None = Field(
        None, description="null: they get in with a key, or through a proxy that knows them."
    )


class UserChange(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"disabled": True}]})

    admin: bool | None = Field(None, description="Left out: it stays as it is.")
    disabled: bool | None = Field(
        None, description="Whether none of their credentials counts. Left out: it stays as it is."
    )


class PasswordChange(Body):
    password: Password
    current: SecretStr | None = Field(
        None, max_length=200, description="The password until now; an administrator leaves it out for others."
    )


class User(Document):
    """An account, of a person or a program."""

    id: UUID
    name: str
    admin: bool
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None = Field(description="Since when none of their credentials counts.")

    @classmethod
    def of(cls, row: tables.Principal) -> "User":
        return cls.of_row(row, has_password=row.password_hash is not None)
