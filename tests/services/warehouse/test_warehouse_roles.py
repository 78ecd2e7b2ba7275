"""Several database users share what airscoop keeps; what one lacks is said at once, as SQL."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import ApplyReceipt, InsertReceipt, errors
from airscoop.warehouse.session import Warehouse
from support.paths import ROOT
from support.standin import StandIn
from support.warehouse import Settings, connect_owner, conninfo

Eye = psycopg.Connection[Any]
GRANTS = ROOT / "docs" / "how-to" / "grants.md"
TABLES = (
    "CREATE SCHEMA s; CREATE TABLE s.source (k text, stamp integer);"
    "CREATE TABLE s.target (k text, stamp integer); CREATE TABLE s.other (k text, stamp integer);"
    "INSERT INTO s.source VALUES ('a', 1), ('b', 2)"
)
CHANGE = '{"op": "INSERT", "key": {"k": "z"}, "row": {"k": "z", "stamp": "1"}, "id": "x"}\n'
# loads, applied and a lock, as an airscoop made them that knew of no versions.
OF_BEFORE = """
CREATE SCHEMA airscoop;
CREATE TABLE airscoop.loads (load_id varchar(32) NOT NULL, source_table varchar(300),
  target_table varchar(300), partition varchar(4096), mode varchar(16), source varchar(4096),
  etag varchar(256), s3_key varchar(1024), scanned bigint, duplicates bigint, already_there bigint,
  inserted bigint, replaced bigint, dag_id varchar(512), run_id varchar(512), task_id varchar(512),
  try_number integer, loaded_at timestamp);
CREATE TABLE airscoop.applied (apply_id varchar(32) NOT NULL, target_table varchar(300),
  digest varchar(64), changes varchar(4096), etag varchar(256), inserted bigint, updated bigint,
  deleted bigint, dag_id varchar(512), run_id varchar(512), task_id varchar(512),
  try_number integer, attempts integer, applied_at timestamp);
