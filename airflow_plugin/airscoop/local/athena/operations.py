"""Athena's operations that are known here, each with what answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airscoop.local.athena import results
from airscoop.local.athena.api_errors import ApiError
from airscoop.local.athena.catalogs import Catalogs
from airscoop.local.athena.executions import Executions
from airscoop.local.athena.result_files import ResultStore
from airscoop.local.athena.web import Handler
from airscoop.local.athena.workgroups import ENGINE, WorkGroups


def handlers(
    *, executions: Executions, files: ResultStore, groups: WorkGroups, catalogs: Catalogs
) -> Mapping[str, Handler]:
    """What answers each operation, by its name."""

    def delete_group(request: dict[str, Any]) -> None:
        group = groups.get(request["WorkGroup"])
        if executions.used(group) and not request.get("RecursiveDeleteOption"):
            raise ApiError(f"WorkGroup {group.name} is not empty")
        groups.delete(group.name)

    return {
        "StartQueryExecution": executions.start,
        "StopQueryExecution": lambda request: executions.stop(request["QueryExecutionId"]),
        "GetQueryExecution": executions.describe,
        "BatchGetQueryExecution": executions.describe_many,
        "ListQueryExecutions": executions.list,
        "GetQueryResults": lambda request: results.read_page(
            files, executions.get(request["QueryExecutionId"]), request
        ),
        "GetQueryRuntimeStatistics": lambda request: results.runtime_statistics(
            executions.get(request["QueryExecutionId"])
        ),
        "CreateWorkGroup": groups.create,
        "GetWorkGroup": groups.describe,
        "ListWorkGroups": groups.list,
        "UpdateWorkGroup": groups.update,
        "DeleteWorkGroup": delete_group,
        "ListEngineVersions": lambda request: {"EngineVersions": [ENGINE]},
        "ListDataCatalogs": catalogs.catalogs,
        "GetDataCatalog": catalogs.catalog,
        "ListDatabases": catalogs.databases,
        "GetDatabase": catalogs.database,
        "ListTableMetadata": catalogs.tables,
        "GetTableMetadata": catalogs.table,
    }
