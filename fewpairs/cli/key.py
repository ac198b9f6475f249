"""`fewpairs key`"""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, ServerOption
from fewpairs.cli.output import console, folded, moment, print_json, whole
from fewpairs.client import Client

group = typer.Typer(no_args_is_help=True, help="Keys, with which programs use the service for you.")
app.add_typer(group, name="key", rich_help_panel=CONTROL)

UserOption = Annotated[
    str | None, typer.Option("--user", help="Whose key, for administrators; default: yours.")
]


@group.command()
def create(
    label: Annotated[str, typer.Argument(help="What the key is for.")],
    days: Annotated[
        float | None, typer.Option(help="Days for which it is valid; default: for ever.", show_default=False)
    ] = None,
    user: UserOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Make a key and print it. The service keeps only a digest, so it cannot be shown again."""
    made = Client(server).create_key(label, days, user)
    if as_json:
        return print_json(made)
    typer.echo(made["key"])


@group.command("list")
def list_keys(user: UserOption = None, as_json: JsonOption = False, server: ServerOption = None) -> None:
    """List your keys: how each begins, what it is for and when it was last used."""
    keys = list(Client(server).list_keys(user))
    if as_json:
        return print_json(keys)
    table = Table(
        whole("Key"),
        folded("For"),
        *map(whole, ("Made (UTC)", "Last used", "Valid until")),
        folded("Id"),
    )
    for key in keys:
        until = "revoked" if key["revoked_at"] else (key["expires_at"] or "for ever")[:10]
        moments = (moment(key["created_at"]), _moment(key["last_used_at"], "never"), until)
        table.add_row(f"{key['prefix']}…", Text(key["label"]), *moments, key["id"])
    console.print(table if keys else "You have no key: make one with `fewpairs key create LABEL`.")


@group.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, or how it begins: fp_ and 8 characters.")],
    user: UserOption = None,
    server: ServerOption = None,
) -> None:
    """End a key at once."""
    client = Client(server)
    ids = [found["id"] for found in client.list_keys(user) if key in (found["id"], found["prefix"])]
    revoked = client.revoke_key(ids[0] if ids else key)
    console.print(f"[green]✓[/] {revoked['prefix']}… is not valid any more")


def _moment(text: str | None, otherwise: str) -> str:
    return moment(text) if text else otherwise
