"""The result of a query: written to its place, and read from there a page at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airscoop.local.athena.api_errors import ApiError, no_results
from airscoop.local.athena.engine import Answer, Column
from airscoop.local.athena.metadata_file import CASED, CATALOG_NAME, metadata
from airscoop.local.athena.paging import malformed, text_of, token_of
from airscoop.local.athena.result_files import (
    CSV_TYPE,
    TEXT_TYPE,
    ResultStore,
    Row,
    manifest,
    write_csv,
    write_text,
)
from airscoop.local.athena.statement_kinds import Kind

if TYPE_CHECKING:
    from airscoop.local.athena.executions import Execution

DEFAULT_ROWS = 1000
# The column of a statement that tells how many rows it has changed.
COUNT = Column(name="rows", type="bigint", precision=19, scale=0)
UPDATE_TYPES = {"CREATE_TABLE_AS_SELECT": "CREATE TABLE"}


@dataclass(frozen=True)
class Result:
    """What is known of a result besides its file. `rows` are those behind the header."""

    columns: tuple[Column, ...]
    rows: int
    update_count: int | None
    manifest: str | None


def write_result(
    files: ResultStore, query_id: str, kind: Kind, settings: Mapping[str, Any], answer: Answer
) -> Result:
    """Writes what Athena would; QueryFailed where S3 refuses it."""
    place = settings["OutputLocation"]
    columns, rows = answer.columns, 0
    if kind.has_header:
        with files.writing(place, CSV_TYPE, settings) as file:
            rows = write_csv(file, columns, answer.rows)
    elif kind.is_text:
        with files.writing(place, TEXT_TYPE, settings) as file:
            rows = write_text(file, answer.rows)
    elif answer.update_count is not None:
        columns = (COUNT,)
    if columns:
        changed = answer.update_count if columns == (COUNT,) else None
        update = UPDATE_TYPES.get(kind.substatement or "", kind.substatement)
        data = metadata(
            query_id,
            columns,
            update_type=None if changed is None else update,
            update_count=changed,
        )
        files.put(f"{place}.metadata", data, settings, content_type=CSV_TYPE)
    return Result(
        columns=columns,
        rows=rows,
        update_count=answer.update_count,
        manifest=_write_manifest(files, query_id, settings, answer.written),
    )


def _write_manifest(
    files: ResultStore,
    query_id: str,
    settings: Mapping[str, Any],
    written: Sequence[str] | None,
) -> str | None:
    if written is None:
        return None
    folder = settings["OutputLocation"].rpartition("/")[0]
    address = f"{folder}/{query_id}-manifest.csv"
    files.put(address, manifest(written), settings, content_type=CSV_TYPE)
    return address


def read_page(files: ResultStore, query: Execution, request: Mapping[str, Any]) -> dict[str, Any]:
    """What GetQueryResults answers; ApiError where the query has no result."""
    result = _finished(query)
    most: int = request.get("MaxResults", DEFAULT_ROWS)
    start = _start(query, request.get("NextToken"))
    try:
        rows, following = _rows(files, query, start, most)
    except FileNotFoundError:
        raise no_results() from None
    answer: dict[str, Any] = {
        "ResultSet": {
            "Rows": [{"Data": [_datum(value) for value in row]} for row in rows],
            "ResultSetMetadata": {"ColumnInfo": [_column_info(each) for each in result.columns]},
        }
    }
    # A full page has a token, even when nothing is behind it.
    if len(rows) == most and result.rows:
        answer["NextToken"] = token_of(f"{query.id} {following}")
    if result.update_count is not None:
        answer["UpdateCount"] = result.update_count
    elif query.kind.statement != "DDL":
        answer["UpdateCount"] = 0
    return answer


def _finished(query: Execution) -> Result:
    state = query.state
    if state == "SUCCEEDED" and query.result is not None:
        return query.result
    if state == "CANCELLED":
        raise no_results()
    if state == "FAILED":
        message = "Query did not finish successfully. Final query state: FAILED"
    else:
        message = f"Query has not yet finished. Current state: {state}"
    raise ApiError(message, detail="INVALID_QUERY_EXECUTION_STATE")


def _start(query: Execution, token: str | None) -> int:
    """Where a page begins: a place in the CSV, or the number of a line."""
    if token is None:
        return 0
    try:
        owner, _, start = text_of(token).partition(" ")
        if owner == query.id:
            return int(start)
    except ValueError:
        pass
    raise malformed(token)


def _rows(files: ResultStore, query: Execution, start: int, most: int) -> tuple[Sequence[Row], int]:
    """The rows of a page, and where the next one begins."""
    if query.kind.has_header:
        found = list(itertools.islice(files.rows(query.place, start), most))
        return [row for row, _ in found], found[-1][1] if found else start
    if not query.kind.is_text:
        return [], 0
    lines: Iterable[str] = itertools.islice(files.lines(query.place), start, start + most)
    rows = [(line,) for line in lines]
    return rows, start + len(rows)


def _datum(value: str | None) -> dict[str, str]:
    return {} if value is None else {"VarCharValue": value}


def _column_info(column: Column) -> dict[str, Any]:
    return {
        "CatalogName": CATALOG_NAME,
        "SchemaName": "",
        "TableName": "",
        "Name": column.name,
        "Label": column.name,
        "Type": column.type,
        "Precision": column.precision,
        "Scale": column.scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": column.type in CASED,
    }


def runtime_statistics(query: Execution) -> dict[str, Any]:
    """What GetQueryRuntimeStatistics answers: times and rows, without the stages."""
    facts = query.facts()["Statistics"]
    times = (
        "QueryQueueTimeInMillis", "ServicePreProcessingTimeInMillis", "QueryPlanningTimeInMillis",
        "EngineExecutionTimeInMillis", "ServiceProcessingTimeInMillis",
        "TotalExecutionTimeInMillis",
    )  # fmt: skip
    rows: dict[str, int] = {"InputBytes": facts["DataScannedInBytes"]}
    if query.result is not None:
        rows["OutputRows"] = query.result.rows
    return {
        "QueryRuntimeStatistics": {"Timeline": {name: facts[name] for name in times}, "Rows": rows}
    }
