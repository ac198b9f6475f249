"""The settings as the service reads them, for the commands that start it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from fewpairs.errors import FewpairsError

PREFIX = "FEWPAIRS_"
NOT_INSTALLED = "The service is not installed: run `pip install 'fewpairs[embedded]'`."


@dataclass(frozen=True)
class Settings:
    """`values` has every setting by its name, `port` for example; `given` has the names that were set."""

    values: dict[str, Any]
    given: frozenset[str]

    def environment(self, base: Mapping[str, str], **ours: object) -> dict[str, str]:
        """The environment of a process that has these settings, but for those in `ours`."""
        values = {name: self.values[name] for name in self.given} | ours
        others = {name: value for name, value in base.items() if not name.upper().startswith(PREFIX)}
        return others | {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}


def read_settings(environment: Mapping[str, str], console: Console) -> Settings:
    """Ask the service for its settings in `environment`; shows its warnings.

    Raises FewpairsError with a sentence for each wrong setting.
    """
    read = subprocess.run(
        [sys.executable, "-m", "store.settings"], env=environment, capture_output=True, text=True, check=False
    )
    said = read.stderr.strip()
    if "ModuleNotFoundError" in said:
        raise FewpairsError(NOT_INSTALLED)
    if read.returncode != 0:
        raise FewpairsError(said)
    if said:
        console.print(Text(said, style="yellow"), soft_wrap=True)
    answer = json.loads(read.stdout)
    return Settings(answer["values"], frozenset(answer["set"]))
