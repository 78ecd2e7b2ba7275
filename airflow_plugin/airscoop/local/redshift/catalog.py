# ruff: noqa: S608 (SQL is put together with admin.literal and admin.identifier)
"""The stand-in's catalogue: carries out external DDL, and says what a token reads.

It lives in PostgreSQL (catalog.sql), so it survives restarts and goes with what it describes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from airscoop.local.redshift import admin, ddl, program
from airscoop.local.redshift.admin import AdminSession, Backend, identifier, literal
from airscoop.local.redshift.columns import Column
from airscoop.local.redshift.errors import SqlError

INPUT_FORMAT = "org.apache.hadoop.mapred.TextInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
# For sessions in the database. Custom plans prune partitions by parameters, too; one process runs a
# statement, so that a program's parent is the session that reads.
_SETTINGS = {
    "plan_cache_mode": "force_custom_plan",
    "constraint_exclusion": "partition",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "airscoop.query_group": "default",
    "airscoop.enable_result_cache_for_session": "on",
    "airscoop.wlm_query_slot_count": "1",
}
ISOLATION = {"snapshot": "repeatable read", "serializable": "serializable"}


@dataclass(frozen=True)
class External:
    """An external table as the catalogue knows it."""

    name: ddl.TableName
    relation: str
    location: str
    columns: list[Column]
    partition_columns: list[Column]
    serde_properties: dict[str, str]
    properties: dict[str, str]


@dataclass(frozen=True)
class Reading:
    """What one foreign table stands for: a location and the partition's own values."""

    table: External
    values: list[str]
    location: str


def _definition(command: ddl.CreateTable) -> str:
    return json.dumps(
        {
            "columns": [column.to_json() for column in command.columns],
            "partition_columns": [column.to_json() for column in command.partition_columns],
            "serde": command.serde,
            "serde_properties": command.serde_properties,
            "properties": command.properties,
            "input_format": INPUT_FORMAT,
            "output_format": OUTPUT_FORMAT,
        }
    )


def _external(name: ddl.TableName, relation: str, location: str, definition: str) -> External:
    fields: dict[str, Any] = json.loads(definition)
    return External(
        name=name,
        relation=relation,
        location=location,
        columns=[Column(**item) for item in fields["columns"]],
        partition_columns=[Column(**item) for item in fields["partition_columns"]],
        serde_properties=fields["serde_properties"],
        properties=fields["properties"],
    )


def _texts(values: Sequence[str]) -> str:
    return "ARRAY[" + ", ".join(literal(value) for value in values) + "]::text[]"


def _qualified(name: ddl.TableName) -> str:
    return f"{identifier(name.schema)}.{identifier(name.table)}"


