"""Logging in, as it appears in JSON."""

from pydantic import ConfigDict, Field, SecretStr

from service.http.fields import Body
from service.http.names import UserName


class Login(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ana", "password": "four words of hers"}]}
    )

    name: UserName
    password: SecretStr = Field(max_length=200)
