"""`fewpairs log`"""

from pathlib import Path
from typing import Annotated

import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import ServerOption
from fewpairs.cli.output import console, counted, escaped
from fewpairs.client import Client


@app.command(rich_help_panel=CONTROL)
def log(
    job: Annotated[str, typer.Argument(help="Id of a training.", show_default=False)],
    lines: Annotated[int, typer.Option(min=1, max=1000, help="Largest number of lines to show.")] = 100,
    samples: Annotated[
        Path | None, typer.Option(help="A folder to save its sample sheets in, step-N.png.")
    ] = None,
    server: ServerOption = None,
) -> None:
    """Show the end of what a training printed, while it trains or later."""
    training = Client(server).job(job)
    for line in training.log(lines):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if samples:
        samples.mkdir(parents=True, exist_ok=True)
        steps = training.samples()
        for step in steps:
            training.save_sample(step, samples / f"step-{step}.png")
        sheets = counted(len(steps), "sample sheet")
        console.print(f"[green]✓[/] {sheets} in {escaped(str(samples))}")
