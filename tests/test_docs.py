"""The documentation names files, settings, commands and addresses that exist."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from fewpairs.cli import app as command_line
from models.catalog import METHODS, STRATEGIES
from service.app import create_app
from service.http.problems import BY_SLUG
from store.settings import CLIENT_VARIABLES, Settings
from tests.pages import PAGES, ROOT, page, sections, table_rows

ROOMS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
ADDRESSES = create_app().openapi()["paths"]
SETTINGS = {f"FEWPAIRS_{name.upper()}" for name in Settings.model_fields}
VARIABLE = re.compile(r"\bFEWPAIRS_[A-Z0-9_]+")


def settings_table() -> str:
    """The table of docs/operate.md as the settings class would have it."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `FEWPAIRS_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def code_of(text: str) -> list[str]:
    """The lines of the shell blocks without their comments, and the code spans of the running text."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [
        re.sub(r"\s+#.*", "", line) for block in blocks for line in block.replace("\\\n", "").splitlines()
    ]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def commands_of(text: str, program: str) -> list[list[str]]:
    """The words after `program`, for each call of it in the page's code."""
    calls = [
        call
        for line in code_of(text)
        for call in re.split(r"&&|[|;]|\bdo\b", line)
        if re.match(rf"\s*(\.venv/bin/)?{program} ", call)
    ]
    return [call.split(f"{program} ", 1)[1].split() for call in calls]


def test_operate_lists_every_setting() -> None:
    """The settings table of docs/operate.md is what the settings class gives: names, defaults, meanings."""
    assert settings_table() in page("docs/operate.md")


@pytest.mark.parametrize("file", ["Dockerfile", "docker-compose.yml"])
def test_deployment_sets_settings_that_exist(file: str) -> None:
    """Every FEWPAIRS_ variable in the deployment files is a field of the settings class."""
    used = set(VARIABLE.findall((ROOT / file).read_text()))
    assert used
    assert used <= SETTINGS


@pytest.mark.parametrize("name", PAGES)
def test_variables_exist(name: str) -> None:
    """Every FEWPAIRS_ variable of a page is a setting, or is read by the command line."""
    assert set(VARIABLE.findall(page(name))) <= SETTINGS | set(CLIENT_VARIABLES)


@pytest.mark.parametrize(
    ("name", "section", "known"),
    [("docs/method.md", "methods", METHODS), ("docs/selection.md", "strategies", STRATEGIES)],
)
def test_pages_list_the_catalog(name: str, section: str, known: Mapping[str, object]) -> None:
    """The page's table has one row for each method or strategy of the catalog."""
    first_table = sections(page(name))[section].split("\n\n")
    rows = next(table_rows(part) for part in first_table if part.startswith("|"))
    assert sorted(row[0].strip("`") for row in rows[2:]) == sorted(known)


def test_every_change_has_a_way_back() -> None:
    """docs/taking-back.md names every address that changes something, by its method and path."""
    changes = {
        f"{method.upper()} {path}"
        for path, methods in ADDRESSES.items()
        for method in methods
        if method != "get"
    }
    assert sorted(changes - set(code_of(page("docs/taking-back.md")))) == []


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link of a page leads to a file of the project, and to a heading if it names one."""
    missing = []
    for path, heading in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)[^)]*\)", page(name)):
        if path.startswith(("http", "mailto:")):
            continue
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (heading and heading not in sections(target.read_text())):
            missing.append(f"{path}#{heading}")
    assert missing == []


@pytest.mark.parametrize("name", PAGES)
def test_paths_exist(name: str) -> None:
    """Every path and module of a room that a page names exists; `<noun>` stands for any name."""
    spans = [span for span in code_of(page(name)) if " " not in span]
    paths = [span for span in spans if re.match(rf"({'|'.join(ROOMS)})/", span)]
    modules = [span for span in spans if re.fullmatch(rf"({'|'.join(ROOMS)})(\.\w+)+", span)]
    paths += [module.replace(".", "/") for module in modules if not (ROOT / module).exists()]
    found = {path: [*ROOT.glob(re.sub("<.*?>", "*", path)), *ROOT.glob(f"{path}.py")] for path in paths}
    assert [path for path in paths if not found[path]] == []


def test_tests_exist() -> None:
    """Every test in the tables of docs/gpu.md is in the file next to it."""
    named = re.findall(r"`(tests/\S+\.py)` \| `(test_\w+)`", page("docs/gpu.md"))
    assert named
    assert [test for file, test in named if f"def {test}(" not in page(file)] == []


@pytest.mark.parametrize("name", PAGES)
def test_commands_exist(name: str) -> None:
    """Every `fewpairs` command of a page exists, with the options that the page gives it."""
    for words in commands_of(page(name), "fewpairs"):
        command = typer.main.get_command(command_line)
        for word in words:
            if isinstance(command, TyperGroup):
                assert word in command.commands, words
                command = command.commands[word]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options | {"--help"}, words


@pytest.mark.parametrize("name", PAGES)
def test_modules_run(name: str) -> None:
    """Every `python -m` module of a page exists, and reads the options that the page gives it."""
    for module, *words in commands_of(page(name), "python -m"):
        path = ROOT / module.replace(".", "/")
        [file] = [file for file in (path.with_suffix(".py"), path / "__main__.py") if file.exists()]
        for option in {word for word in words if word.startswith("--")}:
            assert f'"{option}"' in file.read_text(), f"{module} {option}"


@pytest.mark.parametrize("name", PAGES)
def test_targets_exist(name: str) -> None:
    """Every `make` target of a page is one of the Makefile."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    used = {word for words in commands_of(page(name), "make") for word in words if word.islower()}
    assert used <= set(targets)


def test_errors_exist() -> None:
    """Every error that docs/operate.md explains is one that the service or a worker reports."""
    table = sections(page("docs/operate.md"))["when-something-goes-wrong"]
    errors = re.findall(r"`([a-z]+(?:-[a-z]+)+)`", "".join(row[0] for row in table_rows(table)))
    worker = "".join(path.read_text() for path in ROOT.glob("worker/**/*.py"))
    assert len(errors) > 5
    assert [error for error in errors if error not in BY_SLUG and f'"{error}"' not in worker] == []


@pytest.mark.parametrize("name", PAGES)
def test_addresses_exist(name: str) -> None:
    """Every address that a page names with its method is one of the API's."""
    known = {
        (method.upper(), re.sub(r"\{.*?\}", "{}", path))
        for path, item in ADDRESSES.items()
        for method in item
    }
    used = re.findall(r"`(GET|PUT|POST|PATCH|DELETE) ([^`?]+)[^`]*`", page(name))
    assert {(method, re.sub(r"\{.*?\}", "{}", path)) for method, path in used} <= known


def test_contributing_makes_a_migration(tmp_path: Path) -> None:
    """The commands of CONTRIBUTING.md write the next migration, which finds nothing to change."""
    for name in ("migrations", "store", "alembic.ini"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    [block] = re.findall(r"```sh\n(.*?)```", page("CONTRIBUTING.md"), re.DOTALL)
    assert "NNNN" in block
    commands = block.replace("NNNN", "9999").replace(".venv/bin/alembic", f"{sys.executable} -m alembic")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path)}
    subprocess.run(["bash", "-euc", commands], cwd=tmp_path, env=environment, check=True, timeout=120)
    [written] = tmp_path.glob("migrations/versions/v9999_*.py")
    assert re.search(r"def upgrade\(\) -> None:\n.*\bpass\b", written.read_text(), re.DOTALL)
    assert "op.add_column" not in written.read_text()
