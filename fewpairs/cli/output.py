"""What commands print with: the consoles, tables' columns, progress bars, JSON, complaints."""

import json
import sys
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column


def _console(stderr: bool) -> Console:
    """A console that does not fold logs at 80 columns, so that ids stay whole."""
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, width=None if is_terminal else 120)


console = _console(stderr=False)
errors = _console(stderr=True)


def complain(sentence: str) -> None:
    errors.print(f"[bold red]✗[/] {escaped(sentence)}", soft_wrap=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def whole(name: str) -> Column:
    """A column whose values stay in one line: ids that will be copied."""
    return Column(name, no_wrap=True)


def folded(name: str) -> Column:
    """A column whose values continue in the next line where there is too little room."""
    return Column(name, overflow="fold")


def right(name: str) -> Column:
    """A column of numbers."""
    return Column(name, justify="right")


def counted(count: int, noun: str) -> str:
    """`1 photo`, `2 photos`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def moment(text: str) -> str:
    """Month, day and minute of a time in ISO 8601."""
    return text[5:16].replace("T", " ")


def duration(seconds: float) -> str:
    """Seconds, minutes, or hours and minutes, rounded."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def file_progress() -> Progress:
    """A bar that counts files; silent where there is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def escaped(text: str) -> str:
    """Text that Rich prints as it is: file names may look like its markup."""
    return text.replace("[", "\\[")
