"""Wrong but plausible values, for whatever a public callable takes."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import airscoop


class Silent:
    """What nobody may ask for its text."""

    def __repr__(self) -> str:
        raise AssertionError("the text of a foreign object was asked for")

    __str__ = __repr__


HUGE = 10**5000  # Python itself refuses to write it out
VALUES: dict[str, Any] = {
    "no": "no",
    "empty": "",
    "NUL": "\0",
    "no UTF-8": "\udcff",
    "long": "x" * 5000,
    "-1": -1,
    "2**70": 2**70,
    "-2**70": -(2**70),
    "huge": HUGE,
    "1.5": 1.5,
    "nan": math.nan,
    "infinite": math.inf,
    "complex": 3 + 4j,
    "object": Silent(),
    "list": [],
    "list of 1": [1],
    "list of None": [None],
    "mapping": {},
    "mapping of 1": {1: 2},
    "bytes": b"x",
    "tuple": ("a",),
    "function": len,
    "set": set(),
    "datetime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "class": airscoop.S3Settings,
    "iterator": iter(()),
    "...": ...,
    "path": Path("x"),
}
