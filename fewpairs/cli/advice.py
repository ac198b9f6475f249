"""`fewpairs advice`"""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from fewpairs.cli.application import LOOP, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, counted, duration, print_json
from fewpairs.client import Client
from models.advice import DEVICES

TRAININGS = {
    "training": "Train the model to keep",
    "preview": "See a model in seconds",
    "paper": "Compare with the paper's method",
}


@app.command(rich_help_panel=LOOP)
def advice(
    pool: PoolOption = None,
    device: Annotated[
        str | None,
        typer.Option(help=f"Where trainings run, {' or '.join(DEVICES)}; default: as the service is set."),
    ] = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Say how to train on what is labelled, and what to label next."""
    target = find_pool(Client(server), pool)
    answer = target.advice(device)
    if as_json:
        return print_json(answer)
    situation = answer["situation"]
    console.print(
        f"[bold]{target.name}[/]: {counted(situation['pairs'], 'pair')}, "
        f"{counted(situation['unpaired_photos'], 'photo')} without a label map"
    )
    for part, purpose in TRAININGS.items():
        if order := answer[part]:
            _tell(f"{purpose}: [bold]{command(order)}[/]{_extent(order)}", order["reasons"])
    if labels := answer["labels"]:
        words = f"fewpairs select --budget {labels['budget']} --strategy {labels['strategy']}"
        _tell(f"Label {counted(labels['budget'], 'more photo')}: [bold]{words}[/]", labels["reasons"])


def command(order: dict[str, Any]) -> str:
    """The command that orders an advised training."""
    options = (f"--option {name}={value}" for name, value in order["options"].items())
    return " ".join(
        ["fewpairs train", f"--method {order['method']}", f"--recipe {order['recipe']}", *options]
    )


def _extent(order: dict[str, Any]) -> str:
    """Size, steps and time of an advised training, as far as they are known."""

    def parts() -> Iterator[str]:
        yield f"{order['image_size']}²"
        if order["total_steps"]:
            yield counted(order["total_steps"], "step")
        if order["minutes"] is not None:
            yield f"about {duration(order['minutes'] * 60)} on two CPU cores"

    return f" ({', '.join(parts())})"


def _tell(title: str, reasons: list[str]) -> None:
    console.print(title, soft_wrap=True)
    for reason in reasons:
        console.print(f"  [dim]{reason}[/]", soft_wrap=True)
