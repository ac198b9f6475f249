"""Chooses the encoder of new pools."""

import subprocess
import sys

from rich.console import Console
from rich.text import Text

FALLBACK = "efficientnet_lite0"
SEARCH = "Looking for ResNet50's weights (98 MB, downloaded once) …"


def choose_encoder(environment: dict[str, str], console: Console) -> None:
    """Set the encoder in `environment`, if it is not set.

    It is ResNet50, as in the paper, if its weights are there or can be downloaded; else the small encoder
    that is installed with the project.
    """
    if environment.get("FEWPAIRS_ENCODER"):
        return
    console.print(SEARCH)
    find = [sys.executable, "-m", "models.encoders", "resnet50"]
    if weights := environment.get("FEWPAIRS_RESNET50_WEIGHTS"):
        find += ["--weights", weights]
    reason = _reason_without(find, environment, console)
    environment["FEWPAIRS_ENCODER"] = FALLBACK if reason else "resnet50"
    if reason:
        console.print(f"New pools use the small encoder {FALLBACK}: everything works with it.")
        console.print(Text(f"If you want ResNet50: {reason}", style="dim"), soft_wrap=True)


def _reason_without(find: list[str], environment: dict[str, str], console: Console) -> str:
    """Why the weights are not available; empty if they are. Shows how far a download is."""
    with (
        console.status("Looking for ResNet50's weights") as status,
        subprocess.Popen(
            find, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as search,
    ):
        assert search.stdout
        assert search.stderr
        for line in search.stdout:
            if console.is_terminal:
                status.update(line.rstrip())
            elif line.startswith("Downloading"):
                console.print(line.rstrip(), soft_wrap=True)
        errors = search.stderr.read().strip()
    if search.returncode == 0:
        return ""
    return (errors.splitlines() or ["The models are not installed."])[-1]
