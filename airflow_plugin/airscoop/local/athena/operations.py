"""Athena's operations that are known here, each with what answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airscoop.local.athena import results
from airscoop.local.athena.api_errors import ApiError
from airscoop.local.athena.catalogs import Catalogs
from airscoop.local.athena.executions import Executions
from airscoop.local.athena.result_files import ResultStore
from airscoop.local.athena.workgroups import ENGINE, WorkGroups


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts that answer."""

    executions: Executions
    files: ResultStore
    groups: WorkGroups
    catalogs: Catalogs


Request = dict[str, Any]
Operation = Callable[[Service, Request], Mapping[str, Any] | None]


def _read_page(service: Service, request: Request) -> dict[str, Any]:
    query = service.executions.get(request["QueryExecutionId"])
    return results.read_page(service.files, query, request)


def _tell_statistics(service: Service, request: Request) -> dict[str, Any]:
    return results.runtime_statistics(service.executions.get(request["QueryExecutionId"]))


def _delete_group(service: Service, request: Request) -> None:
    group = service.groups.get(request["WorkGroup"])
    if service.executions.used(group) and not request.get("RecursiveDeleteOption"):
        raise ApiError(f"WorkGroup {group.name} is not empty")
    service.groups.delete(group.name)


OPERATIONS: Mapping[str, Operation] = {
    "StartQueryExecution": lambda service, request: service.executions.start(request),
    "StopQueryExecution": lambda service, request: service.executions.stop(
        request["QueryExecutionId"]
    ),
    "GetQueryExecution": lambda service, request: service.executions.describe(request),
    "BatchGetQueryExecution": lambda service, request: service.executions.describe_many(request),
    "ListQueryExecutions": lambda service, request: service.executions.list(request),
    "GetQueryResults": _read_page,
    "GetQueryRuntimeStatistics": _tell_statistics,
    "CreateWorkGroup": lambda service, request: service.groups.create(request),
    "GetWorkGroup": lambda service, request: service.groups.describe(request),
    "ListWorkGroups": lambda service, request: service.groups.list(request),
    "UpdateWorkGroup": lambda service, request: service.groups.update(request),
    "DeleteWorkGroup": _delete_group,
    "ListEngineVersions": lambda service, request: {"EngineVersions": [ENGINE]},
    "ListDataCatalogs": lambda service, request: service.catalogs.catalogs(),
    "GetDataCatalog": lambda service, request: service.catalogs.catalog(request),
    "ListDatabases": lambda service, request: service.catalogs.databases(request),
    "GetDatabase": lambda service, request: service.catalogs.database(request),
    "ListTableMetadata": lambda service, request: service.catalogs.tables(request),
    "GetTableMetadata": lambda service, request: service.catalogs.table(request),
}
