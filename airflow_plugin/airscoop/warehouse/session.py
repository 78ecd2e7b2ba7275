"""One session on Redshift or PostgreSQL: partitions, inserts, changes, refresh, scripts."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Literal, cast

from airscoop import given, kinds
from airscoop._native import Session
from airscoop.aws import tls
from airscoop.aws.settings import S3_SETTINGS, S3Settings
from airscoop.errors import AirscoopError, UsageError
from airscoop.receipts.warehouse import (
    ApplyReceipt,
    InitReceipt,
    InsertReceipt,
    PartitionReceipt,
    PartitionResult,
    RefreshReceipt,
    ScriptReceipt,
)
from airscoop.transfer import places
from airscoop.transfer.options import InvalidCharacters, KeyCase, TransferOptions, place
from airscoop.warehouse.rows import Rows

log = logging.getLogger(__name__)
Dialect = Literal["auto", "redshift", "postgres"]
Mode = Literal["keep", "replace"]
Status = Literal["added", "moved", "unchanged"]
JsonTexts = Literal["value", "parse"]
JSON_TEXTS: tuple[JsonTexts | None, ...] = (None, "value", "parse")  # as the engine numbers them


@dataclass(frozen=True, kw_only=True)
class Partition:
    """A partition of an external table: column to value, and the s3:// prefix of its files.

    A location that was read from a catalog is cut at 128 characters.
    """

    values: Mapping[str, str]
    location: str | None = None

    def __post_init__(self) -> None:
        given.values(self.values, "values")
        if self.location is not None:
            kinds.TEXT.read(self.location, "location")


@dataclass(frozen=True, kw_only=True)
class LoadContext:
    """Where rows or changes came from, for the tables airscoop.loads and airscoop.applied.

    source, etag: what was read. object: the object that was loaded, the column s3_key of
    airscoop.loads.
    """

    source: str | None = None
    etag: str | None = None
    object: str | None = None
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    try_number: int | None = None

    def __post_init__(self) -> None:
        self.texts()

    def texts(self) -> dict[str, str | None]:
        """Each field as its text."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: None if value is None else given.text(value, f"load: {name}")
            for name, value in found.items()
        }


_PARTITION = kinds.instance(Partition, "an airscoop.Partition")
_LOAD = kinds.instance(LoadContext, "an airscoop.LoadContext")
KINDS: kinds.Kinds = {
    "dialect": kinds.choice(Dialect),
    "label": kinds.TEXT,
    "mode": kinds.choice(Mode),
    "expected_records": kinds.whole(),
    "min_records": kinds.whole(),
    "expected_changes": kinds.whole(),
    "json_texts": kinds.choice(JsonTexts),
    "again": kinds.FLAG,
    "dry_run": kinds.FLAG,
    "s3": S3_SETTINGS,
    "load": _LOAD,
    "before_commit": kinds.FUNCTION,
}


