"""All classes of receipts, and one of each."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from typing import Any

import airscoop
from airscoop import receipts
from airscoop.transfer import leftover_uploads

MODULES = [
    importlib.import_module(f"airscoop.receipts.{one.name}")
    for one in pkgutil.iter_modules(receipts.__path__)
]
KINDS = sorted(
    {
        cls
        for module in (*MODULES, leftover_uploads)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, airscoop.Receipt)
    }
    - {airscoop.Receipt},
    key=lambda cls: cls.__name__,
)


def names_of(cls: type[airscoop.Receipt]) -> dict[str, Any]:
    """A value for each field: its name, but for those of the envelope."""
    named = {field.name: field.name for field in dataclasses.fields(cls)}
    return named | {"seconds": 1.5, "finished_at": "2026-03-01T00:00:01.000+00:00"}