CREATE TABLE airscoop.lock_s_target (nothing integer);
INSERT INTO airscoop.loads (load_id, inserted) VALUES ('old', 7);
"""


class Roles:
    """Two roles that own nothing and have all rights on the tables of schema s."""

    def __init__(self, database: Settings, eye: Eye, folder: Path) -> None:
        self.database, self.eye = database, eye
        self.changes = folder / "changes.jsonl"
        self.changes.write_text(CHANGE)
        self.first, self.second = (f"{name}_{uuid.uuid4().hex[:8]}" for name in ("one", "two"))

    def create(self) -> None:
        self.eye.execute(TABLES.encode())
        for role in (self.first, self.second):
            self.eye.execute(
                f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA s TO {role};"
                f"GRANT ALL ON ALL TABLES IN SCHEMA s TO {role}".encode()
            )

    def drop(self) -> None:
        for role in (self.first, self.second):
            self.eye.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())

    def open(self, role: str, **options: Any) -> Warehouse:
        return Warehouse(
            conninfo(self.database, user=role, password="x"), dialect="postgres", **options
        )

    def insert(self, role: str, target: str = "s.target", **changes: Any) -> InsertReceipt:
        arguments: dict[str, Any] = {
            "source": "s.source", "columns": ["k", "stamp"], "key": ["k"]
        }  # fmt: skip
        with self.open(role) as warehouse:
            return warehouse.insert_distinct(**{**arguments, "target": target, **changes})

    def apply(self, role: str, table: str = "s.target") -> ApplyReceipt:
        with self.open(role) as warehouse:
            return warehouse.apply_changes(self.changes, table=table, key=["k"])

    def init(self, *grant_to: str) -> Any:
        with superuser(self.database) as warehouse:
            return warehouse.init(grant_to=grant_to)

    def tables(self) -> set[str]:
        rows = self.eye.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'airscoop' AND c.relkind = 'r'"
        ).fetchall()
        return {row[0] for row in rows}


def superuser(database: Settings) -> Warehouse:
    return connect_owner(database)


@pytest.fixture
def roles(bare_database: Settings, tmp_path: Path) -> Iterator[Roles]:
    with psycopg.connect(bare_database["dsn"], autocommit=True) as eye:
        found = Roles(bare_database, eye, tmp_path)
        found.create()
        try:
            yield found
        finally:
            found.drop()


def test_two_roles_load_the_same_tables_in_turn(roles: Roles) -> None:
    receipt = roles.init(roles.first, roles.second)
    assert receipt.made == ["loads", "applied"] and receipt.left == []
    for table in ("s.target", "s.other"):
        for role, inserted in ((roles.first, 2), (roles.second, 0), (roles.first, 0)):
            assert roles.insert(role, table).inserted == inserted
        for role, applied in ((roles.second, False), (roles.first, True)):
            assert roles.apply(role, table).already_applied is applied
    logged = roles.eye.execute("SELECT loaded_by FROM airscoop.loads ORDER BY loaded_at").fetchall()
    assert {row[0] for row in logged} == {roles.first, roles.second} and len(logged) == 6
    assert roles.eye.execute("SELECT applied_by FROM airscoop.applied").fetchall() == [
        (roles.second,), (roles.second,)
    ]  # fmt: skip


def test_the_page_of_grants_says_all_that_a_role_needs(roles: Roles) -> None:
    roles.init()
    (block,) = re.findall(r"```sql\n(.*?)```", GRANTS.read_text(), re.DOTALL)
    roles.eye.execute(re.sub(r"\betl\b", roles.second, block).encode())
    assert roles.insert(roles.second).inserted == 2
    assert roles.apply(roles.second).changed


def test_roles_wait_for_each_other_at_one_lock(roles: Roles) -> None:
    roles.init(roles.first, roles.second)
    roles.insert(roles.first)
    with roles.open(roles.first) as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE airscoop.lock_s_target IN EXCLUSIVE MODE")
        with (
            roles.open(roles.second, lock_timeout_seconds=0.2) as warehouse,
            pytest.raises(errors.LockTimeout, match="lock_s_target"),
        ):
            warehouse.insert_distinct(
                source="s.source", target="s.target", columns=["k", "stamp"], key=["k"]
            )
        holder.execute("ROLLBACK")


def grants_of(error: BaseException) -> list[str]:
    return re.findall(r'GRANT [^;]+ TO "[^"]+"', str(error))


@pytest.mark.parametrize("verb", ["insert", "apply"])
def test_a_role_is_told_all_rights_that_it_lacks_at_once(roles: Roles, verb: str) -> None:
    roles.init(roles.first)
    getattr(roles, verb)(roles.first)
    role = roles.second
    roles.eye.execute(
        f"REVOKE ALL ON SCHEMA s FROM {role}; REVOKE ALL ON s.target, s.source FROM {role};"
        f"REVOKE TEMP ON DATABASE {roles.database['dbname']} FROM PUBLIC".encode()
    )
    with pytest.raises(errors.AccessDenied) as caught:
        getattr(roles, verb)(role)
    grants = grants_of(caught.value)
    assert f'GRANT SELECT, INSERT ON "airscoop"."loads" TO "{role}"' in grants
    assert f'GRANT USAGE ON SCHEMA "s" TO "{role}"' in grants
    assert f'GRANT TEMP ON DATABASE "{roles.database["dbname"]}" TO "{role}"' in grants
    for grant in grants:
        roles.eye.execute(grant.encode())
    getattr(roles, verb)(role)


def test_a_role_in_a_database_without_the_schema_is_told_the_command(roles: Roles) -> None:
    with pytest.raises(errors.AccessDenied, match="airscoop warehouse init --grant-to"):
        roles.insert(roles.first)
    roles.init(roles.first)
    assert roles.insert(roles.first).inserted == 2


@pytest.mark.parametrize("verb", ["insert", "apply"])
def test_a_load_of_a_table_that_does_not_exist_leaves_no_lock(roles: Roles, verb: str) -> None:
    roles.init(roles.first)
    before = roles.tables()
    with pytest.raises(errors.NotFound, match=r"s\.nowhere"):
        getattr(roles, verb)(roles.first, "s.nowhere")
    assert roles.tables() == before


def test_a_first_load_of_a_table_that_does_not_exist_leaves_nothing(
    roles: Roles,
) -> None:
    with superuser(roles.database) as warehouse, pytest.raises(errors.NotFound):
        warehouse.insert_distinct(source="s.source", target="s.nowhere", columns=["k"], key=["k"])
    assert roles.tables() == set()


def test_what_an_older_airscoop_left_is_brought_forward(roles: Roles) -> None:
    roles.eye.execute(OF_BEFORE.encode())
    roles.eye.execute(f"ALTER TABLE airscoop.lock_s_target OWNER TO {roles.first}".encode())
    receipt = roles.init(roles.first, roles.second)
    assert receipt.brought_forward == ["loads", "applied"] and receipt.made == []
    assert receipt.versions == {"loads": 2, "applied": 7} and receipt.left == []
    assert roles.init().brought_forward == []
    for role in (roles.second, roles.first):
        roles.insert(role)
    rows = roles.eye.execute("SELECT loaded_by FROM airscoop.loads ORDER BY loaded_at NULLS FIRST")
    assert rows.fetchall() == [(None,), (roles.second,), (roles.first,)]


def test_a_load_by_the_owner_brings_forward(roles: Roles) -> None:
    roles.eye.execute(OF_BEFORE.encode())
    with superuser(roles.database) as warehouse:
        warehouse.insert_distinct(
            source="s.source", target="s.target", columns=["k", "stamp"], key=["k"]
        )
    found = roles.eye.execute("SELECT * FROM airscoop.versions ORDER BY 1").fetchall()
    assert found == [("applied", 7), ("loads", 2)]


def test_what_cannot_be_brought_forward_stays_whole(roles: Roles) -> None:
    """applied belongs to someone else, so loads is not changed either."""
    roles.eye.execute(OF_BEFORE.encode())
    roles.eye.execute(
        f"GRANT ALL ON SCHEMA airscoop TO {roles.first};"
        f"ALTER TABLE airscoop.loads OWNER TO {roles.first};"
        f"GRANT ALL ON airscoop.applied TO {roles.first}".encode()
    )
    with pytest.raises(errors.AccessDenied, match=r"airscoop\.applied is of version 1"):
        roles.insert(roles.first)
    columns = roles.eye.execute(
        "SELECT COUNT(*) FROM pg_attribute WHERE attrelid = 'airscoop.loads'::regclass"
        " AND attname = 'loaded_by'"
    ).fetchone()
    assert columns == (0,) and "versions" not in roles.tables()


def test_locks_of_others_are_left_to_their_owners(roles: Roles) -> None:
    roles.eye.execute(OF_BEFORE.encode())
    for each in ("SCHEMA airscoop", "TABLE airscoop.loads", "TABLE airscoop.applied"):
        roles.eye.execute(f"ALTER {each} OWNER TO {roles.first}".encode())
    with roles.open(roles.first) as warehouse:
        receipt = warehouse.init(grant_to=[roles.second])
    assert receipt.left == ['GRANT UPDATE, DELETE ON "airscoop"."lock_s_target" TO PUBLIC;']
    for statement in receipt.left:
        roles.eye.execute(statement.encode())
    assert roles.insert(roles.second).inserted == 2


def test_a_dump_that_reads_every_table_is_not_in_the_way(roles: Roles) -> None:
    roles.init(roles.first)
    roles.insert(roles.first)
    with psycopg.connect(roles.database["dsn"]) as dump:
        for table in sorted(roles.tables()):
            dump.execute(f"LOCK TABLE airscoop.{table} IN ACCESS SHARE MODE".encode())
        dump.execute("LOCK TABLE s.source, s.target IN ACCESS SHARE MODE")
        with roles.open(roles.first, lock_timeout_seconds=5) as warehouse:
            receipt = warehouse.insert_distinct(
                source="s.source", target="s.target", columns=["k", "stamp"], key=["k"]
            )
    assert (receipt.inserted, receipt.already_there) == (0, 2)


@pytest.fixture
def on_redshift(standin: StandIn) -> Iterator[tuple[str, str, Eye]]:
    """A user of the stand-in that owns nothing, a schema with source and target, and an eye."""
    user, schema = (f"{name}_{uuid.uuid4().hex[:8]}" for name in ("etl", "house"))
    with standin.connect() as eye:
        eye.execute(
            f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.source (k varchar(20));"
            f"CREATE TABLE {schema}.target (k varchar(20));"
            f"INSERT INTO {schema}.source VALUES ('a'); CREATE USER {user} PASSWORD 'x'".encode()
        )
        try:
            yield user, schema, eye
        finally:
            eye.execute(f"DROP SCHEMA {schema} CASCADE".encode())
            eye.execute(f"GRANT {user} TO CURRENT_USER".encode())
            eye.execute(f"DROP OWNED BY {user} CASCADE; DROP USER {user}".encode())


def test_a_redshift_user_is_told_all_rights_and_loads_with_them(
    standin: StandIn, on_redshift: tuple[str, str, Eye]
) -> None:
    user, schema, eye = on_redshift
    with Warehouse(standin.dsn) as owner:
        owner.init()
    dsn = standin.dsn.replace(standin.dsn.split("//")[1].split("@")[0], f"{user}:x")

    def insert() -> InsertReceipt:
        with Warehouse(dsn) as warehouse:
            return warehouse.insert_distinct(
                source=f"{schema}.source", target=f"{schema}.target", columns=["k"],
                key=["k"],
            )  # fmt: skip

    with pytest.raises(errors.AccessDenied) as caught:
        insert()
    grants = grants_of(caught.value)
    assert f'GRANT SELECT ON "{schema}"."source" TO "{user}"' in grants
    for grant in grants:
        eye.execute(grant.encode())
    assert insert().inserted == 1


def test_a_redshift_group_is_granted(standin: StandIn, on_redshift: tuple[str, str, Eye]) -> None:
    user, _, eye = on_redshift
    with Warehouse(standin.dsn) as owner:
        receipt = owner.init(grant_to=f"group:{user}")
    assert receipt.granted_to == [f"group:{user}"] and "granted to" in receipt.summary()
    found = eye.execute(
        "SELECT has_table_privilege(%s, 'airscoop.loads', 'INSERT')", (user,)
    ).fetchone()
    assert found == (True,)
