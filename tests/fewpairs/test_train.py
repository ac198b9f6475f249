"""`train` as a command."""

import re
from pathlib import Path

from fewpairs import Pool
from tests.fewpairs.conftest import TINY, Run


def test_train_follow_shows_losses_and_ends_with_the_model(run: Run, pool: Pool, photos: Path) -> None:
    """--follow prints steps and losses as they come, and at the end the model's id."""
    pool.upload(photos / "images")
    pool.annotate(photos / "labels")
    options = [
        word
        for name, value in TINY.items()
        if name != "total_steps"
        for word in ("--option", f"{name}={value}")
    ]
    result = run("train", "--method", "pix2pix", "--recipe", "tiny", "--steps", 4, *options, "--follow")
    assert result.exit_code == 0, result.output
    assert "step 4 of 4" in result.output
    assert "G_l1" in result.output
    assert [model.id for model in pool.models()] == re.findall(r"Model ([0-9a-f-]{36})", result.output)


def test_a_training_that_cannot_be_made_is_a_sentence(run: Run, pool: Pool, photos: Path) -> None:
    """Without annotations, with an unknown method and with a malformed option: a sentence, exit code 1."""
    pool.upload(photos / "images")
    for words in (["train"], ["train", "--method", "magic"], ["train", "--option", "steps"]):
        result = run(*words)
        assert result.exit_code == 1, result.output
        assert "✗" in result.output
        assert "Traceback" not in result.output
