"""`fewpairs import`"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.follow import wait_with_status
from fewpairs.cli.options import JsonOption, ServerOption
from fewpairs.cli.output import complain, console, counted, errors, escaped, folded, print_json, right
from fewpairs.client import Client
from fewpairs.errors import FewpairsError
from fewpairs.jobs import Job
from fewpairs.pool import Pool
from formats.catalog import FORMATS

UNLABELLED = "unlabelled"
SHOWN = 20
"""The most refused label maps, and classes, that are named."""


@app.command("import", rich_help_panel=LOOP)
def import_annotations(
    pool: Annotated[str, typer.Argument(help="Name or id of the pool.", show_default=False)],
    export: Annotated[
        Path, typer.Argument(help="The export: a folder, a zip, a tar or a JSON.", show_default=False)
    ],
    format: Annotated[
        str, typer.Option(help="; ".join(f"{name}: {what}" for name, what in FORMATS.items()) + ".")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Import without showing it first.")] = False,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="LABEL=CLASS",
            help=f"The class that a label means, or {UNLABELLED}. The pool keeps it for later imports.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace annotations that the photos have now.")
    ] = False,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Import label maps from another tool: first shown, then made in one go."""
    target = Client(server).pool(pool)
    mapping = _mapping(answers or [])
    if dry_run or not yes:
        shown = _run(target, export, format, mapping, replace, dry_run=True).result
        if as_json and dry_run:
            return print_json(shown)
        _report(shown, errors if as_json else console)
        has_questions = _ask(shown)
        if dry_run:
            return None
        if has_questions:
            raise typer.Exit(1)
        if not shown["taken"] + shown["replaced"]:
            raise FewpairsError("There is nothing to import.")
        if not typer.confirm("Import?", err=as_json):
            raise typer.Exit(1)
    job = _run(target, export, format, mapping, replace, dry_run=False)
    done = job.result
    if as_json:
        print_json(done)
    else:
        _report(done, console)
        if done["taken"] + done["replaced"]:
            console.print(f"[dim]`fewpairs revert --import {job.id}` takes that back.[/]", soft_wrap=True)
    if _ask(done) or done["refused"] or done["left_out"]:
        raise typer.Exit(1)
    return None


def _run(
    pool: Pool, export: Path, format: str, mapping: dict[str, str | None], replace: bool, *, dry_run: bool
) -> Job:
    job = pool.import_annotations(export, format, mapping=mapping, dry_run=dry_run, replace=replace)
    return wait_with_status(console, job, "Looking through the export" if dry_run else "Importing")


def _mapping(answers: list[str]) -> dict[str, str | None]:
    mapping: dict[str, str | None] = {}
    for answer in answers:
        label, equals, name = answer.rpartition("=")
        if not equals or not label or not name:
            raise FewpairsError(f"--map takes LABEL=CLASS or LABEL={UNLABELLED}, not {answer}.")
        mapping[label] = None if name == UNLABELLED else name
    return mapping


def _report(result: dict[str, Any], out: Any) -> None:
    would = "would be " if result["dry_run"] else ""
    counts = ", ".join(
        f"{result[outcome]} {would}{outcome}"
        for outcome in ("taken", "replaced", "unchanged", "refused")
        if result[outcome]
    )
    out.print(f"{counted(result['file_count'], 'label map')}: {counts}")
    if result["pixels"]:
        out.print(_pixels(result))
    if result["overlapped"]:
        out.print(f"{counted(result['overlapped'], 'pixel')} under several regions: the last one counts")
    for label in result["labels"]:
        if label["by"] in ("colour", "mapping") or label["class"] not in (None, label["label"]):
            means = escaped(label["class"] or UNLABELLED)
            out.print(f"{escaped(label['label'])} means {means} [dim](by {label['by']})[/]", soft_wrap=True)
    refused = [line for line in result["files"] if line["outcome"] == "refused"]
    for line in [*refused, *result["left_out"]][:SHOWN]:
        reason = f"{escaped(line['reason'])} [dim]({line['type']})[/]"
        out.print(f"  {escaped(line['file'])}: {reason}", soft_wrap=True)
    for line in result["files"]:
        for note in line["notes"]:
            out.print(f"  {escaped(line['file'])}: {escaped(note)}", soft_wrap=True)
    more = result["refused"] + len(result["left_out"]) - SHOWN
    if more > 0:
        out.print(f"  … and {more} more")


def _pixels(result: dict[str, Any]) -> Table:
    total = sum(result["pixels"].values()) + result["unlabelled"]
    table = Table(folded("Class"), *map(right, ("Pixels", "Share")))
    largest = sorted(result["pixels"].items(), key=lambda entry: -entry[1])
    for name, pixels in [*largest[:SHOWN], (UNLABELLED, result["unlabelled"])]:
        table.add_row(escaped(name), f"{pixels:,}", f"{pixels / max(1, total):.1%}")
    return table


def _ask(result: dict[str, Any]) -> bool:
    """Ask about unknown labels, all at once. Returns whether there are any."""
    unknown = result["unknown_labels"]
    if unknown:
        complain(f"The pool has no class for these labels. Say what each means, a class or {UNLABELLED}:")
    for label in unknown:
        line = f"  --map '{escaped(label['label'])}=…'  [dim]{counted(label['pixels'], 'pixel')}[/]"
        errors.print(line, soft_wrap=True)
    return bool(unknown)
