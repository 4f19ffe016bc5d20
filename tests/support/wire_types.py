"""All wire types by name."""

import importlib
import pkgutil

from au2 import wire
from au2.wire.base import WireType


def all_wire_types() -> dict[str, type[WireType]]:
    """Return every class of the package ``au2.wire``, by name."""
    for module in pkgutil.iter_modules(wire.__path__):
        importlib.import_module(f"au2.wire.{module.name}")
    found: dict[str, type[WireType]] = {}
    waiting: list[type[WireType]] = [WireType]
    while waiting:
        kind = waiting.pop()
        if kind.__module__.startswith("au2."):
            found[kind.__name__] = kind
        waiting.extend(kind.__subclasses__())
    return found
