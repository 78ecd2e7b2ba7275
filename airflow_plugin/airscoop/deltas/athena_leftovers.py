"""What runs that were killed have left in the Glue catalog, and below the results in S3."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from airscoop.cleaning_up import quietly
from airscoop.process_mark import has_ended

log = logging.getLogger(__name__)

PREFIX = "airscoop_"
NAME = re.compile(rf"({PREFIX}[0-9a-f]{{32}})_(old|new)")
# Athena ends a query after half an hour, or what the account has raised that to; a run has two.
MOST_SECONDS = 6 * 3600.0


@dataclass(frozen=True, kw_only=True)
class MadeTable:
    """A table of the catalog. mark: of the process that made it (`process_mark`), "" if it is not
    known. age_seconds: by Glue's own clock.
    """

    name: str
    mark: str
    age_seconds: float

    @property
    def run(self) -> str | None:
        """The run that made it; None of a table that is none of ours."""
        found = NAME.fullmatch(self.name)
        return None if found is None else found[1]

    @property
    def is_left(self) -> bool:
        """Whether its run has ended without removing it."""
        return self.run is not None and (has_ended(self.mark) or self.age_seconds > MOST_SECONDS)


def remove_left(
    tables: Iterable[MadeTable],
    *,
    drop: Callable[[str], object],
    discard: Callable[[str], object],
) -> None:
    """Removes the tables of runs that have ended, and what those have left below the results."""
    for table in tables:
        if table.is_left and table.run is not None:
            log.info("%s was left by a run that was killed, and is removed", table.name)
            quietly(f"what {table.run} has left in S3", partial(discard, table.run))
            quietly(f"the Glue table {table.name}", partial(drop, table.name))
