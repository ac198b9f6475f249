"""Say in a refusal which limit of the server applies, and how far it can be raised."""

from service.http.problems import FileTooLarge
from store.settings import Settings, variable


def how_to_raise(settings: Settings, field: str) -> str:
    """Advice to raise this limit, and how far; empty if the limit is already at its maximum."""
    current, highest = getattr(settings, field), _highest(field)
    if highest is not None and current >= highest:
        return ""
    bounds = f"now {current:,}" if highest is None else f"now {current:,}, at most {highest:,}"
    return f", or raise {variable(field)} on the server ({bounds})"


def too_large(settings: Settings, field: str, instead: str) -> FileTooLarge:
    """The refusal of a body larger than the limit; `instead` says what else the client can do."""
    return FileTooLarge(
        f"This server accepts at most {getattr(settings, field):,} bytes here: "
        f"{instead}{how_to_raise(settings, field)}."
    )


def _highest(field: str) -> int | None:
    """The largest value that the setting may have; None if it is not bounded."""
    bounds = (getattr(bound, "le", None) for bound in Settings.model_fields[field].metadata)
    return next((bound for bound in bounds if bound is not None), None)