class Warehouse:
    """A session, used by one thread at a time; it connects on entering `with` or on first use.

    Each verb makes its own transactions, and is refused while one is open that the caller began by
    `transaction` or `execute`. What is open when the session is closed is rolled back, with a
    RuntimeWarning.
    conninfo: libpq's parameters as a mapping, a URI or a "key=value" string. It is not kept here,
    and the password stands in no message. With sslmode verify-ca and verify-full its sslrootcert
    says whom to trust, else what `airscoop.aws.tls` finds.
    dialect: "redshift" (also its local stand-in) or "postgres"; "auto" asks the server once, when
    it connects. Redshift is asked for TLS unless conninfo or PGSSLMODE names an sslmode.
    label: application_name, unless conninfo names one, and on Redshift query_group of each
    statement.
    lock_timeout_seconds: None waits for ever. On PostgreSQL how long each statement may wait for a
    lock. Redshift knows no such limit: there it bounds how long `insert_distinct` and
    `apply_changes` wait for their turn and their table; `execute`, `refresh` and `run_script` are
    bounded by statement_timeout_seconds only. What is waited for, and who holds it, goes to the
    log.
    statement_timeout_seconds: how long a statement may take otherwise; None leaves the server's
    own.
    Tables are named "schema.table", or "database.schema.table" of the connection's database; a part
    with dots in double quotes.
    """

    def __init__(
        self,
        conninfo: Mapping[str, str] | str,
        *,
        dialect: Dialect = "auto",
        label: str | None = None,
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
    ) -> None:
        if not isinstance(conninfo, str | Mapping):
            raise UsageError(
                "conninfo is neither a text nor a mapping: write it as libpq's, such as "
                '"host=db.example.com dbname=dev user=loader"'
            )
        kinds.check(KINDS, {"dialect": dialect}, {"label": label})
        self._session = Session(
            given.text(conninfo, "conninfo") if isinstance(conninfo, str) else _keywords(conninfo),
            dialect=dialect,
            ca_file=tls.ca_file(),
            label=label,
            lock_timeout_ms=_milliseconds("lock_timeout_seconds", lock_timeout_seconds),
            statement_timeout_ms=_milliseconds(
                "statement_timeout_seconds", statement_timeout_seconds
            ),
            on_wait=_say_wait,
        )
        self._dialect = dialect

    def __repr__(self) -> str:
        return f"<airscoop.Warehouse dialect={self._dialect}>"

    def __enter__(self) -> Warehouse:
        self._session.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """A block of statements that stand together or not at all: BEGIN, and COMMIT at its end.

        An exception that leaves the block rolls back, and so does a statement that failed, also
        where its error was caught, unless it was behind a savepoint (UsageError at the end then).
        Within the block `execute` and `query` take no statement that begins or ends a transaction
        (UsageError; on Redshift TRUNCATE does), and verbs that make their own are refused, as is a
        second block. Where the connection is lost at COMMIT, the error's `committed` is None:
        nobody knows.
        """
        self._session.begin()
        try:
            yield
        except BaseException:
            with contextlib.suppress(AirscoopError):  # closed, or in a forked child
                self._session.rollback()
            raise
        self._session.commit()

    def execute(
        self, sql: str, parameters: Sequence[str | None] = ()
    ) -> list[tuple[str | None, ...]]:
        """Runs one statement; $1, $2, … stand for the parameters. All rows, as text."""
        return self._session.execute(given.text(sql, "sql"), given.parameters(parameters))

    def query(self, sql: str, parameters: Sequence[str | int | None] = ()) -> Rows:
        """Runs one statement and gives its rows as they come, with names and types.

        $1, $2, … stand for the parameters. `Rows` is iterated over, or read as Arrow or by
        `to_pandas()`, in memory that does not grow with the number of rows. Until the last one was
        read, or it is closed, other calls of this session are refused.
        """
        text, values = given.text(sql, "sql"), given.parameters(parameters)
        return Rows(self._session, *self._session.query_open(text, values))

    def partitions(self, table: str) -> list[Partition]:
        """The partitions of an external table, ordered by their values."""
        found = self._session.partitions(given.text(table, "table"))
        return [Partition(values=each, location=location) for each, location in found]

    def add_partitions(self, table: str, partitions: Sequence[Partition]) -> PartitionReceipt:
        """Registers partitions; one that exists is set to its location again.

        Values are compared as their columns' types read them (20270105 is 2027-01-05 in a date
        column), and one that its column cannot hold is refused. The catalog is read again in the
        end: what another session has added elsewhere meanwhile is moved. A location of 128
        characters or more cannot be compared with the catalog's, so it counts as moved. Each
        statement commits by itself; running again is safe.
        """
        started = time.monotonic()
        table = given.text(table, "table")
        wanted = _wanted(partitions)
        statuses = self._session.add_partitions(table, wanted)
        return PartitionReceipt(
            seconds=time.monotonic() - started,
            table=table,
            partitions=[
                PartitionResult(values=each, location=location, status=cast(Status, status))
                for (each, location), status in zip(wanted, statuses, strict=True)
            ],
            added=statuses.count("added"),
            moved=statuses.count("moved"),
            unchanged=statuses.count("unchanged"),
        )

    def insert_distinct(
        self,
        source: str,
        target: str,
        *,
        columns: Sequence[str],
        key: Sequence[str],
        order_by: Sequence[str] = (),
        mode: Mode = "keep",
        partition: Mapping[str, str] | None = None,
        expected_records: int | None = None,
        min_records: int = 0,
        objects: Sequence[str] = (),
        load: LoadContext | None = None,
        dry_run: bool = False,
    ) -> InsertReceipt:
        """Inserts the rows of the source's partition whose keys the target lacks.

        key: the key's columns; NULL equals NULL. Of rows with one key the greatest by order_by
        wins, then by the other columns. mode: "keep" rows of the target, or "replace" those that
        are less by order_by than the incoming one. expected_records: what the partition must give.
        min_records: the least that it may give, new or not; else TooFewRecords.
        objects: s3:// addresses that the partition must read; where the catalog has an external
        table's partition elsewhere, nothing is inserted (PartitionConflict).
        One transaction: after an error nothing was inserted, and running again is safe. dry_run:
        all is done but the commit, and taken back; the receipt says what would be inserted.
        """
        started = time.monotonic()
        optional = {"expected_records": expected_records, "load": load, "dry_run": dry_run}
        kinds.check(KINDS, {"mode": mode, "min_records": min_records}, optional)
        source, target = given.text(source, "source"), given.text(target, "target")
        rows = {} if partition is None else given.values(partition, "partition")
        facts = (load or LoadContext()).texts()
        counts = self._session.insert_distinct(
            source=source,
            target=target,
            columns=given.names(columns, "columns"),
            key=given.names(key, "key"),
            order_by=given.names(order_by, "order_by"),
            replace=mode == "replace",
            partition=rows,
            expected_records=-1 if expected_records is None else expected_records,
            min_records=min_records,
            objects=given.names(objects, "objects"),
            load_source=facts["source"],
            load_etag=facts["etag"],
            load_object=facts["object"],
            dag_id=facts["dag_id"],
            run_id=facts["run_id"],
            task_id=facts["task_id"],
            try_number=facts["try_number"],
            dry_run=bool(dry_run),
        )
        return InsertReceipt(
            seconds=time.monotonic() - started,
            dry_run=bool(dry_run),
            source=source,
            target=target,
            partition=rows,
            mode=mode,
            scanned=counts["scanned"],
            duplicates=counts["duplicates"],
            already_there=counts["already_there"],
            inserted=counts["inserted"],
            replaced=counts["replaced"],
            attempts=counts["attempts"],
        )

    def apply_changes(
        self,
        changes: str | os.PathLike[str],
        table: str,
        *,
        key: Sequence[str],
        ignore_columns: Sequence[str] = (),
        expected_changes: int | None = None,
        json_texts: JsonTexts | None = None,
        again: bool = False,
        on_invalid_characters: InvalidCharacters = "error",
        on_key_case: KeyCase = "error",
        max_record_bytes: int | None = None,
        allow_unknown_length: bool = False,
        changes_etag: str | None = None,
        s3: S3Settings | None = None,
        load: LoadContext | None = None,
        before_commit: Callable[[], object] | None = None,
        dry_run: bool = False,
    ) -> ApplyReceipt:
        """Applies a file of changes, as `airscoop.delta` writes it, to a table by key.

        changes: s3://, http(s):// or a path; JSON lines, gzip or plain. key: the columns of the
        changes' keys. Values are texts that the server reads as the column's type; an UPDATE sets
        all columns that the file has. ignore_columns: columns of the file that are left out; any
        other one that the table lacks is SchemaChanged. expected_changes: how many the file has.
        json_texts: what a text becomes in a jsonb, json or SUPER column: "value", a string of JSON,
        or "parse", the JSON that is written in it. By default the former, the latter where the
        changes say that their exports were CSV, which has texts only.
        One transaction: every statement touches as many rows as the file has changes of its kind,
        or nothing is applied (CountMismatch). A file that is the last one of the table, or whose
        changes stand in it, changes nothing (`already_applied`); a version that does not follow the
        table's (WrongVersion), and a file that was applied before the table changed further
        (AlreadyApplied), are refused unless `again`. changes_etag: what the object's ETag must be,
        or it is SourceChanged. before_commit: is called when all is applied and nothing is visible
        yet; what it raises takes everything back. dry_run: all is done but the commit, and taken
        back, so that the receipt says what would be applied; before_commit is not called.
        on_invalid_characters, on_key_case: what a change may hold, as in `copy`; "keep" for columns
        whose names are equal but for case.
        """
        started = time.monotonic()
        optional = {
            "expected_changes": expected_changes,
            "json_texts": json_texts,
            "s3": s3,
            "load": load,
            "before_commit": before_commit,
            "again": again,
            "dry_run": dry_run,
        }
        kinds.check(KINDS, {}, optional)
        table, key = given.text(table, "table"), given.names(key, "key")
        source = place(changes, "changes")
        if source == "-":
            raise UsageError(
                "changes are applied from a file or an object, which can be read again and whose "
                "end is known, not from standard input"
            )
        context = (load or LoadContext()).texts()
        native = TransferOptions.of(
            source=source,
            on_invalid_characters=on_invalid_characters,
            on_key_case=on_key_case,
            max_record_bytes=max_record_bytes,
            allow_unknown_length=allow_unknown_length,
            s3=s3,
        ).native()
        facts = self._session.apply(
            changes=native | {"source_if_match": changes_etag},
            table=table,
            key=key,
            ignored=given.names(ignore_columns, "ignore_columns"),
            expected_changes=-1 if expected_changes is None else expected_changes,
            json_texts=JSON_TEXTS.index(json_texts),
            again=bool(again),
            source=context["source"] or places.displayed(source),
            dag_id=context["dag_id"],
            run_id=context["run_id"],
            task_id=context["task_id"],
            try_number=context["try_number"],
            before_commit=before_commit,
            dry_run=bool(dry_run),
        )
        inserted, updated, deleted = facts["applied"]
        return ApplyReceipt(
            seconds=time.monotonic() - started,
            dry_run=bool(dry_run),
            changes_file=places.displayed(source),
            table=table,
            key=list(key),
            changes=sum(facts["changes"]),
            inserted=inserted,
            updated=updated,
            deleted=deleted,
            already_applied=facts["already_applied"],
            json_texts=facts["json_texts"],
            digest=facts["digest"],
            etag=facts["etag"] or None,
            source_bytes=facts["source_bytes"],
            text_bytes=facts["text_bytes"],
            retries=facts["retries"],
            attempts=facts["attempts"],
        )

    def init(self, *, grant_to: Sequence[str] = ()) -> InitReceipt:
        """Sets up the schema airscoop, which holds the locks and logs of loads, for several users.

        What is missing is made, older tables are brought forward, and each of grant_to gets what
        loads need of the schema, in one transaction. Running again is safe. grant_to: names of
        users or roles, or "PUBLIC"; on Redshift also "role:NAME" and "group:NAME". Only the
        schema's owner or a superuser can do it.
        """
        started = time.monotonic()
        roles = given.names(grant_to, "grant_to")
        tables, left = self._session.init(roles)
        return InitReceipt(
            seconds=time.monotonic() - started,
            versions={name: after for name, _, after in tables},
            made=[name for name, before, _ in tables if before == 0],
            brought_forward=[name for name, before, after in tables if 0 < before < after],
            granted_to=list(roles),
            left=left.splitlines(),
        )

    def refresh(self, view: str) -> RefreshReceipt:
        """Refreshes a materialized view; AccessDenied names the statement that mends ownership."""
        started = time.monotonic()
        view = given.text(view, "view")
        self._session.refresh(view)
        return RefreshReceipt(seconds=time.monotonic() - started, view=view)

    def run_script(
        self,
        path: str | os.PathLike[str],
        *,
        variables: Mapping[str, str] | None = None,
        dry_run: bool = False,
    ) -> ScriptReceipt:
        """Runs a file's statements one by one, each on its own; the first error ends it.

        ${name} within '…' and "…" is filled in from `variables`; an unknown or an unused one is an
        error, found before the first statement runs. A transaction that the script begins must end
        in it: one that is left open is rolled back, and is an error.

        dry_run: none is run; the receipt has them as `planned`, as they would be sent. It connects,
        since the server says how it reads a backslash. None is tried in a transaction that is
        rolled back: a script may commit by itself, and some statements run in no transaction.
        """
        started = time.monotonic()
        file = given.checked(places.path(path), "path")
        filled_in = {} if variables is None else given.values(variables, "variables")
        kinds.check(KINDS, {}, {"dry_run": dry_run})
        if dry_run:
            planned = self._session.read_script(file, filled_in)
            statements = len(planned)
        else:
            planned, statements = [], self._session.run_script(file, filled_in)
        return ScriptReceipt(
            seconds=time.monotonic() - started,
            file=file,
            statements=statements,
            dry_run=bool(dry_run),
            planned=planned,
        )

    def cancel(self) -> None:
        """Ends the work under way, and all later work of this session, in Cancelled. Any thread."""
        self._session.cancel()

    def close(self) -> None:
        """Closes the connection. An open transaction is rolled back, with a warning."""
        self._close()

    def _close(self) -> None:
        if self._session.close():
            warnings.warn(
                "a warehouse session was closed in an open transaction, which was rolled back; "
                "run COMMIT or ROLLBACK before",
                RuntimeWarning,
                stacklevel=3,  # of whoever closes, also by `with` or by forgetting it
            )

    def __del__(self) -> None:
        # Missing where __init__ failed.
        if "_session" in self.__dict__:
            self._close()


def _keywords(conninfo: Mapping[str, str]) -> dict[str, str]:
    """libpq's parameters; a value may be secret, so no error shows it."""
    return {
        kinds.TEXT.read(name, "a name in conninfo"): given.text(value, f"conninfo: {name}")
        for name, value in conninfo.items()
    }


def _wanted(partitions: Sequence[Partition]) -> list[tuple[dict[str, str], str]]:
    if isinstance(partitions, str) or not isinstance(partitions, Iterable):
        kinds.refuse("partitions", "a list of airscoop.Partition", partitions)
    found = []
    for number, partition in enumerate(partitions):
        _PARTITION.read(partition, f"partitions[{number}]")
        if partition.location is None:
            raise UsageError("location is None, which is not an s3:// address")
        found.append((given.values(partition.values, "values"), partition.location))
    return found


def _say_wait(what: str) -> None:
    log.warning("waiting for %s", what)


SECONDS = kinds.number(0.001, 2**31 // 1000 - 1)  # None: no limit


def _milliseconds(name: str, seconds: float | None) -> int:
    if seconds is None:
        return 0
    checked: float = SECONDS.read(seconds, name)
    return math.ceil(checked * 1000)
