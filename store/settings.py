"""The one list of settings, and its reader.

Every field is an environment variable `FEWPAIRS_<NAME>`; none has to be set. `python -m store.settings`
prints the settings of the environment as JSON, or exits with 1 and says which are wrong.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from store.setting_types import OUR_ERRORS, BlobUrl, BrokerUrl, DatabaseUrl, EncoderName, Networks, Secret

MIB = 1024 * 1024
DAY_S = 24 * 3600.0
PREFIX = "FEWPAIRS_"
CLIENT_VARIABLES = ("FEWPAIRS_SERVER", "FEWPAIRS_POOL", "FEWPAIRS_API_KEY")
"""Variables that the command line reads, and that are no settings of the service."""


class WrongSettings(ValueError):
    """Some settings of the environment are wrong; the message has a sentence for each."""


class Settings(BaseSettings):
    """The settings; a variable that is empty counts as not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    data_dir: Path = Field(Path("data"), description="Folder of the database, blobs, runs and caches.")
    database_url: DatabaseUrl = Field(
        "", description="SQLAlchemy URL of PostgreSQL or SQLite; empty: SQLite in the data folder."
    )
    broker_url: BrokerUrl = Field(
        "redis://127.0.0.1:6379/0",
        description="Redis or Valkey that tells workers of new jobs; `fewpairs up` starts its own if this is "
        "not set.",
    )
    blob_url: BlobUrl = Field(
        "", description="Folder of the blobs, `file:///…`; empty: `blobs` in the data folder."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="Where networks run; auto: on a GPU if there is one. The service advises trainings for "
        "this device, and for a CPU if it is auto.",
    )
    encoder: EncoderName = Field(
        "resnet50",
        description="Encoder of a pool that names none; if this is not set and ResNet50's weights are not "
        "available, `fewpairs up` uses efficientnet_lite0.",
    )
    resnet50_weights: Path | None = Field(
        None, description="File of ResNet50's weights; empty: found in torch hub's cache, or downloaded."
    )
    encoders_dir: Path | None = Field(
        None, description="Folder of the encoders `onnx:FILE`; empty: `encoders` in the data folder."
    )

    host: str = Field(
        "127.0.0.1", description="Address at which the service listens; 0.0.0.0: all addresses."
    )
    port: int = Field(
        8000,
        ge=0,
        le=65_535,
        description="Port at which the service listens; 0: any free one, for `fewpairs up`.",
    )
    allowed_hosts: str = Field(
        "localhost,127.0.0.1,[::1]",
        description="Host names under which the service answers, beside FEWPAIRS_HOST; *: all. Others are "
        "refused, so that a page whose name points at this machine reaches nothing.",
    )
    trusted_proxies: Networks = Field(
        "",
        description="Addresses and networks of proxies that are believed when they say which client a "
        "request comes from, and whether over TLS: X-Forwarded-For and X-Forwarded-Proto. Empty: none.",
    )

    proxy_user_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description="Header in which a trusted proxy names the user that it has logged in, for example "
        "X-Remote-User. Empty: none.",
    )

    admin_key: Secret = Field(
        "",
        description="Key of the administrator `admin`, for a service that has no user yet; 32 characters or "
        "more.",
    )
    metrics_key: Secret = Field(
        "", description="Key that opens `GET /metrics` and nothing else, for Prometheus."
    )
    local_token: Secret = Field(
        "", description="Key that lets in the user of this machine; `fewpairs up` makes a new one."
    )

    max_image_bytes: int = Field(64 * MIB, ge=1, description="Largest photo or label map, in bytes.")
    max_image_pixels: int = Field(
        64_000_000,
        ge=1,
        le=250_000_000,
        description="Largest photo or label map, in pixels; at most 250 million.",
    )
    max_model_bytes: int = Field(2048 * MIB, ge=1, description="Largest imported model, in bytes.")
    max_archive_bytes: int = Field(
        16 * 1024 * MIB, ge=1, description="Largest zip or tar, in bytes when unpacked."
    )
    max_archive_entries: int = Field(
        100_000, ge=1, description="Most files in one zip or tar, or in one request."
    )
    max_archive_pixels: int = Field(
        100_000_000_000, ge=1, description="Most pixels of all photos in one request."
    )
    max_archive_ratio: int = Field(
        200, ge=1, description="Largest compression ratio of one file in an archive."
    )

    max_photos: int = Field(
        1_000_000, ge=1, description="Most photos that one account may add; more are refused (HTTP 507)."
    )
    max_bytes: int = Field(
        1024 * 1024 * MIB,
        ge=1,
        description="Most bytes of photos, label maps, drafts, translations, imports and exports that one "
        "account may add, with all revisions.",
    )
    max_jobs: int = Field(
        1000,
        ge=1,
        description="Most jobs of one account that wait or run, beside those that embed; more are refused "
        "(HTTP 429).",
    )
    max_trainings: int = Field(100, ge=1, description="Most trainings among these jobs.")

    embed_chunk: int = Field(256, ge=1, le=10_000, description="Number of images in one embed job.")
    answer_wait_s: float = Field(
        4.0, ge=0, le=300, description="Seconds that a request waits for its job before it answers 202."
    )

    webhook_networks: Networks = Field(
        "",
        description="Private addresses and networks to which webhooks may be sent all the same. Empty: none, "
        "so that no user reaches other services through the workers.",
    )

    keep_deleted_s: float = Field(
        7 * DAY_S,
        ge=0,
        le=3650 * DAY_S,
        description="Seconds for which what was deleted can be taken back; then it is removed for good.",
    )
    keep_jobs_s: float = Field(
        30 * DAY_S,
        ge=0,
        le=3650 * DAY_S,
        description="Seconds for which an ended job is kept, with its metrics and outputs; jobs of which a "
        "model, a selection, an evaluation or embeddings came are kept as long as these.",
    )
    keep_drafts_s: float = Field(
        90 * DAY_S,
        ge=0,
        le=3650 * DAY_S,
        description="Seconds for which an unfinished label map is kept after it was last changed.",
    )
    cache_bytes: int = Field(
        20 * 1024 * MIB,
        ge=0,
        description="Most bytes of cached models and embeddings; the least recently used ones are removed, "
        "but none that was used in the last hour.",
    )
    lease_s: float = Field(
        30.0,
        gt=0,
        le=DAY_S,
        description="Seconds of a worker's silence after which its job goes to another worker.",
    )
    ring_again_s: float = Field(
        20.0,
        gt=0,
        le=DAY_S,
        description="Seconds after which workers are told again of a job that none has claimed.",
    )
    max_attempts: int = Field(
        5, ge=1, le=1000, description="Number of attempts after which a job counts as failed."
    )
    job_deadline_s: float = Field(
        3600.0,
        gt=0,
        le=365 * DAY_S,
        description="Longest attempt at a job other than a training, in seconds.",
    )
    training_deadline_s: float = Field(
        7 * DAY_S, gt=0, le=365 * DAY_S, description="Longest attempt at a training, in seconds."
    )

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'fewpairs.db'}"

    @cached_property
    def blobs(self) -> str:
        return self.blob_url or (self.data_dir.absolute() / "blobs").as_uri()

    @property
    def hosts(self) -> frozenset[str]:
        """The host names under which the service answers, in lower case and without brackets."""
        names = (*self.allowed_hosts.split(","), self.host)
        return frozenset(name.strip().strip("[]").lower() for name in names)

    @property
    def proxies(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(text.strip()) for text in filter(None, self.trusted_proxies.split(","))]

    @property
    def webhook_private_networks(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(text.strip()) for text in filter(None, self.webhook_networks.split(","))]

    @property
    def encoders(self) -> Path:
        return self.encoders_dir or self.data_dir.absolute() / "encoders"

    @property
    def runs_dir(self) -> Path:
        """Folder that holds one run directory per training job."""
        return self.data_dir.absolute() / "runs"

    @property
    def cache_dir(self) -> Path:
        """Folder of files that can be made again: exported encoders, unpacked models."""
        return self.data_dir.absolute() / "cache"


