"""Options that several commands take, and how to find what they name."""

import math
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.model import Model
from fewpairs.pool import Pool
from models.catalog import DIRECTIONS, PHOTOS_TO_LABELS, RECIPES, TEST_TIME

ServerOption = Annotated[
    str | None,
    typer.Option("--server", envvar="FEWPAIRS_SERVER", help="Address of the service.", show_default=False),
]
PoolOption = Annotated[
    str | None,
    typer.Option(
        "--pool",
        "-p",
        envvar="FEWPAIRS_POOL",
        help="Name or id of the pool; not needed if there is only one.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON and nothing else.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder of the database, blobs, runs, caches and logs; default: FEWPAIRS_DATA_DIR, else data.",
        show_default=False,
    ),
]
ModelArgument = Annotated[
    str, typer.Argument(help="Id of a model, or latest: the newest model trained in the pool.")
]

TYPED_DIRECTIONS = {direction.replace("_", "-"): direction for direction in DIRECTIONS}
"""The directions as a user types them."""
DEFAULT_DIRECTION = PHOTOS_TO_LABELS.replace("_", "-")
DirectionOption = Annotated[str, typer.Option(help=f"{' or '.join(TYPED_DIRECTIONS)}.")]

TestTimeOption = Annotated[
    str,
    typer.Option(
        "--test-time",
        help="; ".join(f"{name}: {meaning}" for name, meaning in TEST_TIME.items())
        + ". For models that learn classes.",
    ),
]

RECIPE_SIZES = ", ".join(f"{name} ({recipe.summary})" for name, recipe in RECIPES.items()) + "."


def find_pool(client: Client, name: str | None) -> Pool:
    """The named pool, or the only one. Raises FewpairsError with the choices."""
    if name:
        return client.pool(name)
    pools = list(client.pools())
    if len(pools) == 1:
        return pools[0]
    if not pools:
        raise FewpairsError("There is no pool yet: make one with `fewpairs pool create NAME --classes FILE`.")
    raise FewpairsError(f"Say which pool with --pool: {', '.join(pool.name for pool in pools)}.")


def find_model(client: Client, model: str, pool: str | None) -> Model:
    """The model of this id, or the newest one trained in the pool. Raises FewpairsError."""
    if model != "latest":
        return client.model(model)
    target = find_pool(client, pool)
    for newest in target.models():
        if newest.document["job_id"]:
            return newest
    raise FewpairsError(f"The pool {target.name} has no model yet: make one with `fewpairs train`.")


def direction_named(text: str) -> str:
    """The direction as the service writes it. Raises FewpairsError."""
    if (direction := TYPED_DIRECTIONS.get(text.replace("_", "-"))) is None:
        raise FewpairsError(f"--direction takes {' or '.join(TYPED_DIRECTIONS)}, not {text}.")
    return direction


def distance(option: str, text: str, *words: str) -> float | str:
    """The distance that was given to an option, or one of the words it takes. Raises FewpairsError."""
    if text in words:
        return text
    with suppress(ValueError):
        if 0 <= (number := float(text)) < math.inf:
            return number
    choices = ", ".join(["a distance", *words[:-1]])
    raise FewpairsError(f"{option} takes {choices} or {words[-1]}, not {text}.")
