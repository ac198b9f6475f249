"""The files of commands, and their order on the help page."""

from typing import Any

import typer
from typer.testing import CliRunner

from fewpairs.cli import app
from fewpairs.cli.application import COMMANDS


def test_each_command_is_the_module_of_its_name() -> None:
    """The function of a command is in `fewpairs/cli/<command>.py`, so that its file can be guessed."""
    command: Any = typer.main.get_command(app)
    places = {
        name: {inner.callback.__module__ for inner in getattr(found, "commands", {name: found}).values()}
        for name, found in command.commands.items()
    }
    assert places == {name: {f"fewpairs.cli.{name}"} for name in COMMANDS}


def test_the_help_page_lists_every_command_in_order() -> None:
    """`fewpairs --help` lists each command, with a sentence."""
    lines = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).output.splitlines()
    listed = [words[1] for words in map(str.split, lines) if len(words) > 3 and words[1] in COMMANDS]
    assert listed == list(COMMANDS)
