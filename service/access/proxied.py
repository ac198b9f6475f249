"""Users that a proxy in front of the service has logged in, and names in a header."""

from fastapi import Request

from folders import names
from service.http.names import LONGEST_USER_NAME
from service.http.problems import Forbidden, Problem, Unauthenticated
from service.runtime import Service
from store import principals
from store.principals import OF_SETTINGS, Principal
from store.settings import variable


def named_by_proxy(request: Request) -> str | None:
    """The name of the user in the header of the settings; None if the request has none.

    Raises Unauthenticated if it does not come from a trusted proxy, which alone may name a user.
    """
    service: Service = request.app.state.service
    header = service.settings.proxy_user_header
    given = request.headers.getlist(header) if header else []
    if not given:
        return None
    if not request.state.by_proxy:
        raise _refused(
            f"The header {header} names a user, and the request does not come from a proxy that the service "
            f"trusts: leave the header out, or add the proxy's address to {variable('trusted_proxies')}."
        )
    try:
        [text] = given
        return names.checked_name(text.encode("latin-1").decode(), LONGEST_USER_NAME)
    except (names.BadName, ValueError):
        raise _refused(f"The header {header} has to name one user, in UTF-8.") from None


def user_of_proxy(service: Service, name: str) -> Principal:
    """The user of this name, who is made when a proxy first names them. Raises Forbidden."""
    if name in OF_SETTINGS:
        raise Forbidden(f"The account {name} gets in with a key of the server's settings alone.")
    with service.database.read() as session:
        account = principals.account(session, name)
    if account is None:
        with service.database.write() as session:
            return principals.ensure(session, name, admin=False)
    if account.disabled_at is not None:
        raise Forbidden("This account is disabled: ask an administrator.")
    return Principal.of(account)


def _refused(detail: str) -> Problem:
    return Unauthenticated(detail).with_headers(WWW_Authenticate="Bearer")
