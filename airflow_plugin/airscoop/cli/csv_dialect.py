"""The flags that say how CSV is written, the same for every verb that reads it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airscoop.cli.flags import count

if TYPE_CHECKING:
    from airscoop.transfer.csv_dialect import CsvDialect

FIELDS = ("delimiter", "quote", "escape", "encoding", "comment")


def character(text: str) -> str:
    r"""A tab can be written \t or tab, as shells make it hard to type."""
    return "\t" if text in ("\\t", "tab") else text


def add_csv(verb: argparse.ArgumentParser) -> None:
    """Adds them."""
    group = verb.add_argument_group("CSV", "how it is written, where not as RFC 4180 says")
    group.add_argument(
        "--csv-delimiter", type=character, metavar="CHAR", help=r"default a comma; \t for a tab"
    )
    group.add_argument(
        "--csv-quote", metavar="CHAR", help="default a double quote; '' where there are none"
    )
    group.add_argument(
        "--csv-escape", metavar="CHAR", help="makes the next character data; default none"
    )
    group.add_argument(
        "--csv-no-header", action="store_true", help="the first row is one, too; see --columns"
    )
    group.add_argument(
        "--columns",
        type=_names,
        metavar="A,B",
        help="the columns where there is no header",
    )
    group.add_argument(
        "--csv-skip-rows", type=count, default=0, metavar="N", help="lines before the header"
    )
    group.add_argument(
        "--csv-encoding", metavar="NAME", help="such as latin-1, cp1252, utf-16; default UTF-8"
    )
    group.add_argument(
        "--csv-null",
        action="append",
        metavar="TEXT",
        help="a text without quotes that is NULL; repeatable; default: nothing at all",
    )
    group.add_argument("--csv-comment", metavar="TEXT", help="lines that begin so are none")


def _names(text: str) -> list[str]:
    """As a header row would have them, so that a name can have commas within quotes."""
    import csv

    return next(csv.reader([text]), [])


def csv_of(options: argparse.Namespace) -> CsvDialect | None:
    """What the flags say; None when they say nothing."""
    given = {name: getattr(options, f"csv_{name}") for name in FIELDS}
    given |= {"null_values": options.csv_null, "skip_rows": options.csv_skip_rows or None}
    if options.csv_no_header:
        given["header"] = False
    found = {name: value for name, value in given.items() if value is not None}
    if not found:
        return None
    from airscoop.transfer.csv_dialect import CsvDialect

    return CsvDialect(**found)
