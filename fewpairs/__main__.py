"""`python -m fewpairs` is the `fewpairs` command."""

from fewpairs.cli import app

app(prog_name="fewpairs")
