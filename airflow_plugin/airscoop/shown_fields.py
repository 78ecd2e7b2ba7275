"""The repr of settings that hold addresses, which may have a login in them."""

from __future__ import annotations

import dataclasses
import os

from airscoop import _native


class ShownFields:
    """A dataclass whose repr shows texts as messages do; it is declared with repr=False."""

    def __repr__(self) -> str:
        fields = [
            f"{field.name}={_shown(getattr(self, field.name))}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if field.repr
        ]
        return f"{type(self).__name__}({', '.join(fields)})"


def _shown(value: object) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        return repr(_native.displayed(value.encode(errors="surrogateescape")))
    return repr(value)
