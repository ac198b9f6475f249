"""`fewpairs user`"""

import subprocess
import sys
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, ServerOption
from fewpairs.cli.output import console, errors, folded, moment, print_json, whole
from fewpairs.client import Client
from fewpairs.errors import FewpairsError, ServerUnreachable

group = typer.Typer(no_args_is_help=True, help="Who may use the service; for administrators.")
app.add_typer(group, name="user", rich_help_panel=CONTROL)

NameArgument = Annotated[str, typer.Argument(help="The name of the user.")]


@group.command()
def create(
    name: NameArgument,
    admin: Annotated[bool, typer.Option("--admin", help="Let them do everything.")] = False,
    with_key: Annotated[
        bool, typer.Option("--key", help="Print a key for them, in place of asking for a password.")
    ] = False,
    server: ServerOption = None,
) -> None:
    """Make a user. The password is asked for.

    With --admin, and if no server answers and none was named, the user is made in the database of this
    machine's settings: a service that others can reach does not start without a first administrator.
    """
    client = Client(server)
    try:
        client.me()
    except ServerUnreachable:
        if server or not admin:
            raise
        return _create_here(name, "" if with_key else _new_password())
    password = None if with_key else _new_password()
    client.create_user(name, password, admin)
    if with_key:
        return typer.echo(client.create_key("first key", user=name)["key"])
    console.print(f"[green]✓[/] {name} can log in: fewpairs login {client.server}")


def _create_here(name: str, password: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "service.access", name],
        input=f"{password}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise FewpairsError(made.stderr.strip())
    if made.stdout:
        typer.echo(made.stdout.strip())
    errors.print(f"[green]✓[/] No service runs here: {name} is made in the database of its settings")


@group.command("list")
def list_users(as_json: JsonOption = False, server: ServerOption = None) -> None:
    """List who may use the service."""
    users = list(Client(server).users())
    if as_json:
        return print_json(users)
    table = Table(folded("User"), *map(whole, ("Administrator", "Password", "Made (UTC)", "Disabled (UTC)")))
    for user in users:
        disabled = moment(user["disabled_at"]) if user["disabled_at"] else ""
        marks = ["yes" if user[field] else "" for field in ("admin", "has_password")]
        table.add_row(Text(user["name"]), *marks, moment(user["created_at"]), disabled)
    console.print(table)


@group.command()
def disable(
    name: NameArgument,
    enable: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
    server: ServerOption = None,
) -> None:
    """Let a user in no more: neither password nor keys count. What they made stays."""
    Client(server).change_user(name, disabled=not enable)
    console.print(f"[green]✓[/] {name} is {'let in again' if enable else 'not let in any more'}")


@group.command()
def password(
    name: Annotated[str | None, typer.Argument(help="The name of the user; default: you.")] = None,
    server: ServerOption = None,
) -> None:
    """Change your password or, as an administrator, somebody else's. It logs all their browsers out."""
    client = Client(server)
    me = client.me()
    is_mine = name in (None, me["name"])
    current = typer.prompt("Password until now", hide_input=True) if is_mine and me["has_password"] else None
    client.set_password(name or me["name"], _new_password(), current)
    console.print("[green]✓[/] The password is changed")


def _new_password() -> str:
    return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
