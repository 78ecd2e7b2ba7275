"""Gives the engine's trace to logging: DEBUG lines of the logger `airscoop.trace`.

The engine asks `wanted` when it begins something, and calls `log` about five times a second.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

LOGGER = logging.getLogger("airscoop.trace")


def wanted() -> bool:
    """Whether anybody would see the lines."""
    return LOGGER.isEnabledFor(logging.DEBUG)


def log(lines: Sequence[tuple[float, int, str, str]], lost: int) -> None:
    """Lines as (time, thread, subject, text), and how many more there was no room for."""
    for created, thread, subject, text in lines:
        record = LOGGER.makeRecord(
            LOGGER.name, logging.DEBUG, __file__, 0, "%s: %s", (subject, text), None
        )
        record.relativeCreated += (created - record.created) * 1000
        record.created, record.msecs = created, created % 1 * 1000
        record.thread = thread
        LOGGER.handle(record)
    if lost:
        LOGGER.debug("%d lines of the trace were lost: more came than could be taken", lost)
