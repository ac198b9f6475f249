"""The files that whoever runs the program supplies for encoders: weights of their own, and a cache."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class _Supplied:
    encoder: str
    weights: Path | None
    cache_dir: Path | None


_SUPPLIED: ContextVar[_Supplied | None] = ContextVar("supplied", default=None)


@contextmanager
def supplying(encoder: str, weights: Path | None, cache_dir: Path | None) -> Iterator[None]:
    """Within the block, networks of `encoder` load `weights` where their caller names no file, and weights
    that are downloaded go to `cache_dir`. None leaves it as it was.

    A training method names its encoder only; which file holds its weights is a fact of the machine.
    """
    token = _SUPPLIED.set(_Supplied(encoder, weights, cache_dir))
    try:
        yield
    finally:
        _SUPPLIED.reset(token)


def supplied_weights(encoder: str) -> Path | None:
    """The weights file of `encoder` that was supplied, if any."""
    supplied = _SUPPLIED.get()
    return supplied.weights if supplied and supplied.encoder == encoder else None


def default_cache_dir() -> Path:
    """The folder of exported networks and of timm's weights: the supplied one, or `~/.cache/fewpairs`."""
    supplied = _SUPPLIED.get()
    if supplied and supplied.cache_dir:
        return supplied.cache_dir
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fewpairs"
