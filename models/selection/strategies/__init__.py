"""Selection strategies, each a function from a `Problem` to ordered picks. `models.catalog` names them."""

from pkgutil import resolve_name

from models.catalog import STRATEGIES
from models.selection.problem import Strategy


def strategy_named(name: str) -> Strategy:
    """The function of a strategy. ValueError lists the known ones."""
    if name not in STRATEGIES:
        raise ValueError(f"There is no strategy {name!r}: choose one of {', '.join(STRATEGIES)}.")
    strategy: Strategy = resolve_name(STRATEGIES[name].implementation)
    return strategy
