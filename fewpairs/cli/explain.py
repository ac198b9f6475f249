"""`fewpairs explain`"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted, duration, folded, print_json, right
from fewpairs.client import Client
from fewpairs.explanation import Explanation

SHOWN_NEAREST = 3
KNEE_POINTS = 3
"""A curve of fewer points cannot bend. It has one point per pick, and one more if photos are labelled."""


@app.command(rich_help_panel=LOOP)
def explain(
    selection: Annotated[
        str | None,
        typer.Argument(help="Id of a selection; default: the newest of train photos.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write map.png, curve.png and explanation.json to this folder.")
    ] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Say why these photos were picked, and how many of them are worth labelling."""
    explanation = find_pool(Client(server), pool).explain(selection)
    if as_json:
        print_json(explanation.document)
    else:
        console.print(_numbers(explanation))
        console.print(_picks(explanation))
    if out:
        explanation.save_map(out / "map.png")
        explanation.save_curve(out / "curve.png")
        text = json.dumps(explanation.document, indent=2, ensure_ascii=False)
        (out / "explanation.json").write_text(text, encoding="utf-8")
        if not as_json:
            console.print(f"[green]✓[/] map.png, curve.png and explanation.json in {out}", soft_wrap=True)


def _numbers(explanation: Explanation) -> Table:
    table = Table(show_header=False, box=None)
    table.add_column(style="bold")
    coverage, random = explanation.coverage, explanation.document["random"]
    table.add_row("Selection", f"{explanation.selection_id}: {counted(len(explanation.picks), 'photo')}")
    table.add_row(
        "Coverage",
        f"{coverage['mean']:.3f} on average, {coverage['maximum']:.3f} at most from a photo to the nearest "
        f"picked or labelled one; {coverage['within']:.0%} of the photos are within {coverage['delta']:.3f}",
    )
    table.add_row(
        "Against chance",
        f"better than {_share(explanation.beaten)} {random['draws']:,} random selections of "
        f"{explanation.document['budget']}, whose average is {random['mean']:.3f} "
        f"(90% of them: {random['low']:.3f} to {random['high']:.3f})",
    )
    if left_out := _left_out(explanation):
        table.add_row("Left out", left_out)
    table.add_row("Knee", _knee(explanation))
    if words := explanation.document.get("words"):
        table.add_row("Shown", _shown(words))
    table.add_row("Cost", _cost(explanation))
    return table


def _left_out(explanation: Explanation) -> str:
    counts = explanation.document["left_out"]
    reasons = (("near_test", "too like a test photo"), ("duplicates", "duplicates of others"))
    return ", ".join(f"{counts[name]} {why}" for name, why in reasons if counts[name])


def _share(beaten: float) -> str:
    return {0.0: "none of", 1.0: "all"}.get(beaten, f"{beaten:.1%} of")


def _knee(explanation: Explanation) -> str:
    curve, knee = explanation.curve, explanation.knee
    if knee is None and len(curve) < KNEE_POINTS:
        return f"needs at least {KNEE_POINTS - len(curve) + len(explanation.picks)} picks"
    if knee is None:
        return "none: the curve bends nowhere"
    distance = next(point["mean_distance"] for point in curve if point["budget"] == knee)
    return (
        f"pick {knee} of {len(explanation.picks)} ({distance:.3f} on average), where the curve bends most; "
        "ask for a generous budget before reading it"
    )


def _shown(words: dict[str, Any]) -> str:
    """How much of what all photos show the picks of `words` show, and when that bends."""
    shown = f"patches that look like {words['picks'][-1]['shown']:.0%} of all patches are labelled or picked"
    return shown if words["knee"] is None else f"{shown}; few new ones come after pick {words['knee']}"


def _cost(explanation: Explanation) -> str:
    if (cost := explanation.cost) is None:
        return "not known yet: no pick handed out with `fewpairs assign` was annotated so far"
    each, whole = duration(60 * cost["minutes_per_image"]), duration(60 * cost["minutes"])
    to_knee = cost["minutes_to_knee"]
    until = f", {duration(60 * to_knee)} up to the knee" if to_knee is not None else ""
    return f"{each} an image (the annotators' median): {whole} for all picks{until}"


def _picks(explanation: Explanation) -> Table:
    columns = right("#"), folded("Photo"), right("Stands for"), right("Mean distance"), folded("Nearest")
    table = Table(*columns, title="What each pick stands for", title_justify="left")
    for pick in explanation.picks:
        nearest = [image["name"] for image in pick["nearest"]]
        shown = Text(", ".join(nearest[:SHOWN_NEAREST]))
        count, apart = counted(pick["count"], "photo"), f"{pick['mean_distance']:.3f}"
        table.add_row(str(pick["rank"]), Text(pick["name"]), count, apart, shown)
    return table
