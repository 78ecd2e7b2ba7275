"""The verb delta."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, cast, get_args

from airscoop.cli import streams
from airscoop.cli.csv_dialect import add_csv, csv_of
from airscoop.cli.flags import (
    PLACES,
    add_quiet,
    add_record_rules,
    add_s3,
    count,
    s3_of,
    size,
)
from airscoop.cli.output import add_json, show
from airscoop.deltas.options import (
    DEFAULTS,
    DeltaOptions,
    Duplicates,
    EmptyKey,
    Engine,
    GoneColumns,
    Numbers,
    SchemaChange,
    TableFormat,
)

if TYPE_CHECKING:
    from airscoop import AthenaSettings
    from airscoop._native import DeltaFacts
    from airscoop.aws.settings import S3Settings
    from airscoop.deltas.result import Delta


def ratio(text: str) -> float:
    """A part of a whole, 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return number


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "delta",
        help="what changed between two exports of a table",
        description="Compare two full exports of a table by key: INSERT, UPDATE and DELETE as JSON "
        "lines. CSV or JSON lines, gzip or plain.",
    )
    verb.add_argument("old", help=f"{PLACES.partition(', or -')[0]}; - for none: all is new")
    verb.add_argument("new", help="the same")
    verb.add_argument("--key", action="append", metavar="COLUMN", help="default PK; repeatable")
    verb.add_argument("--out", metavar="DST", help="s3://bucket/key, a path, or - for stdout")
    verb.add_argument(
        "--format",
        choices=get_args(TableFormat),
        default=DEFAULTS["format"],
        help="of both exports (default %(default)s)",
    )
    verb.add_argument(
        "--on-duplicates",
        choices=get_args(Duplicates),
        default=DEFAULTS["on_duplicates"],
        help="when a key is there twice: an error, or the last row counts",
    )
    verb.add_argument(
        "--on-empty-key",
        choices=get_args(EmptyKey),
        default=DEFAULTS["on_empty_key"],
        help="when a part of a key of several columns is empty; all of them may never be",
    )
    verb.add_argument(
        "--on-schema-change",
        choices=get_args(SchemaChange),
        default=DEFAULTS["on_schema_change"],
        help="when a column is new or gone: an error; all are compared, null where an export lacks "
        "one; or those that both have, where other columns' changes are lost",
    )
    verb.add_argument(
        "--gone-columns",
        choices=get_args(GoneColumns),
        default=DEFAULTS["gone_columns"],
        help="of --on-schema-change all: columns that are gone become null, or are dropped from "
        "rows",
    )
    verb.add_argument(
        "--numbers",
        choices=get_args(Numbers),
        default=DEFAULTS["numbers"],
        help="of JSON lines: those differ whose digits do, or those of other value (keys: always)",
    )
    add_record_rules(verb)
    verb.add_argument(
        "--max-delete-ratio",
        type=ratio,
        default=DEFAULTS["max_delete_ratio"],
        metavar="PART",
        help="refuse more deletes than this part of the old rows (default %(default)s)",
    )
    verb.add_argument(
        "--max-update-ratio",
        type=ratio,
        metavar="PART",
        help="refuse more updates than this part of the old rows (default: all may change)",
    )
    verb.add_argument(
        "--min-rows",
        type=count,
        default=DEFAULTS["min_rows"],
        metavar="N",
        help="refuse a new export with fewer rows (default %(default)s)",
    )
    verb.add_argument("--version", metavar="TEXT", help="of the new export; goes into the ids")
    verb.add_argument("--dataset", metavar="TEXT", help="which table, for apply: TENANT/TABLE, say")
    verb.add_argument("--previous", metavar="TEXT", help="the version of the old export")
    verb.add_argument("--memory-limit", type=size, metavar="SIZE", help="default 64M")
    verb.add_argument("--max-record-bytes", type=size, metavar="SIZE", help="default 4M")
    verb.add_argument("--temp-dir", metavar="FOLDER", help="default $TMPDIR or /tmp")
    verb.add_argument("--allow-unknown-length", action="store_true", help="as for copy")
    add_csv(verb)
    _add_athena(verb)
    add_s3(verb)
    add_quiet(verb)
    add_json(verb)
    verb.set_defaults(run=run_delta)


def _add_athena(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group(
        "Athena", "for exports beyond one machine: CSV in S3, or tables of the Glue catalog"
    )
    group.add_argument(
        "--engine",
        choices=get_args(Engine),
        default="local",
        help="where the exports are compared (default %(default)s)",
    )
    group.add_argument("--athena-database", metavar="NAME", help="of the Glue catalog")
    group.add_argument("--athena-results", metavar="S3_PREFIX", help="where Athena writes")
    group.add_argument(
        "--athena-workgroup",
        metavar="NAME",
        default="primary",
        help="whose queries they are (default %(default)s)",
    )
    group.add_argument(
        "--athena-empty-is-null", action="store_true", help="empty values are NULL, not texts"
    )


def _athena(options: argparse.Namespace) -> AthenaSettings | None:
    """What the flags say of Athena; None of the other engine."""
    if options.engine != "athena":
        return None
    from airscoop import AthenaSettings
    from airscoop.errors import UsageError

    if options.athena_database is None or options.athena_results is None:
        raise UsageError("--engine athena needs --athena-database and --athena-results")
    return AthenaSettings(
        database=options.athena_database,
        results=options.athena_results,
        workgroup=options.athena_workgroup,
        empty_is_null=options.athena_empty_is_null,
    )


def _compared(options: argparse.Namespace, settings: S3Settings) -> DeltaOptions:
    flags = {name: getattr(options, name) for name in DEFAULTS if name in options}
    flags |= {"key": options.key or DEFAULTS["key"], "s3": settings}
    flags["csv"] = csv_of(options)
    return cast(DeltaOptions, flags)


def run_delta(options: argparse.Namespace) -> int:
    """airscoop delta OLD NEW"""
    from airscoop.deltas.job import delta_job

    settings = s3_of(options)
    job = delta_job(
        None if options.old == "-" else options.old,
        options.new,
        engine=options.engine,
        athena=_athena(options),
        **_compared(options, settings),
    )
    if options.out is not None:
        job.refuse_destination(options.out, s3=settings)
    delta = job.run(on_progress=None if options.quiet or options.json else _progress)
    return _finish(options, delta, settings)


def _finish(options: argparse.Namespace, delta: Delta, settings: S3Settings) -> int:
    if options.out is not None:
        delta.write(options.out, s3=settings)
    show(delta.receipt, as_json=options.json, data_on_stdout=options.out == "-")
    return 0


def _progress(facts: DeltaFacts | None) -> None:
    if facts is not None and sys.stderr.isatty():
        rows = f"{facts['old']['rows']:,} old and {facts['new']['rows']:,} new rows"
        streams.say(f"\rairscoop: {rows}\x1b[K\r", end="")
