"""All that the local Athena knows: importing this module fills the tables of functions."""

from __future__ import annotations

from typing import Any

from airscoop.local.athena import (
    aggregates,
    array_functions,
    basic_functions,
    casts,
    json_functions,
    map_functions,
    number_functions,
    operators,
    python_functions,
    regex_functions,
    text_functions,
    time_functions,
    windows,
)
from airscoop.local.athena.functions import FUNCTIONS, SPECIAL

MODULES = (
    aggregates,
    array_functions,
    basic_functions,
    casts,
    json_functions,
    map_functions,
    number_functions,
    operators,
    regex_functions,
    text_functions,
    time_functions,
    windows,
)
_OF_SYNTAX = ("cast", "try_cast", "extract", "position", "trim", "listagg", "if")
KNOWN_FUNCTIONS = tuple(sorted({*FUNCTIONS, *SPECIAL, *_OF_SYNTAX}))
"""The names of all functions that a statement may call."""


def register(connection: Any, sql: str) -> None:
    """Gives a connection of DuckDB the functions that compiled SQL calls."""
    python_functions.register(connection, sql)
