"""Somebody has to be able to get in: a service without an administrator does not start."""

from sqlalchemy.orm import Session

from service.runtime import Service
from store import principals
from store.principals import ADMIN, LOCAL, Principal
from store.settings import Settings, variable


class NoAdmin(RuntimeError):
    """Nobody could administer this service."""


def require_admin(session: Session, settings: Settings) -> dict[str, Principal]:
    """The principals of the keys in the settings, by name. Raises NoAdmin if nobody may administer."""
    named = {LOCAL: settings.local_token, ADMIN: settings.admin_key}
    found = {}
    for name in (name for name, key in named.items() if key):
        found[name] = principals.ensure(session, name, admin=True)
    if not found and not principals.has_admin(session):
        raise NoAdmin(
            "Nobody may use this service yet: make an administrator with `fewpairs user create NAME --admin`,"
            f" or set {variable('admin_key')} to a key of your own, as `openssl rand -hex 32` writes one."
        )
    return found


def prepare(service: Service) -> dict[str, Principal]:
    """Do so when the service starts."""
    with service.database.write() as session:
        return require_admin(session, service.settings)
