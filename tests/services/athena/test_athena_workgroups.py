"""Workgroups of the local Athena: what they lay down, and the catalog's databases and tables."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.athena_server import AthenaServer
from support.moto import MotoServer
from support.s3 import Store


def words_of(call: Any, **request: Any) -> str:
    """What a refused call says."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value)


def group(server: AthenaServer, store: Store, name: str, **configuration: Any) -> str:
    """A workgroup of the test's own, with its results below `theirs`."""
    given = {"ResultConfiguration": {"OutputLocation": store.uri("theirs")}, **configuration}
    found = f"{name}-{store.prefix}"
    server.client().create_work_group(Name=found, Configuration=given)
    return found


@pytest.mark.parametrize(("enforced", "folder"), [(True, "theirs"), (False, "mine")])
def test_an_enforcing_workgroups_place_wins(
    enforced: bool, folder: str, athena_server: AthenaServer, store: Store
) -> None:
    name = group(athena_server, store, "place", EnforceWorkGroupConfiguration=enforced)
    query = athena_server.run("SELECT 1 AS x", store.uri("mine"), WorkGroup=name)
    assert query["Status"]["State"] == "SUCCEEDED"
    assert query["ResultConfiguration"]["OutputLocation"].startswith(store.uri(f"{folder}/"))
    assert all(each.startswith(f"{folder}/") for each in store.names())


def test_a_workgroup_gives_the_place_that_a_query_does_not(
    athena_server: AthenaServer, store: Store
) -> None:
    name = group(athena_server, store, "default", EnforceWorkGroupConfiguration=False)
    query = athena_server.run("SELECT 1 AS x", WorkGroup=name)
    assert query["ResultConfiguration"]["OutputLocation"].startswith(store.uri("theirs/"))


def test_a_disabled_workgroup_runs_nothing_until_it_is_enabled(
    athena_server: AthenaServer, store: Store
) -> None:
    athena, name = athena_server.client(), group(athena_server, store, "off")
    athena.update_work_group(WorkGroup=name, State="DISABLED")
    assert athena.get_work_group(WorkGroup=name)["WorkGroup"]["State"] == "DISABLED"
    refused = words_of(athena.start_query_execution, QueryString="SELECT 1", WorkGroup=name)
    assert "InvalidRequestException" in refused
    assert "disabled" in refused
    athena.update_work_group(WorkGroup=name, State="ENABLED")
    assert athena_server.run("SELECT 1 AS x", WorkGroup=name)["Status"]["State"] == "SUCCEEDED"


def test_updates_replace_and_remove_what_they_name(
    athena_server: AthenaServer, store: Store
) -> None:
    athena = athena_server.client()
    name = group(athena_server, store, "change", BytesScannedCutoffPerQuery=10_000_000)
    athena.update_work_group(
        WorkGroup=name,
        Description="ours",
        ConfigurationUpdates={
            "EnforceWorkGroupConfiguration": False,
            "RemoveBytesScannedCutoffPerQuery": True,
            "ResultConfigurationUpdates": {"RemoveOutputLocation": True},
        },
    )
    found = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    assert found["Description"] == "ours"
    settings = found["Configuration"]
    assert settings["EnforceWorkGroupConfiguration"] is False
    assert settings["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    assert "BytesScannedCutoffPerQuery" not in settings
    assert settings["ResultConfiguration"] == {}
    refused = words_of(athena.start_query_execution, QueryString="SELECT 1", WorkGroup=name)
    assert "No output location provided." in refused


def test_a_workgroup_is_made_once_and_removed(athena_server: AthenaServer, store: Store) -> None:
    athena, name = athena_server.client(), group(athena_server, store, "once")
    assert "already created" in words_of(athena.create_work_group, Name=name)
    assert name in names_of_groups(athena)
    athena_server.run("SELECT 1 AS x", WorkGroup=name)
    assert "is not empty" in words_of(athena.delete_work_group, WorkGroup=name)
    athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)
    assert name not in names_of_groups(athena)
    assert "WorkGroup is not found." in words_of(athena.get_work_group, WorkGroup=name)
    assert "InvalidRequestException" in words_of(athena.delete_work_group, WorkGroup="primary")


