"""`fewpairs login`"""

import socket
from typing import Annotated

import httpx
import typer

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.output import console
from fewpairs.client import Client
from fewpairs.credentials import keep_key
from fewpairs.errors import FewpairsError


@app.command(rich_help_panel=CONTROL)
def login(
    server: Annotated[str, typer.Argument(metavar="URL", help="Address of the service.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="Your name there, or empty if you have a key; default: it is asked for.", show_default=False
        ),
    ] = None,
) -> None:
    """Keep a key for a service on this machine, so that it knows who asks.

    With a name and a password, a new key is made; `fewpairs key revoke` ends it.
    """
    if name is None:
        name = typer.prompt("Name, or Enter to give a key", default="", show_default=False)
    if name:
        key = _new_key(server, name, typer.prompt("Password", hide_input=True))
    else:
        key = typer.prompt("Key", hide_input=True).strip()
    with Client(server, key) as client:
        me = client.me()
        keep_key(client.server, key)
    console.print(
        f"[green]✓[/] You are {me['name']} at {server}{', an administrator' if me['admin'] else ''}"
    )


def _new_key(server: str, name: str, password: str) -> str:
    """Log in as a browser does, and make a key. Raises FewpairsError."""
    address = server.rstrip("/")
    try:
        with httpx.Client(base_url=address, headers={"Origin": address}, timeout=60) as http:
            answer = http.post("/session", json={"name": name, "password": password})
            if answer.is_success:
                answer = http.post("/keys", json={"label": f"fewpairs login on {socket.gethostname()}"[:100]})
            if not answer.is_success:
                raise FewpairsError.of(answer)
            http.delete("/session")
            return str(answer.json()["key"])
    except (httpx.TransportError, httpx.UnsupportedProtocol) as error:
        raise FewpairsError(f"Nothing answers at {server}: {error}.") from error
