"""How `fewpairs up` chooses the encoder of new pools."""

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from fewpairs.embedded import encoder

PROGRESS = "print('Downloading 1 of 2 MB (50 %)', flush=True); print('/cache/file', flush=True);"


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("sys.exit(0)", ""),
        ("sys.exit('Nobody answers.')", "Nobody answers."),
        ("import not_installed", "ModuleNotFoundError: No module named 'not_installed'"),
    ],
)
def test_a_search_shows_its_progress_and_gives_the_reason(ending: str, reason: str) -> None:
    """A log has the lines of the download and nothing else; the last line of the errors is the reason."""
    log = io.StringIO()
    command = [sys.executable, "-c", f"import sys; {PROGRESS} {ending}"]
    assert encoder._reason_without(command, dict(os.environ), Console(file=log, width=200)) == reason
    assert log.getvalue() == "Downloading 1 of 2 MB (50 %)\n"


def test_an_encoder_that_is_set_is_kept() -> None:
    """Nothing is searched when the environment names the encoder."""
    environment = {"FEWPAIRS_ENCODER": "timm:resnet18"}
    encoder.choose_encoder(environment, Console(file=(log := io.StringIO())))
    assert environment == {"FEWPAIRS_ENCODER": "timm:resnet18"}
    assert log.getvalue() == ""


def test_a_search_in_vain_is_told_in_three_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked for, what new pools use instead, and the reason, as it is."""
    monkeypatch.setattr(encoder, "_reason_without", lambda *_: "[red] is gone.")
    log, environment = io.StringIO(), dict[str, str]()
    encoder.choose_encoder(environment, Console(file=log, width=200))
    assert environment == {"FEWPAIRS_ENCODER": encoder.FALLBACK}
    searched, instead, reason = log.getvalue().splitlines()
    assert searched == encoder.SEARCH
    assert encoder.FALLBACK in instead
    assert reason == "If you want ResNet50: [red] is gone."


def test_the_search_prints_the_download_on_its_output() -> None:
    """`python -m models.encoders` writes the download to its output, and the reason to its errors."""
    code = (
        "import logging, sys; from models import pretrained; from models.encoders import __main__ as search\n"
        "def fail(*_):\n"
        "    pretrained.log.info('Downloading 1 of 2 MB (50 %)'); raise search.WeightsUnavailable('Gone.')\n"
        "search.weights_file = fail; sys.argv = ['search', 'resnet50']; search.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "Downloading 1 of 2 MB (50 %)\n")
    assert ended.stderr == "Gone.\n"
