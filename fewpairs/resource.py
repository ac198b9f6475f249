"""What the service describes by a JSON document, and what has an address of its own."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self, TypeVar

from fewpairs.transport import Transport

Item = TypeVar("Item")


class Items(Iterator[Item]):
    """The items of a list, asked for page by page; `made` makes each of its document."""

    def __init__(
        self, transport: Transport, address: str, made: Callable[[dict[str, Any]], Item], **params: Any
    ) -> None:
        self._transport, self._address, self._params = transport, address, params
        self._items = map(made, transport.items(address, **params))

    def __next__(self) -> Item:
        return next(self._items)

    @property
    def total(self) -> int:
        """How many items the whole list has now."""
        params = self._params | {"limit": 1, "total": True}
        return int(self._transport.json("GET", self._address, params=params)["total"])


class Described:
    """Something as the service last described it: `document` is the JSON."""

    def __init__(self, transport: Transport, document: dict[str, Any]) -> None:
        self._transport = transport
        self.document = document


class Resource(Described):
    """Something that can be asked for by its id."""

    collection: ClassVar[str]
    """Address of all of its kind, `/pools` for example."""

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def address(self) -> str:
        return f"{self.collection}/{self.id}"

    @classmethod
    def get(cls, transport: Transport, id: str) -> Self:
        """Ask the service for it. Raises FewpairsError when there is none."""
        return cls(transport, transport.json("GET", f"{cls.collection}/{id}"))

    def delete(self, now: bool = False) -> str:
        """Delete it. Returns until when `undelete` can take that back; with `now` it cannot."""
        return str(self._transport.json("DELETE", self.address, params={"now": now})["gone_at"])

    def undelete(self) -> Self:
        """Take its deletion back. Raises FewpairsError if it is too late."""
        self.document = self._transport.json("POST", f"{self.address}/undelete")
        return self

    def refresh(self) -> Self:
        """Bring the document up to date."""
        self.document = self._transport.json("GET", self.address)
        return self
