"""The verbs warehouse, partition, insert, apply, refresh and script."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from airscoop.cli import streams
from airscoop.cli.flags import add_quiet, add_record_rules, add_s3, count, s3_of, size
from airscoop.cli.output import add_json, show, show_found

if TYPE_CHECKING:
    from airscoop.receipts import Receipt
    from airscoop.warehouse.session import Warehouse

DSN_VARIABLE = "AIRSCOOP_WAREHOUSE_DSN"


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE"""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def names(text: str) -> list[str]:
    """Names joined by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verbs to the command line."""
    _add_warehouse(verbs)
    _add_partition(verbs)
    _add_insert(verbs)
    _add_apply(verbs)
    refresh = verbs.add_parser("refresh", help="refresh a materialized view")
    refresh.add_argument("view", help="schema.view")
    _finish(refresh, lambda session, options: session.refresh(options.view))
    script = verbs.add_parser(
        "script",
        help="run a file of SQL, one statement at a time",
        description="Run a file of SQL, one statement at a time, each committed by itself. "
        "${name} within quotes is replaced by --set name=value.",
    )
    script.add_argument("file", help="of statements, with semicolons between")
    script.add_argument(
        "--set",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="variables",
        help="what ${NAME} within quotes stands for; repeatable",
    )
    script.add_argument(
        "--dry-run",
        action="store_true",
        help="run nothing: print the statements as they would be sent",
    )
    _finish(
        script,
        lambda session, options: session.run_script(
            options.file, variables=dict(options.variables), dry_run=options.dry_run
        ),
    )


