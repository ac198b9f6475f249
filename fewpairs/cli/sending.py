"""Sends files, with a bar, and reports what became of them: for `upload`, `labels` and `annotate`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.output import complain, console, counted, errors, escaped, file_progress
from fewpairs.sources import File, Found, Refusal
from fewpairs.uploads import Progress, Upload

FolderArgument = Annotated[
    Path, typer.Argument(help="A folder (with all below it), a zip, a tar or one file.", show_default=False)
]
UnderOption = Annotated[
    str, typer.Option("--under", help="A folder of the pool to put their names into, for example day1.")
]
SHOWN = 20
"""The most files that a list names."""
UNMATCHED = {"no-image", "ambiguous", "other-folder", "image-taken"}
"""Why a label map has no photo (`folders.matching`)."""
SAY_PAIRS = (
    "Say which photos label maps belong to with `fewpairs annotate FOLDER --pairs FILE.csv`, a CSV file with "
    "the columns label_map and photo."
)

Send = Callable[[Sequence[File], Progress], Upload]


def send_files(
    files: Sequence[File], doing: str, send: Send, what: str, contents: Callable[[], str] = str
) -> bool:
    """Send the files and report what became of them. Returns whether all were taken.

    `doing` is the bar's label; `what` names the files in the report, and `contents` says what they hold.
    """
    with file_progress() as bar:
        task = bar.add_task(doing, total=len(files))
        upload = send(files, lambda done, total: bar.update(task, completed=done, total=total))
    parts = [(upload.new, "new"), (upload.replaced, "replaced"), (upload.unchanged, "there already")]
    counts = ", ".join(f"{count} {how}" for count, how in parts if count)
    mark = "[green]✓[/]" if counts else "[yellow]![/]"
    console.print(f"{mark} {what}: {counts or 'none taken'}")
    if set(upload.matched) - {"path", "stem", "pairs"}:
        rules = ", ".join(f"{count} by {rule}" for rule, count in upload.matched.most_common())
        console.print(f"Matched with their photos: {rules}", soft_wrap=True)
    if upload.copies:
        what = f"{counted(len(upload.copies), 'photo')} with the bytes of another one, never picked"
        console.print(f"[yellow]![/] {what}:")
        _list([_refused(copy) for copy in upload.copies], _say)
    if upload.stretched:
        console.print(f"Stretched from 16 to 8 bits: {counted(len(upload.stretched), 'photo')}")
        changes = upload.stretched.items()
        _list(
            [f"{escaped(name)}: {black} became black, {white} white" for name, (black, white) in changes],
            _say,
        )
    if upload.photos:
        console.print(f"Left out: {counted(upload.photos, 'file')} that are photos of the pool")
    if said := contents():
        console.print(said, soft_wrap=True)
    return report_rejected(upload.rejected)


def report_others(found: Found) -> bool:
    """Say which files were not sent, and why. Returns whether all images could be sent."""
    if found.junk:
        console.print(f"[dim]Left out: {counted(found.junk, 'hidden or system file')}[/]")
    if found.skipped:
        console.print(f"Left out: {counted(len(found.skipped), 'file')}")
        _list([_refused(refusal) for refusal in found.skipped], _say)
    names = {refusal.path.name.lower() for refusal in found.skipped}
    if any(name.endswith(".json") for name in names - {"classes.json"}):
        console.print("JSON of a labelling tool is read by `fewpairs import POOL FOLDER --format …`.")
    return report_rejected(found.rejected)


def report_rejected(rejected: Sequence[Refusal]) -> bool:
    if rejected:
        complain(f"{len(rejected)} refused:")
        _list([_refused(refusal) for refusal in rejected], lambda line: errors.print(line, soft_wrap=True))
    if any(refusal.type in UNMATCHED for refusal in rejected):
        errors.print(SAY_PAIRS, soft_wrap=True)
    return not rejected


def _list(lines: Sequence[str], say: Callable[[str], None]) -> None:
    for line in lines[:SHOWN]:
        say(f"  {line}")
    if len(lines) > SHOWN:
        say(f"  … and {len(lines) - SHOWN} more")


def _say(line: str) -> None:
    console.print(line, soft_wrap=True)


def _refused(refusal: Refusal) -> str:
    return f"{escaped(_text(refusal.path))}: {escaped(refusal.reason)} [dim]({refusal.type})[/]"


def _text(path: Path) -> str:
    """The path as a terminal can show it, whatever bytes it has."""
    return str(path).encode(errors="surrogateescape").decode(errors="backslashreplace")
