"""Says what a folder or archive holds, photos of splits and their label maps, and asks before it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from fewpairs.cli.output import console, counted, escaped
from fewpairs.errors import FewpairsError
from fewpairs.sources import File, Found
from folders.layout import splits_of

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Plan:
    """What to send: the photos of each split, and label maps to annotate them with."""

    photos: dict[str, list[File]]
    label_maps: Sequence[File]


def agreed(found: Found, directory: Path, split: str | None, yes: bool) -> Plan:
    """The plan for what was found. Where names say more than that they are photos, the user is asked.

    With `split` all photos go there. Raises FewpairsError if the user does not agree or cannot be asked.
    """
    photos, folders = found.photos(), found.label_map_folders
    label_maps = found.label_maps() if folders else []
    names = [file.name for file in photos]
    splits = dict.fromkeys(names, split) if split else splits_of(names)
    parts = {name: [file for file in photos if splits[file.name] == name] for name in SPLITS}
    sent = {name: files for name, files in parts.items() if files}
    if not folders and len(sent) < 2:
        return Plan(sent, [])
    console.print(f"[bold]{escaped(str(directory))}[/] holds, by the names of its folders:", soft_wrap=True)
    for name, files in sent.items():
        console.print(f"  {counted(len(files), f'{name} photo')}{_example(files)}", soft_wrap=True)
    if label_maps:
        where = ", ".join(folders)
        console.print(f"  {counted(len(label_maps), 'label map')} in {escaped(where)}{_example(label_maps)}")
    if not yes:
        _ask(directory)
    return Plan(sent, label_maps)


def _example(files: Sequence[File]) -> str:
    return f"[dim], {escaped(files[0].name)} …[/]" if files else ""


def _ask(directory: Path) -> None:
    try:
        if typer.confirm("Send the photos, and annotate them with the label maps if there are any?"):
            return
        asked = "Nothing was sent."
    except typer.Abort:
        console.print()
        asked = "Nothing was sent, because nobody answered."
    raise FewpairsError(
        f"{asked} Run it again with --yes; or name one folder of {directory}, with --split for its photos."
    )
