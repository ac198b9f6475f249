"""The one settings class. Every field is an environment variable `FEWPAIRS_<NAME>`; none has to be set."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024

LONGEST_ENCODER_NAME = 100
FILE = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"
ENCODER = rf"(resnet50|efficientnet_lite0|timm:{FILE}|onnx:{FILE}\.onnx)"
"""No name holds a slash: what it stands for on a worker's disk is in one folder, whoever asks."""


def _encoder_name(name: str) -> str:
    if len(name) > LONGEST_ENCODER_NAME or not re.fullmatch(ENCODER, name):
        raise PydanticCustomError(
            "encoder",
            "There is no such encoder: give resnet50, efficientnet_lite0, timm:NAME (a network of the package"
            " timm) or onnx:FILE.onnx (a file in the workers' FEWPAIRS_ENCODERS_DIR, without its folder)",
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


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FEWPAIRS_", frozen=True)

    data_dir: Path = Field(Path("data"), description="Folder of the database, blobs, runs and caches.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data folder.")
    broker_url: str = Field("redis://127.0.0.1:6379/0", description="Redis or Valkey that carries the bell.")
    blob_url: str = Field("", description="Where blobs are kept, `file:///…`; empty: the data folder.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where networks run; auto: a GPU if any."
    )
    encoder: EncoderName = Field("resnet50", description="Encoder of a pool that names none.")
    resnet50_weights: Path | None = Field(None, description="ResNet50 weights file; none: torch hub's cache.")
    encoders_dir: Path | None = Field(
        None, description="Folder of what `onnx:FILE` names; none: `encoders` in the data folder."
    )

    host: str = Field("127.0.0.1", description="Address the service listens at; 0.0.0.0: every one.")
    port: int = Field(8000, description="Port the service listens at.")

    max_image_bytes: int = Field(64 * MIB, description="Largest photo or label map, in bytes.")
    max_image_pixels: int = Field(
        64_000_000, le=80_000_000, description="Largest photo or label map, in pixels; at most 80 million."
    )
    max_model_bytes: int = Field(2048 * MIB, description="Largest imported model, in bytes.")
    max_archive_bytes: int = Field(16 * 1024 * MIB, description="Largest zip or tar, unpacked, in bytes.")
    max_archive_entries: int = Field(100_000, description="Most files in one zip or tar.")
    max_archive_ratio: int = Field(200, description="Largest compression ratio of one file in an archive.")

    embed_chunk: int = Field(256, description="Images in one embed job.")
    answer_wait_s: float = Field(
        4.0, description="How long a request waits for its job before it answers 202."
    )

    lease_s: float = Field(30.0, description="A job whose worker is silent this long is given to another.")
    ring_again_s: float = Field(
        20.0, description="A queued job that nobody claimed is rung again after this."
    )
    max_attempts: int = Field(5, description="Attempts at a job before it counts as failed.")
    job_deadline_s: float = Field(3600.0, description="Longest attempt at a job other than a training.")
    training_deadline_s: float = Field(7 * 24 * 3600.0, description="Longest attempt at a training.")

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'fewpairs.db'}"

    @cached_property
    def blobs(self) -> str:
        return self.blob_url or (self.data_dir.absolute() / "blobs").as_uri()

    @property
    def encoders(self) -> Path:
        return self.encoders_dir or self.data_dir.absolute() / "encoders"

    @property
    def runs_dir(self) -> Path:
        """One run directory per training job."""
        return self.data_dir.absolute() / "runs"

    @property
    def cache_dir(self) -> Path:
        """What can be made again: exported encoders, unpacked models."""
        return self.data_dir.absolute() / "cache"
