"""Queries: started once for each token, run on a few threads, and remembered."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from airscoop.local.athena import statement_kinds
from airscoop.local.athena.api_errors import ApiError, no_output_location, no_such_query
from airscoop.local.athena.engine import Engine
from airscoop.local.athena.failures import SYNTAX_ERROR, SYSTEM, QueryFailed
from airscoop.local.athena.paging import page
from airscoop.local.athena.result_files import ResultStore
from airscoop.local.athena.results import Result, write_result
from airscoop.local.athena.workgroups import ENGINE, PRIMARY, WorkGroup, WorkGroups, check_place

CATALOG = "AwsDataCatalog"
QUEUED, RUNNING = "QUEUED", "RUNNING"
SUCCEEDED, FAILED, CANCELLED = "SUCCEEDED", "FAILED", "CANCELLED"
STOPPED = "Query cancelled by user"
TOO_MUCH = "Bytes scanned limit was exceeded"
_INTERNAL = 100
# That run at once, unless another number is given.
MOST_QUERIES = 4
log = logging.getLogger(__name__)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass
class Execution:
    """One query. Its fields change under the lock of the store that holds it."""

    id: str
    request: Mapping[str, Any]
    kind: statement_kinds.Kind
    group: WorkGroup
    configuration: dict[str, Any]  # its place is that of the result itself
    output: str  # the prefix that was asked for
    state: str = QUEUED
    reason: str | None = None
    failure: QueryFailed | None = None
    result: Result | None = None
    scanned_bytes: int = 0
    submitted: datetime.datetime = field(default_factory=_now)
    started: datetime.datetime | None = None
    completed: datetime.datetime | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def place(self) -> str:
        found: str = self.configuration["OutputLocation"]
        return found

    @property
    def is_over(self) -> bool:
        return self.state not in (QUEUED, RUNNING)

    def facts(self) -> dict[str, Any]:
        """What GetQueryExecution answers."""
        context = dict(self.request.get("QueryExecutionContext", {}))
        if "Catalog" in context:
            context["Catalog"] = context["Catalog"].lower()
        found = {
            "QueryExecutionId": self.id,
            "Query": self.request["QueryString"],
            "StatementType": self.kind.statement,
            "SubstatementType": self.kind.substatement,
            "ResultConfiguration": self.configuration,
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": context,
            "Status": self._status(),
            "Statistics": self._statistics(),
            "WorkGroup": self.group.name,
            "EngineVersion": ENGINE,
            "ExecutionParameters": self.request.get("ExecutionParameters"),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.completed is not None:
            found["CompletionDateTime"] = self.completed
        if self.reason is not None:
            found["StateChangeReason"] = self.reason
        if self.failure is not None:
            found["AthenaError"] = {
                "ErrorCategory": self.failure.category,
                "ErrorType": self.failure.error_type,
                "Retryable": self.failure.retryable,
                "ErrorMessage": self.failure.message,
            }
        return found

    def _statistics(self) -> dict[str, Any]:
        end = self.completed or _now()
        begin = self.started or end
        found: dict[str, Any] = {
            "EngineExecutionTimeInMillis": _milliseconds(begin, end),
            "DataScannedInBytes": self.scanned_bytes,
            "TotalExecutionTimeInMillis": _milliseconds(self.submitted, end),
            "QueryQueueTimeInMillis": _milliseconds(self.submitted, begin),
            "ServicePreProcessingTimeInMillis": 0,
            "QueryPlanningTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        }
        if self.result is not None and self.result.manifest is not None:
            found["DataManifestLocation"] = self.result.manifest
        return found


def _milliseconds(begin: datetime.datetime, end: datetime.datetime) -> int:
    return int((end - begin) / datetime.timedelta(milliseconds=1))


class Executions:
    """All queries since the start; `most` run at once, and the others wait."""

    def __init__(
        self, engine: Engine, files: ResultStore, groups: WorkGroups, *, most: int
    ) -> None:
        self._engine, self._files, self._groups = engine, files, groups
        self._lock = threading.Lock()
        self._queries: dict[str, Execution] = {}
        self._tokens: dict[str, tuple[str, str]] = {}  # what was asked with a token, and the id
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="query")

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        token = request.pop("ClientRequestToken", None)
        if token is None:
            raise ApiError("clientRequestToken is null or empty")
        asked = json.dumps(request, sort_keys=True)
        with self._lock:
            known = self._known(token, asked)
        if known is not None:
            return {"QueryExecutionId": known}
        query = self._accepted(request)
        with self._lock:
            known = self._known(token, asked)  # another request may have come meanwhile
            if known is not None:
                return {"QueryExecutionId": known}
            self._tokens[token] = asked, query.id
            self._queries[query.id] = query
        self._threads.submit(self._run, query)
        return {"QueryExecutionId": query.id}

    def _known(self, token: str, asked: str) -> str | None:
        """The query that was started with a token; ApiError where that asked for another thing."""
        before, query_id = self._tokens.get(token, (asked, None))
        if before != asked:
            raise ApiError(
                "Idempotent parameters do not match", detail="IDEMPOTENT_PARAMETER_MISMATCH"
            )
        return query_id

    def _accepted(self, request: Mapping[str, Any]) -> Execution:
        group = self._groups.enabled(request.get("WorkGroup", PRIMARY))
        settings = group.result_configuration(request.get("ResultConfiguration"))
        output = settings.get("OutputLocation")
        if output is None:
            raise no_output_location()
        check_place(output)
        _check_encryption(settings)
        _check_context(request)
        self._files.check_bucket(output)
        self._check_syntax(request["QueryString"])
        query_id = str(uuid.uuid4())
        kind = statement_kinds.kind(request["QueryString"])
        output = f"{output.rstrip('/')}/"
        settings["OutputLocation"] = output + kind.form.format(id=query_id)
        return Execution(query_id, request, kind, group, settings, output)

    def _check_syntax(self, statement: str) -> None:
        """What Athena cannot read does not become a query."""
        try:
            self._engine.check(statement)
        except QueryFailed as error:
            code, _, message = error.message.partition(": ")
            if code == SYNTAX_ERROR:
                raise ApiError(message, detail="MALFORMED_QUERY") from error

    def _run(self, query: Execution) -> None:
        """One query to its end, on a thread of its own; nothing is raised."""
        with self._lock:
            if query.is_over:
                return
            query.state, query.started = RUNNING, _now()
        try:
            result = self._result(query)
        except QueryFailed as failure:
            self._end(query, FAILED, reason=failure.message, failure=failure)
        except Exception as error:
            log.exception("the query %s failed", query.id)
            message = f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
            internal = QueryFailed(message, category=SYSTEM, error_type=_INTERNAL)
            self._end(query, FAILED, reason=message, failure=internal)
        else:
            if result is None:
                self._end(query, CANCELLED, reason=TOO_MUCH)
            else:
                self._end(query, SUCCEEDED, result=result)

    def _result(self, query: Execution) -> Result | None:
        """Runs the statement and writes its result; None where it reads more than it may."""
        context = query.request.get("QueryExecutionContext", {})
        answer = self._engine.run(
            query.request["QueryString"],
            database=context.get("Database"),
            catalog=context.get("Catalog", CATALOG),
            parameters=query.request.get("ExecutionParameters", []),
            output=query.output,
            query_id=query.id,
            cancelled=query.cancelled,
        )
        query.scanned_bytes = answer.scanned_bytes
        most = query.group.most_bytes
        with contextlib.ExitStack() as rows:
            rows.callback(getattr(answer.rows, "close", lambda: None))
            if most is not None and answer.scanned_bytes > most:
                return None
            return write_result(self._files, query.id, query.kind, query.configuration, answer)

    def _end(
        self,
        query: Execution,
        state: str,
        *,
        reason: str | None = None,
        failure: QueryFailed | None = None,
        result: Result | None = None,
    ) -> None:
        """A query that was stopped before stays so."""
        with self._lock:
            if result is not None:
                query.result = result
            if not query.is_over:
                query.state, query.reason, query.failure = state, reason, failure
                query.completed = _now()

    def stop(self, query_id: str) -> None:
        """Nothing happens to a query that has ended."""
        query = self.get(query_id)
        with self._lock:
            if not query.is_over:
                query.state, query.reason, query.completed = CANCELLED, STOPPED, _now()
        query.cancelled.set()

    def get(self, query_id: str) -> Execution:
        found = self._queries.get(query_id)
        if found is None:
            raise no_such_query(query_id)
        return found

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        query = self.get(request["QueryExecutionId"])
        with self._lock:
            return {"QueryExecution": query.facts()}

    def describe_many(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = request["QueryExecutionIds"]
        with self._lock:
            return {
                "QueryExecutions": [
                    self._queries[each].facts() for each in asked if each in self._queries
                ],
                "UnprocessedQueryExecutionIds": [
                    {
                        "QueryExecutionId": each,
                        "ErrorCode": "INVALID_INPUT",
                        "ErrorMessage": str(no_such_query(each)),
                    }
                    for each in asked
                    if each not in self._queries
                ],
            }

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """The newest come first."""
        group = self._groups.get(request.get("WorkGroup", PRIMARY))
        with self._lock:
            ids = [query.id for query in self._queries.values() if query.group is group]
        ids.reverse()
        found, token = page(ids, token=request.get("NextToken"), most=request.get("MaxResults"))
        answer = {"QueryExecutionIds": found}
        return answer if token is None else {**answer, "NextToken": token}

    def used(self, group: WorkGroup) -> bool:
        """Whether a query has run in it."""
        with self._lock:
            return any(query.group is group for query in self._queries.values())


def _check_encryption(settings: Mapping[str, Any]) -> None:
    option = settings.get("EncryptionConfiguration", {}).get("EncryptionOption")
    if option == "CSE_KMS":
        raise ApiError("airscoop's local Athena does not know the encryption CSE_KMS")


def _check_context(request: Mapping[str, Any]) -> None:
    catalog = request.get("QueryExecutionContext", {}).get("Catalog", CATALOG)
    if catalog.lower() != CATALOG.lower():
        raise ApiError(f"airscoop's local Athena has the catalog {CATALOG}, and no {catalog!r}")
    if "EngineConfiguration" in request:
        raise ApiError("airscoop's local Athena does not know EngineConfiguration")