def _add_warehouse(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    warehouse = verbs.add_parser("warehouse", help="what airscoop keeps in a warehouse")
    actions = warehouse.add_subparsers(dest="action", required=True, metavar="init")
    init = actions.add_parser(
        "init",
        help="set up the schema airscoop for several database users",
        description="Make the schema airscoop with the logs of loads, or bring it forward from an "
        "older airscoop, and grant users what their loads need of it.",
    )
    init.add_argument(
        "--grant-to",
        action="append",
        default=[],
        metavar="ROLE",
        help="a user or role, or PUBLIC; on Redshift also role:NAME and group:NAME; repeatable",
    )
    _finish(init, lambda session, options: session.init(grant_to=options.grant_to))


def _add_partition(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    partition = verbs.add_parser("partition", help="partitions of an external table")
    actions = partition.add_subparsers(dest="action", required=True, metavar="add|list")
    add = actions.add_parser(
        "add", help="register a partition; one that exists is set to its location again"
    )
    add.add_argument("table", help="schema.table")
    add.add_argument(
        "values", nargs="+", type=pair, metavar="COLUMN=VALUE", help="of each partition column"
    )
    add.add_argument(
        "--location", required=True, metavar="S3_PREFIX", help="where its files are: s3://bucket/…/"
    )
    _finish(add, _run_partition_add)
    listing = actions.add_parser("list", help="list the partitions")
    listing.add_argument("table", help="schema.table")
    _add_session(listing)
    add_json(listing)
    listing.set_defaults(run=_run_partition_list)


def _add_insert(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    insert = verbs.add_parser(
        "insert",
        help="insert rows whose keys the target lacks",
        description="Insert the rows of a table, or of one partition of it, whose keys the target "
        "lacks; of several rows with one key the greatest wins.",
    )
    insert.add_argument("source", help="schema.table")
    insert.add_argument("target", help="schema.table")
    insert.add_argument(
        "--columns", type=names, required=True, metavar="A,B,…", help="which are inserted"
    )
    insert.add_argument(
        "--key",
        type=names,
        action="extend",
        required=True,
        metavar="A,B,…",
        help="the columns of the key; repeatable",
    )
    insert.add_argument(
        "--order-by",
        type=names,
        default=[],
        metavar="A,B,…",
        help="of several rows with one key the greatest by these wins",
    )
    insert.add_argument(
        "--mode",
        choices=("keep", "replace"),
        default="keep",
        help="keep: rows that are there stay (default); replace: newer ones take their place",
    )
    insert.add_argument(
        "--partition",
        type=pair,
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only the rows of this partition of the source; repeatable, a column each",
    )
    insert.add_argument(
        "--expected-records",
        type=count,
        metavar="N",
        help="insert nothing where the source has another number of rows",
    )
    insert.add_argument(
        "--min-records",
        type=count,
        default=0,
        metavar="N",
        help="insert nothing where the source has fewer rows",
    )
    _add_dry_run(insert, "inserted")
    _finish(insert, _run_insert)


def _add_apply(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    apply = verbs.add_parser(
        "apply",
        help="apply a file of changes to a table by key",
        description="Apply a file of changes, as `airscoop delta --out` writes it, to a table by "
        "key, in one transaction. A file that was applied changes nothing.",
    )
    apply.add_argument("changes", help="s3://bucket/key, http(s)://… or a path")
    apply.add_argument("table", help="schema.table")
    apply.add_argument("--key", action="append", required=True, metavar="COLUMN", help="repeatable")
    apply.add_argument(
        "--ignore-column",
        action="append",
        default=[],
        metavar="COLUMN",
        help="leave out this column of the changes; repeatable",
    )
    apply.add_argument(
        "--expected-changes",
        type=count,
        metavar="N",
        help="apply nothing where the file has another number of changes",
    )
    apply.add_argument(
        "--json-texts",
        choices=("value", "parse"),
        help="what a text becomes in a column of JSON: a string, or what it reads as; by default "
        "the latter for changes of CSV exports only",
    )
    apply.add_argument(
        "--again",
        action="store_true",
        help="also a file that was applied before the table changed further",
    )
    _add_dry_run(apply, "applied")
    add_record_rules(apply)
    apply.add_argument("--max-record-bytes", type=size, metavar="SIZE", help="default 16M")
    apply.add_argument("--allow-unknown-length", action="store_true", help="as for copy")
    add_s3(apply)
    add_quiet(apply)
    _finish(apply, _run_apply)


def _add_dry_run(verb: argparse.ArgumentParser, done: str) -> None:
    """Of a verb that works in one transaction."""
    verb.add_argument(
        "--dry-run",
        action="store_true",
        help=f"do all but the commit, take it back, and say what would be {done}",
    )


def _add_session(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("warehouse")
    group.add_argument(
        "--dsn",
        help=f"libpq URI or conninfo; default ${DSN_VARIABLE}. Keep the password in PGPASSWORD or "
        "the variable: other users can see a command line",
    )
    group.add_argument(
        "--dialect",
        choices=("auto", "redshift", "postgres"),
        default="auto",
        help="what the warehouse is; auto asks the server (default)",
    )
    group.add_argument(
        "--lock-timeout-seconds",
        type=float,
        metavar="SECONDS",
        help="how long a statement may wait for a lock; Redshift knows no such limit: there, how "
        "long insert and apply wait for their turn and their table, while refresh and script are "
        "bounded by --statement-timeout-seconds only",
    )
    group.add_argument(
        "--statement-timeout-seconds",
        type=float,
        metavar="SECONDS",
        help="how long a statement may run (default: the server's limit)",
    )


def _open(options: argparse.Namespace) -> Warehouse:
    from airscoop.errors import UsageError
    from airscoop.warehouse.session import Warehouse

    dsn = options.dsn or os.environ.get(DSN_VARIABLE)
    if not dsn:
        raise UsageError(f"name the warehouse: --dsn, or the variable {DSN_VARIABLE}")
    return Warehouse(
        dsn,
        dialect=options.dialect,
        label="airscoop:cli",
        lock_timeout_seconds=options.lock_timeout_seconds,
        statement_timeout_seconds=options.statement_timeout_seconds,
    )


def _finish(
    verb: argparse.ArgumentParser,
    call: Callable[[Warehouse, argparse.Namespace], Receipt],
) -> None:
    _add_session(verb)
    add_json(verb)

    def run(options: argparse.Namespace) -> int:
        with _open(options) as session:
            receipt = call(session, options)
        is_done = not getattr(receipt, "dry_run", False)
        (show if is_done else show_found)(receipt, as_json=options.json)
        return 0

    verb.set_defaults(run=run)


def _run_partition_add(session: Warehouse, options: argparse.Namespace) -> Receipt:
    from airscoop.warehouse.session import Partition

    wanted = Partition(values=dict(options.values), location=options.location)
    return session.add_partitions(options.table, [wanted])


def _run_partition_list(options: argparse.Namespace) -> int:
    with _open(options) as session:
        found = session.partitions(options.table)
    if options.json:
        import json

        plain = [{"values": dict(item.values), "location": item.location} for item in found]
        streams.put(json.dumps(plain))
        return 0
    lines = []
    for item in found:
        values = ", ".join(f"{column}={value}" for column, value in item.values.items())
        lines.append(f"{values}\t{item.location}\n")
    streams.put("".join(lines), end="")
    return 0


def _run_insert(session: Warehouse, options: argparse.Namespace) -> Receipt:
    return session.insert_distinct(
        options.source,
        options.target,
        columns=options.columns,
        key=options.key,
        order_by=options.order_by,
        mode=options.mode,
        partition=dict(options.partition),
        expected_records=options.expected_records,
        min_records=options.min_records,
        dry_run=options.dry_run,
    )


def _run_apply(session: Warehouse, options: argparse.Namespace) -> Receipt:
    return session.apply_changes(
        options.changes,
        options.table,
        key=options.key,
        ignore_columns=options.ignore_column,
        expected_changes=options.expected_changes,
        json_texts=options.json_texts,
        again=options.again,
        dry_run=options.dry_run,
        on_invalid_characters=options.on_invalid_characters,
        on_key_case=options.on_key_case,
        max_record_bytes=options.max_record_bytes,
        allow_unknown_length=options.allow_unknown_length,
        s3=s3_of(options),
    )
