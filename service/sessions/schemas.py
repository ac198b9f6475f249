"""Logging in, as it appears in JSON."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from service.http.names import UserName


class Login(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "ana", "password": "four words of hers"}]}
    )

    name: UserName
    password: SecretStr = Field(max_length=200)
