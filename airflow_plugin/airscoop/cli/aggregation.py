"""The verb aggregate."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, cast, get_args

from airscoop.aggregation.options import (
    DEFAULTS,
    AggregateOptions,
    Missing,
    OtherType,
    RecordFormat,
)
from airscoop.cli import streams
from airscoop.cli.csv_dialect import add_csv, csv_of
from airscoop.cli.flags import PLACES, add_quiet, add_record_rules, add_s3, count, s3_of, size
from airscoop.cli.output import add_json, show

if TYPE_CHECKING:
    from airscoop._native import AggregateFacts
    from airscoop.aws.settings import S3Settings


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "aggregate",
        help="count the records of many objects in groups",
        description="Count the records of all sources in groups, in one pass: JSON or CSV, gzip or "
        "plain. Each grouping becomes a file of Parquet or JSON lines.",
    )
    verb.add_argument(
        "sources",
        nargs="+",
        metavar="source",
        help=f"{PLACES.partition(', or -')[0]}; one that ends in / stands for all below it",
    )
    _add_groups(verb)
    verb.add_argument(
        "--format",
        choices=get_args(RecordFormat),
        default=DEFAULTS["format"],
        help="of the records; auto: csv and jsonl by the name, else JSON by the first byte",
    )
    verb.add_argument("--records", metavar="PATH", help="json-array: where in it the array is")
    _add_rules(verb)
    add_record_rules(verb)
    verb.add_argument(
        "--include", action="append", metavar="PATTERN", help="of names below a prefix; repeatable"
    )
    verb.add_argument(
        "--exclude", action="append", metavar="PATTERN", help="the same, to leave out"
    )
    verb.add_argument("--allow-empty", action="store_true", help="no object at all is no error")
    verb.add_argument("--memory-limit", type=size, metavar="SIZE", help="default 64M")
    verb.add_argument("--max-record-bytes", type=size, metavar="SIZE", help="default 4M")
    verb.add_argument("--temp-dir", metavar="FOLDER", help="default $TMPDIR or /tmp")
    verb.add_argument("--allow-unknown-length", action="store_true", help="as for copy")
    add_csv(verb)
    add_s3(verb)
    add_quiet(verb)
    add_json(verb)
    verb.set_defaults(run=run_aggregate)


def _add_groups(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--group-by",
        action="append",
        required=True,
        metavar="NAME=FIELD[:TYPE[:NAME]],…",
        help="a grouping and its columns; TYPE: string (default), int, bigint, double, boolean or "
        "json; repeatable",
    )
    verb.add_argument(
        "--measure",
        action="append",
        metavar="NAME=KIND[:FIELD[:TYPE]]",
        help="of each group; KIND: count, sum, min or max; repeatable (default count=count)",
    )
    verb.add_argument("--top", type=count, metavar="N", help="so many groups, the rest as (other)")
    verb.add_argument(
        "--out", metavar="PREFIX", help="a prefix in S3 or a folder: PREFIX/NAME.parquet"
    )
    verb.add_argument(
        "--out-format",
        choices=("parquet", "jsonl"),
        default="parquet",
        help="of what is written (default %(default)s)",
    )


def _add_rules(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--on-missing",
        choices=get_args(Missing),
        default=DEFAULTS["on_missing"],
        help="when a record lacks a field or has null: a bad record, or NULL (default error)",
    )
    verb.add_argument(
        "--on-other-type",
        choices=get_args(OtherType),
        default=DEFAULTS["on_other_type"],
        help="when a field is of another type: a bad record, or NULL (default error)",
    )
    verb.add_argument(
        "--on-nonfinite",
        choices=("error", "null"),
        default=DEFAULTS["on_nonfinite"],
        help="what to do with NaN and Infinity",
    )
    verb.add_argument(
        "--max-rejected",
        type=count,
        default=DEFAULTS["max_rejected"],
        metavar="N",
        help="bad records that are left out before the run fails (default %(default)s)",
    )
    verb.add_argument("--rejects", metavar="DST", help="where they go, as JSON lines")


def _pairs(given: list[str] | None, flag: str) -> dict[str, str]:
    """NAME=VALUE of each; a UsageError for what is none."""
    from airscoop.errors import UsageError

    found: dict[str, str] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not name or not equals or not value:
            raise UsageError(f"{flag} {text}: write NAME=…")
        if name in found:
            raise UsageError(f"{flag}: {name} is given twice")
        found[name] = value
    return found


def _counted(options: argparse.Namespace, settings: S3Settings) -> AggregateOptions:
    flags = {name: getattr(options, name) for name in DEFAULTS if name in options}
    groupings = _pairs(options.group_by, "--group-by")
    flags["group_by"] = {name: columns.split(",") for name, columns in groupings.items()}
    flags["measures"] = _pairs(options.measure, "--measure") or DEFAULTS["measures"]
    flags["csv"] = csv_of(options)
    flags["s3"] = settings
    return cast(AggregateOptions, flags)


def run_aggregate(options: argparse.Namespace) -> int:
    """airscoop aggregate SOURCE… --group-by NAME=FIELD,…"""
    from airscoop.aggregation.job import AggregateJob

    settings = s3_of(options)
    job = AggregateJob(options.sources, **_counted(options, settings))
    result = job.run(on_progress=None if options.quiet or options.json else _progress)
    if options.out is not None:
        result.write(options.out, format=options.out_format, s3=settings)
    show(result.receipt, as_json=options.json, data_on_stdout=False)
    return 0


def _progress(facts: AggregateFacts) -> None:
    if sys.stderr.isatty():
        streams.say(f"\rairscoop: {facts['records']:,} records\x1b[K\r", end="")
