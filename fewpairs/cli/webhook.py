"""`fewpairs webhook create|list|delete|ping|deliveries`"""

from typing import Annotated

import typer
from rich.table import Table

from fewpairs.cli.application import CONTROL, app
from fewpairs.cli.options import JsonOption, PoolOption, ServerOption, find_pool
from fewpairs.cli.output import console, folded, moment, print_json, right, whole
from fewpairs.client import Client
from fewpairs.webhooks import Webhooks

webhook_app = typer.Typer(no_args_is_help=True, help="Tell other programs what happens in a pool.")
app.add_typer(webhook_app, name="webhook", rich_help_panel=CONTROL)

WebhookArgument = Annotated[str, typer.Argument(help="Id of the webhook.", show_default=False)]


@webhook_app.command("create")
def create(
    url: Annotated[str, typer.Argument(help="Where messages are sent, https://….", show_default=False)],
    types: Annotated[
        list[str] | None,
        typer.Option("--on", help="Of what: job.ended, annotation.made or selection.made. Default: all."),
    ] = None,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """Have an address told what happens, and print the secret that its messages are signed with."""
    made = _of(server, pool).add(url, types)
    if as_json:
        return print_json(made)
    console.print(f"[green]✓[/] Webhook {made['id']} is told of {', '.join(made['types'])}.")
    console.print("Its secret, which is not shown again:")
    typer.echo(made["secret"])


@webhook_app.command("list")
def list_webhooks(pool: PoolOption = None, as_json: JsonOption = False, server: ServerOption = None) -> None:
    """List the webhooks of a pool."""
    found = list(_of(server, pool))
    if as_json:
        return print_json(found)
    table = Table(whole("Id"), "On", folded("Address"))
    for webhook in found:
        table.add_row(webhook["id"], ", ".join(webhook["types"]), webhook["url"])
    console.print(table if found else "The pool has no webhooks.")


@webhook_app.command("delete")
def delete(webhook: WebhookArgument, pool: PoolOption = None, server: ServerOption = None) -> None:
    """Send no more messages to an address."""
    _of(server, pool).delete(webhook)
    console.print(f"[green]✓[/] Webhook {webhook} is deleted.")


@webhook_app.command("ping")
def ping(webhook: WebhookArgument, pool: PoolOption = None, server: ServerOption = None) -> None:
    """Send a message now, and say whether it was taken."""
    sent = _of(server, pool).ping(webhook).wait()
    console.print(f"[green]✓[/] The message was taken, with status {sent.result['status']}.")


@webhook_app.command("deliveries")
def deliveries(
    webhook: WebhookArgument,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of messages to show.")] = 20,
    pool: PoolOption = None,
    as_json: JsonOption = False,
    server: ServerOption = None,
) -> None:
    """List what was sent to a webhook, newest first."""
    found = [one for one, _ in zip(_of(server, pool).deliveries(webhook), range(limit), strict=False)]
    if as_json:
        return print_json(found)
    table = Table("When", "What", "State", right("Attempts"), folded("Last error"))
    for one in found:
        error = (one["error"] or {}).get("detail", "")
        table.add_row(
            moment(one["created_at"]), one["message"]["type"], one["state"], str(one["attempts"]), error
        )
    console.print(table if found else "Nothing was sent to it yet.")


def _of(server: str | None, pool: str | None) -> Webhooks:
    return find_pool(Client(server), pool).webhooks
