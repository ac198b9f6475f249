"""`advice` as a command, and what `train` makes of it."""

import json
from pathlib import Path

from fewpairs import Pool
from tests.fewpairs.conftest import Run


def test_advice_says_what_to_order_and_what_to_label(run: Run, pool: Pool, photos: Path) -> None:
    """Before a label map it says what to select; after one, the command that trains, with reasons."""
    pool.upload(photos / "images")
    assert "fewpairs select --budget" in run("advice").output
    assert "fewpairs train" not in run("advice").output
    pool.annotate(photos / "labels")
    training = pool.advice()["training"]
    told = run("advice").output
    assert f"fewpairs train --method {training['method']} --recipe {training['recipe']}" in told
    assert training["reasons"][0] in told
    assert json.loads(run("advice", "--json").output) == pool.advice()
