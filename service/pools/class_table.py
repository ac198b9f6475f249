"""Class tables as they appear in JSON, and what one may hold."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    Strict,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from folders.names import BadName, checked_label
from service.colors import far_apart
from service.http.fields import Body
from service.http.names import SPELLED_AS_KEPT
from service.http.problems import InvalidClassTable
from service.pools.presets import PRESETS

Channel = Annotated[int, Field(ge=0, le=255)]
Color = Annotated[tuple[Channel, Channel, Channel], Strict(False)]
LONGEST_NAME = 100
ClassName = Annotated[str, SPELLED_AS_KEPT, Field(min_length=1, max_length=LONGEST_NAME)]
Number = Annotated[int, Field(ge=0, le=65535)]


def _choose_numbers(table: dict[str, Any], classes: list[dict[str, Any]], first: int) -> None:
    """Give the classes from the position `first` on a free number of files, where the position is taken."""
    taken = {table["ignore"], *table.get("ignore_ids", [])}
    taken |= {entry["id"] for entry in classes if entry.get("id") is not None}
    taken |= {place for place, entry in enumerate(classes[:first]) if entry.get("id") is None}
    for place, entry in enumerate(classes[first:], start=first):
        if entry.get("id") is None:
            free = next(number for number in count(place) if number not in taken)
            entry["id"] = None if free == place else free
            taken.add(free)


def _is_unset(value: Any) -> bool:
    return value is None or value == []


class Class(Body):
    name: ClassName
    color: Color | None = Field(
        None,
        description="Red, green, blue, of this class alone. Left out: one far from the others is chosen.",
    )
    id: Number | None = Field(
        None,
        exclude_if=_is_unset,
        description="The number of the class in files. Left out: its position in `classes`.",
    )


class ClassTable(Body):
    """Ordered classes. A label map that counts holds positions in `classes`; `ignore` is unlabelled."""

    ignore: Channel = 255
    ignore_ids: list[Number] = Field(
        default=[],
        max_length=1000,
        exclude_if=_is_unset,
        description="Other numbers that mean unlabelled in files.",
    )
    ignore_color: Color | None = Field(
        None,
        exclude_if=_is_unset,
        description="The colour that means unlabelled in files in class colours.",
    )
    classes: list[Class] = Field(min_length=1, max_length=255)

    @model_validator(mode="after")
    def _unambiguous(self) -> "ClassTable":
        if self.ignore < len(self.classes):
            raise InvalidClassTable(
                f"The ignore index {self.ignore} is also the id of class {self.classes[self.ignore].name}: "
                f"choose one from {len(self.classes)} to 255."
            )
        name, uses = Counter(entry.name for entry in self.classes).most_common(1)[0]
        if uses > 1:
            raise InvalidClassTable(f"Several classes have the name {name}: give each its own.")
        self._check_colors()
        self._check_numbers()
        self._choose_colors()
        return self

    def _check_colors(self) -> None:
        """Refuse a colour that would mean two things."""
        named = {self.ignore_color: "unlabelled pixels (`ignore_color`)"} if self.ignore_color else {}
        for entry in self.classes:
            if entry.color in named:
                raise InvalidClassTable(
                    f"{entry.name} has the colour of {named[entry.color]}, so that no translation could tell "
                    "them apart: give each its own."
                )
            if entry.color:
                named[entry.color] = entry.name

    def _check_numbers(self) -> None:
        """Refuse a number of files that would mean two things."""
        named = dict.fromkeys([self.ignore, *self.ignore_ids], "unlabelled pixels")
        for position, entry in enumerate(self.classes):
            number = position if entry.id is None else entry.id
            if number in named:
                raise InvalidClassTable(
                    f"In files, {number} would be {entry.name} and {named[number]}: give each its own `id`."
                )
            named[number] = entry.name

    def _choose_colors(self) -> None:
        without = [entry for entry in self.classes if entry.color is None]
        taken = [entry.color for entry in self.classes if entry.color]
        taken += [self.ignore_color] if self.ignore_color else []
        for entry, color in zip(without, far_apart(len(without), taken), strict=True):
            entry.color = color


def _named_or_written(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A class table by its name or in full. Errors name the fields of the table, and none of the union's."""
    if value == "rgb":
        return value
    if isinstance(value, str):
        if value not in PRESETS:
            names = ", ".join(["rgb", *PRESETS])
            sentence = f"There is no class table of this name: give {names}, or the classes themselves"
            raise PydanticCustomError("no_class_table", sentence)
        return known_table(value)
    table = ClassTable.model_validate(value)
    _check_new_names([entry.name for entry in table.classes])
    return table


