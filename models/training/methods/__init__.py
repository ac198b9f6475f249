"""Training methods. Their names, and the facts known without PyTorch, are in `models.catalog`."""

from pkgutil import resolve_name

from models.catalog import method_facts
from models.training.methods.method import Method

__all__ = ["Method", "method_named"]


def method_named(name: str) -> type[Method]:
    """The class of a method. ValueError lists the known ones."""
    method: type[Method] = resolve_name(method_facts(name).implementation)
    return method