def variable(field: str) -> str:
    """The environment variable of a field of Settings."""
    return f"{PREFIX}{field.upper()}"


def read_settings() -> Settings:
    """The settings of the environment. Raises WrongSettings."""
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSettings("\n".join(_sentence(detail) for detail in error.errors())) from None


def settings_or_exit() -> Settings:
    """The settings of the environment, for a program that starts.

    Warns of variables that are no settings; exits with 1 if a setting is wrong.
    """
    for warning in misspelt(os.environ):
        sys.stderr.write(f"{warning}\n")
    try:
        return read_settings()
    except WrongSettings as error:
        sys.exit(str(error))


def misspelt(environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that begins like a setting and is none."""
    known = [name.removeprefix(PREFIX) for name in (*map(variable, Settings.model_fields), *CLIENT_VARIABLES)]
    for name in sorted(environment):
        rest = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and rest not in known:
            nearest = get_close_matches(rest, known, n=1)
            advice = (
                f"did you mean {PREFIX}{nearest[0]}?" if nearest else "docs/operate.md lists all settings."
            )
            yield f"{name} is no setting and is ignored: {advice}"


def _sentence(detail: Any) -> str:
    """What is wrong with one variable: its name, its value (without a password) and what it may be."""
    field = str(detail["loc"][0])
    value = re.sub(r"//.*@", "//***@", str(detail["input"])) if detail["type"] != "secret" else "***"
    is_our_own = detail["type"] in OUR_ERRORS
    return f"{variable(field)}={value}: {detail['msg'] if is_our_own else _what_it_may_be(field)}."


def _what_it_may_be(name: str) -> str:
    field = Settings.model_fields[name]
    if get_origin(field.annotation) is Literal:
        return f"give one of {', '.join(get_args(field.annotation))}"
    noun = "a whole number" if field.annotation is int else "a number"
    bounds = []
    for bound in field.metadata:
        match bound:
            case Ge(ge=least):
                bounds.append(f"at least {least:g}")
            case Gt(gt=below):
                bounds.append(f"more than {below:g}")
            case Le(le=most):
                bounds.append(f"at most {most:.0f}")
    return f"give {noun}, {' and '.join(bounds)}"


def main() -> None:
    settings = settings_or_exit()
    report = {"values": settings.model_dump(mode="json"), "set": sorted(settings.model_fields_set)}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