def names_of_groups(athena: Any) -> list[str]:
    """Of all workgroups, three on a page."""
    found: list[str] = []
    token = None
    while True:
        more: dict[str, str] = {} if token is None else {"NextToken": token}
        page = athena.list_work_groups(MaxResults=3, **more)
        assert len(page["WorkGroups"]) <= 3
        found += [each["Name"] for each in page["WorkGroups"]]
        token = page.get("NextToken")
        if token is None:
            return found


def test_queries_are_listed_by_workgroup_the_newest_first(
    athena_server: AthenaServer, store: Store
) -> None:
    name, other = group(athena_server, store, "mine"), group(athena_server, store, "other")
    ids = [athena_server.run("SELECT 1 AS x", WorkGroup=name)["QueryExecutionId"] for _ in range(5)]
    athena_server.run("SELECT 1 AS x", WorkGroup=other)
    athena = athena_server.client()
    pages = athena.get_paginator("list_query_executions").paginate(
        WorkGroup=name, PaginationConfig={"PageSize": 2}
    )
    found = [page["QueryExecutionIds"] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert [each for page in found for each in page] == ids[::-1]
    many = athena.batch_get_query_execution(QueryExecutionIds=ids)
    assert [each["QueryExecutionId"] for each in many["QueryExecutions"]] == ids


def test_what_a_workgroup_would_do_elsewhere_is_refused_by_name(
    athena_server: AthenaServer, store: Store
) -> None:
    athena = athena_server.client()
    managed = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    spark = {"EngineVersion": {"SelectedEngineVersion": "PySpark engine version 3"}}
    for settings, word in ((managed, "ManagedQueryResultsConfiguration"), (spark, "PySpark")):
        refused = words_of(athena.create_work_group, Name=store.prefix, Configuration=settings)
        assert word in refused
        assert "local Athena" in refused


def test_databases_and_tables_are_those_of_the_glue_catalog(
    athena_server: AthenaServer, moto_server: MotoServer, glue_database: str
) -> None:
    glue, athena = moto_server.client("glue"), athena_server.client()
    columns = [{"Name": "n", "Type": "bigint"}, {"Name": "t", "Type": "string"}]
    for name in ("one", "two", "three"):
        glue.create_table(
            DatabaseName=glue_database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "StorageDescriptor": {"Columns": columns, "Location": "s3://b/t/"},
                "PartitionKeys": [{"Name": "dt", "Type": "string"}],
            },
        )
    place = {"CatalogName": "AwsDataCatalog", "DatabaseName": glue_database}
    pages = athena.get_paginator("list_table_metadata").paginate(
        **place, PaginationConfig={"PageSize": 2}
    )
    assert [each["Name"] for page in pages for each in page["TableMetadataList"]] == [
        "one", "three", "two"
    ]  # fmt: skip
    found = athena.list_table_metadata(**place, Expression="t.*")["TableMetadataList"]
    assert [each["Name"] for each in found] == ["three", "two"]
    table = athena.get_table_metadata(**place, TableName="one")["TableMetadata"]
    assert table["Columns"] == columns
    assert [each["Name"] for each in table["PartitionKeys"]] == ["dt"]
    databases = athena.get_paginator("list_databases").paginate(CatalogName="awsdatacatalog")
    assert glue_database in [each["Name"] for page in databases for each in page["DatabaseList"]]
    assert athena.get_database(**place)["Database"]["Name"] == glue_database
    assert athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]["Type"] == "GLUE"
    refused = words_of(athena.get_table_metadata, **place, TableName="four")
    assert "MetadataException" in refused
    assert "EntityNotFoundException" in refused
