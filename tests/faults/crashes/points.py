"""Kill a service, a worker and a training at their places, each once.

The places are before and after files are synced and renamed, transactions committed, workers rung and models
published. Afterwards everything that was answered before has to be there, the doctor has to find no fault,
and when the same is done again, each effect has to be there once.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from store.blobs import LocalBlobs
from tests.access import use_key
from tests.faults.crashes import service, training, worker
from tests.faults.crashes.server import tools_of
from tests.faults.crashing import kill_at, places, undisturbed
from worker.upkeep.examination import examine

SCENARIOS = {"service": service, "worker": worker, "training": training}


def main(folder: Path, every: int, *names: str) -> None:
    """Kill at each place of these scenarios, or at each second one and so on. Prints the places."""
    use_key()
    for name in names:
        scenario = SCENARIOS[name]
        for place in killed_at(scenario, folder, every):
            sys.stdout.write(f"{name}: {place}\n")
            sys.stdout.flush()


def killed_at(scenario: ModuleType, folder: Path, every: int) -> Iterator[str]:
    template, whole, killed = (folder / f"{scenario.__name__} {name}" for name in ("new", "whole", "killed"))
    undisturbed(lambda: scenario.prepare(template))
    shutil.copytree(template, whole)
    found = places(lambda: scenario.act(whole))
    undisturbed(lambda: checked(scenario.check_end, whole))
    for place in found[every // 2 :: every]:
        shutil.copytree(template, killed)
        was_there = kill_at(place, lambda: scenario.act(killed))
        undisturbed(lambda: checked(scenario.check, killed))
        undisturbed(lambda: scenario.act(killed))
        undisturbed(lambda: checked(scenario.check_end, killed))
        shutil.rmtree(killed)
        if was_there:  # work in the background does not always come by the same places
            yield place


def checked(check: Callable[[Path], None], folder: Path) -> None:
    check(folder)
    tools = tools_of(folder)
    assert isinstance(tools.blobs, LocalBlobs)
    assert examine(tools.settings, tools.database, tools.blobs).faults == []
