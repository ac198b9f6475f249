"""The application that all commands belong to."""

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from fewpairs.cli.output import complain
from fewpairs.errors import FewpairsError

LOOP, CONTROL, HERE = "The loop", "Look and control", "On this machine"
"""Panels of the help page."""
COMMANDS = (
    *("up", "demo", "scenes", "experiment", "migrate", "doctor", "gc", "backup", "restore"),
    *("pool", "upload", "labels", "select", "explain", "assign", "annotate", "import", "export"),
    *("withdraw", "revert"),
    *("advice", "train", "evaluate", "translate"),
    *("selections", "assignments", "replay", "similar", "duplicates", "suggest", "draft", "photo"),
    *("jobs", "log", "cancel", "finish", "retry", "model", "delete", "undelete"),
    *("events", "audit", "webhook"),
    *("login", "key", "user"),
)
"""All commands, in the order of the help page. Each is the module of this name."""


class CommandGroup(TyperGroup):
    """Shows a FewpairsError as its sentence, without a traceback, and exits with 1."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except FewpairsError as error:
            complain(_with_option_names(error, self.commands[ctx.invoked_subcommand].params))
            raise typer.Exit(1) from error


def _with_option_names(error: FewpairsError, params: Sequence[Any]) -> str:
    """The error's sentence, in which the service's names of parameters become the command's options."""
    options = {param.name: param.opts[0] for param in params if param.opts[0].startswith("--")}
    sentence = error.detail
    for place in (entry["where"] for entry in error.extras.get("errors", [])):
        if named := [options[part] for part in place.split(".") if part in options]:
            sentence = sentence.replace(f"{place}:", f"{named[0]}:")
    return sentence


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="Label ten images, translate thousands: says which photos to label, and learns from these few.",
)
