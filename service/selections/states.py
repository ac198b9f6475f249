"""What a pool's selections depend on, kept in memory until something is added to the pool."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from store import selections
from store.selections import State

MOST_STATES = 256

Token = tuple[int, int]


class States:
    """The states of pools' splits, each read anew only when its token is another, as it hashes all rows."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, str], tuple[Token, State]] = {}

    def of(self, session: Session, pool_id: UUID, splits: Sequence[str]) -> list[State]:
        """The state of each split."""
        token = selections.token(session, pool_id)
        return [self._of(session, pool_id, split, token) for split in splits]

    def _of(self, session: Session, pool_id: UUID, split: str, token: Token) -> State:
        known = self._known.get((pool_id, split))
        if known is None or known[0] != token:
            known = token, selections.state(session, pool_id, split)
            while len(self._known) >= MOST_STATES:
                self._known.pop(next(iter(self._known)), None)
            self._known[pool_id, split] = known
        return known[1]
