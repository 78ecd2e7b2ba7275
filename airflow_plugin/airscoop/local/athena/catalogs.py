"""The data catalog as Athena tells of it: Glue's databases and tables."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from airscoop.local.athena.api_errors import ApiError
from airscoop.local.athena.executions import CATALOG
from airscoop.local.athena.paging import page

_ACCOUNT = "123456789012"  # moto's
_CATALOG = {"CatalogName": CATALOG, "Type": "GLUE", "Status": "CREATE_COMPLETE"}


class Catalogs:
    """The one catalog, by a client of boto3 for Glue."""

    def __init__(self, glue: Any) -> None:
        self._glue = glue

    def catalogs(self) -> dict[str, Any]:
        return {"DataCatalogsSummary": [_CATALOG]}

    def catalog(self, request: Mapping[str, Any]) -> dict[str, Any]:
        _check(request["Name"])
        parameters = {"catalog-id": _ACCOUNT}
        return {"DataCatalog": {"Name": CATALOG, "Type": "GLUE", "Parameters": parameters}}

    def databases(self, request: Mapping[str, Any]) -> dict[str, Any]:
        _check(request["CatalogName"])
        with _glue_errors():
            pages = self._glue.get_paginator("get_databases").paginate()
            found = {each["Name"]: each for one in pages for each in one["DatabaseList"]}
        return _listed("DatabaseList", {name: _database(each) for name, each in found.items()},
                       request)  # fmt: skip

    def database(self, request: Mapping[str, Any]) -> dict[str, Any]:
        _check(request["CatalogName"])
        with _glue_errors():
            found = self._glue.get_database(Name=request["DatabaseName"].lower())
        return {"Database": _database(found["Database"])}

    def tables(self, request: Mapping[str, Any]) -> dict[str, Any]:
        _check(request["CatalogName"])
        wanted = _expression(request.get("Expression", ".*"))
        with _glue_errors():
            pages = self._glue.get_paginator("get_tables").paginate(
                DatabaseName=request["DatabaseName"].lower()
            )
            found = {each["Name"]: each for one in pages for each in one["TableList"]}
        tables = {name: _table(each) for name, each in found.items() if wanted.fullmatch(name)}
        return _listed("TableMetadataList", tables, request)

    def table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        _check(request["CatalogName"])
        with _glue_errors():
            found = self._glue.get_table(
                DatabaseName=request["DatabaseName"].lower(), Name=request["TableName"].lower()
            )
        return {"TableMetadata": _table(found["Table"])}


def _check(catalog: str) -> None:
    if catalog.lower() != CATALOG.lower():
        raise ApiError(f"Catalog '{catalog}' does not exist", detail="DATACATALOG_NOT_FOUND")


def _expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ApiError(f"the Expression {text!r} is no regular expression: {error}") from error


def _listed(
    word: str, found: Mapping[str, dict[str, Any]], request: Mapping[str, Any]
) -> dict[str, Any]:
    names, token = page(
        sorted(found), token=request.get("NextToken"), most=request.get("MaxResults")
    )
    answer: dict[str, Any] = {word: [found[name] for name in names]}
    return answer if token is None else {**answer, "NextToken": token}


def _database(found: Mapping[str, Any]) -> dict[str, Any]:
    return _kept(found, "Name", "Description", "Parameters")


def _table(found: Mapping[str, Any]) -> dict[str, Any]:
    kept = _kept(found, "Name", "CreateTime", "LastAccessTime", "TableType", "Parameters")
    columns = found.get("StorageDescriptor", {}).get("Columns", [])
    keys = found.get("PartitionKeys", [])
    return {
        **kept,
        "Columns": [_kept(each, "Name", "Type", "Comment") for each in columns],
        "PartitionKeys": [_kept(each, "Name", "Type", "Comment") for each in keys],
    }


def _kept(found: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: found[name] for name in names if found.get(name) is not None}


@contextlib.contextmanager
def _glue_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        told = error.response["Error"]
        raise ApiError(f"{told['Code']}: {told['Message']}", code="MetadataException") from error
