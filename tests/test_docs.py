"""What the documentation says about files, settings and deployment is so."""

import re
import subprocess
from pathlib import Path

import pytest

from store.settings import Settings

ROOT = Path(__file__).parent.parent
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()


def settings_table() -> str:
    """The table of docs/operate.md as the settings class would have it."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `FEWPAIRS_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def test_operate_lists_every_setting() -> None:
    """The settings table of docs/operate.md is what the settings class gives: names, defaults, meanings."""
    assert settings_table() in (ROOT / "docs/operate.md").read_text()


@pytest.mark.parametrize("file", ["Dockerfile", "docker-compose.yml"])
def test_deployment_sets_settings_that_exist(file: str) -> None:
    """Every FEWPAIRS_ variable in the deployment files is a field of the settings class."""
    known = {f"FEWPAIRS_{name.upper()}" for name in Settings.model_fields}
    used = set(re.findall(r"FEWPAIRS_[A-Z0-9_]+", (ROOT / file).read_text()))
    assert used
    assert used <= known


@pytest.mark.parametrize("page", TRACKED)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link and picture of a page is a file of the project."""
    text = (ROOT / page).read_text()
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)|(?:src|href)=\"([^\"#]+)\"", text)
    paths = [a or b for a, b in targets if not (a or b).startswith(("http", "mailto:"))]
    missing = [path for path in paths if not (ROOT / page).parent.joinpath(path).exists()]
    assert missing == []
