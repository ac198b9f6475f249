"""Keys of programs and sessions of browsers: random texts of 256 bits, of which only the SHA-256 is kept."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from store import clock, events, tables
from store.clock import from_now
from store.pages import newest_first
from store.principals import Principal
from store.tables import ApiKey, LoginSession

MARK = "fp_"
"""How every key begins, so that a search for leaked keys finds them."""
PREFIX_LENGTH = len(MARK) + 8
USE_NOTED_S = 60
"""The use of a key is written down at most this often."""
SESSION_S = 30 * 24 * 3600.0


@dataclass(frozen=True)
class Holder:
    """The principal of a key."""

    principal: Principal
    key_id: uuid.UUID
    is_use_noted: bool
    """Whether a use within the last minute was written down."""


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal; the time it takes tells nothing about them."""
    return hmac.compare_digest(one.encode(), other.encode())


def add_key(
    session: Session, principal_id: uuid.UUID, label: str, lifetime_s: float | None = None
) -> tuple[ApiKey, str]:
    """Make a key, which expires after `lifetime_s` or never. The text beside it is kept nowhere."""
    prefix = MARK + secrets.token_hex(4)
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        principal_id=principal_id,
        prefix=prefix,
        digest=digest_of(text),
        label=label,
        expires_at=None if lifetime_s is None else from_now(lifetime_s),
    )
    session.add(key)
    session.flush()
    session.refresh(key)
    events.add(session, None, "created", "key", key.id, user=str(principal_id), label=label)
    return key, text


def holder(session: Session, text: str) -> Holder | None:
    """Who holds this key; None if there is no such key or it does not count any more."""
    found = beginning(session, text[:PREFIX_LENGTH])
    return found[0] if found and same(found[1], digest_of(text)) else None


def beginning(session: Session, prefix: str) -> tuple[Holder, str] | None:
    """Who holds the valid key that begins so, and the digest of the key; None if there is none."""
    is_noted = ApiKey.last_used_at > from_now(-USE_NOTED_S)
    query = (
        select(ApiKey, tables.Principal, is_noted)
        .join(tables.Principal, tables.Principal.id == ApiKey.principal_id)
        .where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
        .where(or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > from_now(0)))
        .where(tables.Principal.disabled_at.is_(None))
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    key, principal, noted = row
    return Holder(Principal.of(principal), key.id, bool(noted)), key.digest


def note_use(session: Session, key_id: uuid.UUID) -> None:
    session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=from_now(0)))


def keys(
    session: Session, principal_id: uuid.UUID, *, before: uuid.UUID | None, limit: int
) -> Sequence[ApiKey]:
    """Keys of a principal that are older than the key `before`, newest first; revoked ones too."""
    query = newest_first(select(ApiKey), ApiKey, before, limit, principal_id=principal_id)
    return session.scalars(query).all()


def key(session: Session, key_id: uuid.UUID) -> ApiKey | None:
    return session.get(ApiKey, key_id)


def revoke(session: Session, key: ApiKey) -> None:
    """End a key for good."""
    if key.revoked_at is None:
        key.revoked_at = clock.now(session)
        events.add(session, None, "revoked", "key", key.id, user=str(key.principal_id), label=key.label)


def open_session(session: Session, principal_id: uuid.UUID) -> str:
    """Log a browser in, for SESSION_S. The text for its cookie is kept nowhere."""
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= from_now(0)))
    text = secrets.token_urlsafe(32)
    opened = LoginSession(principal_id=principal_id, digest=digest_of(text), expires_at=from_now(SESSION_S))
    session.add(opened)
    session.flush()
    return text


def logged_in(session: Session, text: str) -> Principal | None:
    """Who is logged in with this cookie; None if nobody is any more."""
    query: Select[tables.Principal] = (
        select(tables.Principal)
        .join(LoginSession, LoginSession.principal_id == tables.Principal.id)
        .where(LoginSession.digest == digest_of(text), LoginSession.expires_at > from_now(0))
        .where(tables.Principal.disabled_at.is_(None))
    )
    found = session.scalar(query)
    return Principal.of(found) if found else None


def close_session(session: Session, text: str) -> None:
    session.execute(delete(LoginSession).where(LoginSession.digest == digest_of(text)))


def close_sessions(session: Session, principal_id: uuid.UUID) -> None:
    """Log a principal out everywhere."""
    session.execute(delete(LoginSession).where(LoginSession.principal_id == principal_id))


def digest_of(text: str) -> str:
    """What is kept of a secret text."""
    return hashlib.sha256(text.encode()).hexdigest()
