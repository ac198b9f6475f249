"""The `fewpairs` command. Each command, or group of commands, is the module of its name."""

from importlib import import_module

from fewpairs.cli.application import COMMANDS, app

__all__ = ["app"]

for name in COMMANDS:
    import_module(f"fewpairs.cli.{name}")
