"""The systems that are here: the packages below airscoop.systems, found by name."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from airscoop import systems


def modules(part: str) -> dict[str, ModuleType]:
    """The module `part` of every system that has one, by the system's name."""
    found = {}
    for system in pkgutil.iter_modules(systems.__path__):
        name = f"{systems.__name__}.{system.name}.{part}"
        if system.ispkg and importlib.util.find_spec(name):
            found[system.name] = importlib.import_module(name)
    return found
