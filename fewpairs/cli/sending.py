"""Sends files, with a bar, and reports what became of them: for `upload`, `labels` and `annotate`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.output import complain, console, errors, escaped, file_progress
from fewpairs.photos import image_files
from fewpairs.uploads import Progress, Upload

FolderArgument = Annotated[
    Path, typer.Argument(help="A folder (with all below it) or one file.", show_default=False)
]
SHOWN_REFUSALS = 20


def send_files(
    directory: Path,
    doing: str,
    send: Callable[[Sequence[Path], Progress], Upload],
    what: str,
    contents: Callable[[], str] = str,
) -> None:
    """Send the images in a folder; exits with 1 if any was refused.

    `doing` is the bar's label; `what` names the files in the report, and `contents` says what they hold.
    """
    files = image_files(directory)
    with file_progress() as bar:
        task = bar.add_task(doing, total=len(files))
        done = send(files, lambda done, total: bar.update(task, completed=done, total=total))
    _report(done, what, contents())


def _report(upload: Upload, what: str, contents: str) -> None:
    parts = [(upload.new, "new"), (upload.replaced, "replaced"), (upload.unchanged, "there already")]
    counts = ", ".join(f"{count} {how}" for count, how in parts if count) or "none taken"
    console.print(f"[green]✓[/] {what}: {counts}")
    if contents:
        console.print(contents, soft_wrap=True)
    if not upload.rejected:
        return
    complain(f"{len(upload.rejected)} refused:")
    for refusal in upload.rejected[:SHOWN_REFUSALS]:
        line = f"  {escaped(str(refusal.path))}: {escaped(refusal.reason)} [dim]({refusal.type})[/]"
        errors.print(line, soft_wrap=True)
    if len(upload.rejected) > SHOWN_REFUSALS:
        errors.print(f"  … and {len(upload.rejected) - SHOWN_REFUSALS} more")
    raise typer.Exit(1)