class Catalog:
    def __init__(self, backend: Backend, socket: Path) -> None:
        self._backend = backend
        self._socket = socket

    async def prepare(self, isolation: str) -> None:
        """Makes the schema, views and settings of the database; keeps what is there."""
        sql = resources.files(__package__).joinpath("catalog.sql").read_text()
        async with admin.connect(self._backend) as session:
            await session.run(sql)
            for name, value in _SETTINGS.items():
                await self._set(session, name, value)
            chosen = await session.run(
                "SELECT 1 FROM pg_db_role_setting s JOIN pg_database d "
                "ON d.oid = s.setdatabase, unnest(s.setconfig) AS setting "
                f"WHERE d.datname = {literal(self._backend.database)} AND s.setrole = 0 "
                "AND setting LIKE 'default_transaction_isolation=%'"
            )
            if not chosen:
                await self._set(session, "default_transaction_isolation", ISOLATION[isolation])

    async def _set(self, session: AdminSession, name: str, value: str) -> None:
        database = identifier(self._backend.database)
        await session.run(f"ALTER DATABASE {database} SET {name} = {literal(value)}")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AdminSession]:
        async with admin.connect(self._backend) as session:
            await session.run("BEGIN")
            yield session
            await session.run("COMMIT")

    async def execute(self, command: ddl.Command, user: str) -> list[str]:
        """Does what `command` says in one transaction; gives the notices for its client."""
        async with self._transaction() as session:
            match command:
                case ddl.CreateSchema():
                    return await self._create_schema(session, command, user)
                case ddl.CreateTable():
                    await self._create_table(session, command, user)
                case ddl.AddPartitions():
                    return await self._add_partitions(session, command, user)
                case ddl.SetPartitionLocation():
                    await self._set_partition_location(session, command, user)
                case ddl.DropPartition():
                    await self._drop_partition(session, command, user)
                case ddl.SetTableLocation():
                    await self._set_table_location(session, command, user)
                case ddl.SetTableProperties():
                    await self._set_properties(session, command, user)
                case ddl.DropTables():
                    return await self._drop_tables(session, command, user)
        return []

    async def _create_schema(
        self, session: AdminSession, command: ddl.CreateSchema, user: str
    ) -> list[str]:
        schema = literal(command.schema)
        if await session.run(f"SELECT 1 FROM pg_namespace WHERE nspname = {schema}"):
            if not command.if_not_exists:
                raise SqlError("42P06", f'schema "{command.schema}" already exists')
            return [f'schema "{command.schema}" already exists, skipping']
        allowed = await session.run(
            f"SELECT has_database_privilege({literal(user)}, current_database(), 'CREATE')::text"
        )
        if allowed != [["true"]]:
            raise SqlError("42501", f"permission denied for database {self._backend.database}")
        await session.run(
            f"CREATE SCHEMA {identifier(command.schema)} AUTHORIZATION {identifier(user)}"
        )
        await session.run(
            "INSERT INTO airscoop_catalog.external_schemas VALUES "
            f"({schema}, {literal(command.database)}, {literal(json.dumps(command.options))})"
        )
        return []

    async def _owned_schema(self, session: AdminSession, schema: str, user: str) -> None:
        rows = await session.run(
            f"SELECT pg_has_role({literal(user)}, n.nspowner, 'USAGE')::text, s.schemaname "
            "FROM pg_namespace n LEFT JOIN airscoop_catalog.external_schemas s "
            f"ON s.schemaname = n.nspname WHERE n.nspname = {literal(schema)}"
        )
        if not rows:
            raise SqlError("3F000", f'schema "{schema}" does not exist')
        if rows[0][1] is None:
            raise SqlError("42809", f'schema "{schema}" is not an external schema')
        if rows[0][0] != "true":
            raise SqlError("42501", f"permission denied for schema {schema}")

    async def _find(self, session: AdminSession, name: ddl.TableName) -> External | None:
        rows = await session.run(
            "SELECT t.relation, t.location, t.definition "
            "FROM airscoop_catalog.external_tables t JOIN pg_class c ON c.oid = t.relation "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {literal(name.schema)} AND c.relname = {literal(name.table)}"
        )
        if not rows:
            return None
        relation, location, definition = rows[0]
        return _external(name, str(relation), str(location), str(definition))

    async def _owned(self, session: AdminSession, name: ddl.TableName, user: str) -> External:
        await self._owned_schema(session, name.schema, user)
        await session.run(
            f"SELECT pg_advisory_xact_lock(hashtextextended({literal(str(name))}, 0))"
        )
        table = await self._find(session, name)
        if table is None:
            raise SqlError("42P01", f'external table "{name}" does not exist')
        return table

    async def _create_table(
        self, session: AdminSession, command: ddl.CreateTable, user: str
    ) -> None:
        await self._owned_schema(session, command.name.schema, user)
        target = _qualified(command.name)
        body = ", ".join(
            f"{identifier(column.name)} {column.sql}"
            for column in [*command.columns, *command.partition_columns]
        )
        await session.run(f"CREATE TABLE {target} ({body})")
        await session.run(f"GRANT SELECT ON {target} TO PUBLIC")
        await session.run(
            "INSERT INTO airscoop_catalog.external_tables VALUES "
            f"({literal(target)}::regclass, {literal(command.location)}, "
            f"{literal(_definition(command))})"
        )
        if not command.partition_columns:
            table = await self._owned(session, command.name, user)
            await self._attach(session, table, [], command.location)

    async def _attach(
        self, session: AdminSession, table: External, values: list[str], location: str
    ) -> None:
        token = secrets.token_hex(16)
        child = f"airscoop_partitions.p_{table.relation}_{secrets.token_hex(4)}"
        checks = [
            f"{identifier(column.name)} = {literal(value)}::{column.sql}"
            for column, value in zip(table.partition_columns, values, strict=True)
        ]
        check = f"CONSTRAINT partition_values CHECK ({' AND '.join(checks)})" if checks else ""
        command = program.command(self._socket, token)
        await session.run(
            f"CREATE FOREIGN TABLE {child} ({check}) INHERITS ({_qualified(table.name)}) "
            f"SERVER airscoop_objects OPTIONS (program {literal(command)}, format 'text', "
            "encoding 'UTF8')"
        )
        await session.run(
            "INSERT INTO airscoop_catalog.external_partitions VALUES "
            f"({literal(child)}::regclass, {table.relation}, {_texts(values)}, "
            f"{literal(location)}, {literal(token)})"
        )

    async def _canonical(
        self, session: AdminSession, table: External, given: Mapping[str, str]
    ) -> list[str]:
        """The values in the table's order and in PostgreSQL's spelling of their types."""
        names = [column.name for column in table.partition_columns]
        unknown = [name for name in given if name not in names]
        missing = [name for name in names if name not in given]
        if unknown or missing:
            named = ", ".join(names) or "none"
            raise SqlError(
                "42703",
                f'partition columns of "{table.name}" are {named}; given: {", ".join(given)}',
            )
        casts = ", ".join(
            f"({literal(given[column.name])}::{column.sql})::text"
            for column in table.partition_columns
        )
        return [str(value) for value in (await session.run(f"SELECT {casts}"))[0]]

    async def _partition(
        self, session: AdminSession, table: External, values: list[str]
    ) -> str | None:
        """The foreign table that is this partition, ready for SQL text."""
        rows = await session.run(
            "SELECT relation::regclass::text FROM airscoop_catalog.external_partitions "
            f"WHERE parent = {table.relation} AND partition_values = {_texts(values)}"
        )
        return rows[0][0] if rows else None

    async def _add_partitions(
        self, session: AdminSession, command: ddl.AddPartitions, user: str
    ) -> list[str]:
        table = await self._owned(session, command.name, user)
        notices = []
        for partition in command.partitions:
            values = await self._canonical(session, table, partition.values)
            if await self._partition(session, table, values) is None:
                await self._attach(session, table, values, partition.location)
            elif command.if_not_exists:
                notices.append("Partition already exists.")
            else:
                raise SqlError("42710", "Partition already exists.", detail=_named(table, values))
        return notices

    async def _existing(
        self, session: AdminSession, table: External, given: Mapping[str, str]
    ) -> str:
        values = await self._canonical(session, table, given)
        partition = await self._partition(session, table, values)
        if partition is None:
            raise SqlError("42704", "Partition does not exist.", detail=_named(table, values))
        return partition

    async def _set_partition_location(
        self, session: AdminSession, command: ddl.SetPartitionLocation, user: str
    ) -> None:
        table = await self._owned(session, command.name, user)
        partition = await self._existing(session, table, command.partition.values)
        await session.run(
            "UPDATE airscoop_catalog.external_partitions SET location = "
            f"{literal(command.partition.location)} WHERE relation = {literal(partition)}::regclass"
        )

    async def _drop_partition(
        self, session: AdminSession, command: ddl.DropPartition, user: str
    ) -> None:
        table = await self._owned(session, command.name, user)
        partition = await self._existing(session, table, command.values)
        await session.run(f"DROP FOREIGN TABLE {partition}")

    async def _set_table_location(
        self, session: AdminSession, command: ddl.SetTableLocation, user: str
    ) -> None:
        table = await self._owned(session, command.name, user)
        location = literal(command.location)
        await session.run(
            f"UPDATE airscoop_catalog.external_tables SET location = {location} "
            f"WHERE relation = {table.relation}; "
            f"UPDATE airscoop_catalog.external_partitions SET location = {location} "
            f"WHERE parent = {table.relation} AND partition_values = '{{}}'"
        )

    async def _set_properties(
        self, session: AdminSession, command: ddl.SetTableProperties, user: str
    ) -> None:
        table = await self._owned(session, command.name, user)
        properties = json.dumps({**table.properties, **command.properties})
        await session.run(
            "UPDATE airscoop_catalog.external_tables SET definition = "
            f"jsonb_set(definition, '{{properties}}', {literal(properties)}) "
            f"WHERE relation = {table.relation}"
        )

    async def _drop_tables(
        self, session: AdminSession, command: ddl.DropTables, user: str
    ) -> list[str]:
        notices = []
        for name in command.names:
            if command.if_exists and await self._find(session, name) is None:
                notices.append(f'table "{name.table}" does not exist, skipping')
                continue
            table = await self._owned(session, name, user)
            partitions = await session.run(
                "SELECT relation::regclass::text FROM airscoop_catalog.external_partitions "
                f"WHERE parent = {table.relation}"
            )
            for row in partitions:
                await session.run(f"DROP FOREIGN TABLE {row[0]}")
            behaviour = "CASCADE" if command.cascade else "RESTRICT"
            await session.run(f"DROP TABLE {_qualified(name)} {behaviour}")
        return notices

    async def any_external(self, names: Sequence[ddl.TableName]) -> bool:
        async with admin.connect(self._backend) as session:
            return any([await self._find(session, name) is not None for name in names])

    async def reading(self, token: str) -> Reading:
        """What the foreign table with this token reads now."""
        async with admin.connect(self._backend) as session:
            rows = await session.run(
                "SELECT n.nspname, c.relname, t.relation, t.location, t.definition, p.location, "
                "array_to_json(p.partition_values) "
                "FROM airscoop_catalog.external_partitions p "
                "JOIN airscoop_catalog.external_tables t ON t.relation = p.parent "
                "JOIN pg_class c ON c.oid = p.parent JOIN pg_namespace n ON n.oid = c.relnamespace "
                f"WHERE p.token = {literal(token)}"
            )
        if not rows:
            raise SqlError("42704", "the partition that is read was dropped")
        schema, table, relation, location, definition, place, values = map(str, rows[0])
        external = _external(ddl.TableName(schema, table), relation, location, definition)
        return Reading(external, json.loads(values), place)


def _named(table: External, values: Sequence[str]) -> str:
    pairs = zip(table.partition_columns, values, strict=True)
    return f"{table.name} (" + ", ".join(f"{c.name}={v}" for c, v in pairs) + ")"