def _check_new_names(names: Iterable[str]) -> None:
    """Refuse names that cannot be told apart by eye. Tables that are stored already stay as they are."""
    for name in names:
        try:
            checked_label(name, LONGEST_NAME)
        except BadName as error:
            raise InvalidClassTable(f"A class cannot have the name {name!a}. {error}") from None


Target = Annotated[ClassTable | Literal["rgb", *PRESETS], WrapValidator(_named_or_written)]  # type: ignore[valid-type]
"""What the label maps of a pool hold: a class table, one that is known by its name, or RGB."""


@cache
def known_table(name: str) -> ClassTable:
    """The class table of a public data set, one of PRESETS."""
    return ClassTable.model_validate(PRESETS[name])


class ClassChange(Body):
    """What changes of a class; its position, which label maps hold, never does."""

    name: ClassName | None = None
    color: Color | None = None


class ClassTableChanges(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"change": {"obj": {"name": "object", "color": [200, 30, 30]}}, "append": [{"name": "sign"}]},
                {"remove": ["sign"]},
            ]
        },
    )

    change: dict[ClassName, ClassChange] = Field(
        default={}, description="By the names that classes have now."
    )
    append: list[Class] = Field(
        default=[],
        description="Classes for the next free positions. If the number that is the position means something "
        "else in files, a class without `id` gets the next free one.",
    )
    remove: list[ClassName] = Field(
        default=[],
        description="The names of the last classes, to take them out of the table. Nothing may use them.",
    )

    def first_removed(self, table: dict[str, Any]) -> int:
        """The position from which on classes are taken out."""
        return len(table["classes"]) - len(set(self.remove))

    def named_in(self, table: dict[str, Any]) -> list[dict[str, Any]]:
        """The classes to change or remove, as they are now."""
        names = {*self.change, *self.remove}
        return [entry for entry in table["classes"] if entry["name"] in names]

    def applied_to(self, table: dict[str, Any]) -> ClassTable:
        """The changed class table. Raises InvalidClassTable if a class is missing, or two would be alike, or
        one to remove is not at the end."""
        known = [entry["name"] for entry in table["classes"]]
        if unknown := [name for name in (*self.change, *self.remove) if name not in known]:
            raise InvalidClassTable(
                f"There is no class {unknown[0]} to change, only {', '.join(known)}: new ones go to `append`."
            )
        first = self.first_removed(table)
        if stays := [name for name in known[first:] if name not in self.remove]:
            raise InvalidClassTable(
                f"Only the last classes can be taken out, as label maps hold positions, and {stays[-1]} is "
                "behind those to remove: remove it too, or rename classes instead."
            )
        new = [change.name for change in self.change.values() if change.name]
        _check_new_names([*new, *(entry.name for entry in self.append)])
        changes = {name: change.model_dump(exclude_none=True) for name, change in self.change.items()}
        classes = [entry | changes.get(entry["name"], {}) for entry in table["classes"][:first]]
        classes += [entry.model_dump() for entry in self.append]
        _choose_numbers(table, classes, first)
        if not classes:
            raise InvalidClassTable("A pool keeps at least one class: rename it instead.")
        if len(classes) > 255 or len(classes) > table["ignore"]:
            raise InvalidClassTable(
                f"The pool has room for {table['ignore']} classes, as {table['ignore']} marks unlabelled "
                "pixels in its label maps: make a pool with a higher `ignore`."
            )
        return ClassTable.model_validate(table | {"classes": classes})
