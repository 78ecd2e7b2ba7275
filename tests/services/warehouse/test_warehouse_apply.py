"""apply_changes on PostgreSQL and on the Redshift stand-in: the table afterwards, and refusals."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

import airscoop
from airscoop import ApplyReceipt, errors
from airscoop.warehouse.session import LoadContext, Warehouse
from support.s3 import Store
from support.standin import StandIn
from support.wire_proxy import WireProxy

Change = dict[str, Any]


class Target:
    """A warehouse to apply to, and the test's own eye on it. s.t is its table."""

    def __init__(self, dsn: str, dialect: Any, folder: Path, schema: str) -> None:
        self.dsn, self.dialect, self.folder, self.schema = dsn, dialect, folder, schema
        self.eye = psycopg.connect(dsn, autocommit=True)
        self.table = f"{schema}.t"
        self.run(f"CREATE SCHEMA {schema}")

    def run(self, sql: str) -> None:
        self.eye.execute(sql.encode())

    def create(self, columns: str, *rows: Sequence[object]) -> None:
        self.run(f"CREATE TABLE {self.table} ({columns})")
        for row in rows:
            marks = ", ".join("%s" for _ in row)
            self.eye.execute(f"INSERT INTO {self.table} VALUES ({marks})".encode(), row)

    def rows(self, what: str = "*") -> list[tuple[Any, ...]]:
        found = self.eye.execute(f"SELECT {what} FROM {self.table}".encode()).fetchall()
        return sorted(found, key=lambda row: [(value is not None, str(value)) for value in row])

    def connect(self, **options: Any) -> Warehouse:
        return Warehouse(self.dsn, dialect=self.dialect, **options)

    def file(self, *changes: Change, name: str = "changes.jsonl") -> Path:
        path = self.folder / name
        text = "".join(json.dumps(change) + "\n" for change in changes).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path

    def apply(self, changes: Any, key: Sequence[str] = ("id",), **options: Any) -> ApplyReceipt:
        with self.connect() as warehouse:
            return warehouse.apply_changes(changes, table=self.table, key=key, **options)

    def logged(self, what: str) -> list[tuple[Any, ...]]:
        return self.eye.execute(
            f"SELECT {what} FROM airscoop.applied WHERE target_table = '{self.table}'"
            " ORDER BY applied_at".encode()
        ).fetchall()


@pytest.fixture(params=["postgres", "redshift"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if request.param == "postgres":
        dsn = request.getfixturevalue("database")["dsn"]
    else:
        stand_in: StandIn = request.getfixturevalue("standin")
        dsn = stand_in.dsn
    found = Target(dsn, request.param, tmp_path, f"apply{random.getrandbits(48):x}")
    try:
        yield found
    finally:
        found.run(f"DROP SCHEMA {found.schema} CASCADE")
        found.eye.close()


@pytest.fixture
def on_postgres(database: dict[str, str], tmp_path: Path) -> Iterator[Target]:
    found = Target(database["dsn"], "postgres", tmp_path, "s")
    yield found
    found.eye.close()


def insert(**row: Any) -> Change:
    return {"op": "INSERT", "key": {"id": row["id"]}, "row": row, "id": "0"}


def update(**row: Any) -> Change:
    return {"op": "UPDATE", "key": {"id": row["id"]}, "row": row, "changed": [], "id": "0"}


def delete(**row: Any) -> Change:
    return {"op": "DELETE", "key": {"id": row["id"]}, "row": row, "id": "0"}


def done(receipt: ApplyReceipt) -> tuple[int, int, int, int]:
    return receipt.changes, receipt.inserted, receipt.updated, receipt.deleted


START = ((1, "one"), (2, "two"), (3, "three"))
CHANGES = (update(id="2", note="zwei"), delete(id="3", note="three"), insert(id="4", note=None))
END = [(1, "one"), (2, "zwei"), (4, None)]


def test_changes_are_applied_and_counted(target: Target) -> None:
    target.create("id integer, note varchar(20)", *START)
    receipt = target.apply(target.file(*CHANGES))
    assert target.rows() == END
    assert done(receipt) == (3, 1, 1, 1)
    assert receipt.changed and not receipt.already_applied and receipt.attempts == 1
    assert "3 changes = 1 inserted + 1 updated + 1 deleted" in receipt.summary()


def test_a_second_run_changes_nothing_and_says_so(target: Target) -> None:
    target.create("id integer, note varchar(20)", *START)
    path = target.file(*CHANGES)
    first = target.apply(path)
    again = target.apply(path)
    assert target.rows() == END
    assert again.already_applied and not again.changed
    assert done(again) == (3, 0, 0, 0)
    assert again.digest == first.digest
    assert "all applied already" in again.summary()
    assert len(target.logged("*")) == 1


def test_a_second_run_of_updates_alone_changes_nothing(target: Target) -> None:
    target.create("id integer, note varchar(20), at timestamp", (1, "a", None), (2, None, None))
    path = target.file(
        update(id="1", note="b", at="2026-01-02T03:04:05"), update(id="2", note=None, at="20260101")
    )
    assert done(target.apply(path)) == (2, 0, 2, 0)
    assert target.apply(path).already_applied
    assert target.apply(path, again=True).already_applied


def test_the_log_has_the_file_and_the_run(target: Target) -> None:
    target.create("id integer, note varchar(20)", *START)
    load = LoadContext(dag_id="dag", run_id="run", task_id="task", try_number=2)
    receipt = target.apply(target.file(*CHANGES), load=load)
    columns = "digest, inserted, updated, deleted, dag_id, run_id, task_id, try_number"
    assert target.logged(columns) == [(receipt.digest, 1, 1, 1, "dag", "run", "task", 2)]


def test_a_file_that_was_overtaken_is_refused(target: Target) -> None:
    target.create("id integer, note varchar(20)", *START)
    first = target.file(update(id="1", note="v2"), name="v2.jsonl")
    target.apply(first)
    target.apply(target.file(update(id="1", note="v3"), name="v3.jsonl"))
    with pytest.raises(errors.AlreadyApplied, match=r"was applied at .*changed since"):
        target.apply(first)
    assert (1, "v3") in target.rows()
    assert done(target.apply(first, again=True)) == (1, 0, 1, 0)
    assert (1, "v2") in target.rows()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (insert(id="1", note="x"), r"1 of 1 INSERT changes .* in the table already: \"id\"='1'"),
        (update(id="9", note="x"), r"1 of 1 UPDATE changes .* not in the table: \"id\"='9'"),
        (delete(id="9", note="x"), r"1 of 1 DELETE changes .* not in the table: \"id\"='9'"),
    ],
)
def test_a_table_that_is_not_the_old_export_is_left_alone(
    target: Target, change: Change, message: str
) -> None:
    target.create("id integer, note varchar(20)", *START)
    others = [delete(id="3", note="three"), insert(id="5", note="five")]
    if change["op"] == others[0]["op"]:
        others.pop(0)
    if change["op"] == "INSERT":
        others.pop()
    with pytest.raises(errors.CountMismatch, match=message) as caught:
        target.apply(target.file(*others, change))
    assert f"(change {len(others) + 1})" in str(caught.value)
    assert "compute them against what it holds" in str(caught.value)
    counted = sum(one["op"] == change["op"] for one in (*others, change))
    facts = (caught.value.counted, caught.value.expected, caught.value.found)
    assert facts == (f"{change['op']} changes", counted, counted - 1)
    assert target.rows() == sorted(START, key=str)
    assert target.logged("*") == []


@pytest.mark.parametrize("change", [update(id="1", note="x"), delete(id="1", note="x")])
def test_a_key_of_several_rows_is_refused(target: Target, change: Change) -> None:
    target.create("id integer, note varchar(20)", (1, "a"), (1, "b"))
    with pytest.raises(errors.CountMismatch, match="several rows of the table have") as caught:
        target.apply(target.file(change))
    assert (caught.value.expected, caught.value.found) == (1, 2)
    assert target.rows() == [(1, "a"), (1, "b")]


def test_several_changes_of_one_key_are_refused(target: Target) -> None:
    target.create("id integer, note varchar(20)", *START)
    with pytest.raises(errors.DuplicateKey, match=r"\"id\"='7' in the changes 1 and 3"):
        target.apply(
            target.file(insert(id="7", note="a"), insert(id="8", note="b"), delete(id="07"))
        )
    assert len(target.rows()) == 3


def test_a_value_that_does_not_fit_names_change_key_and_column(target: Target) -> None:
    target.create("id integer, age integer, note varchar(5)")
    rows = [insert(id=str(n), age=str(n), note="x") for n in range(1, 700)]
    rows[455]["row"]["age"] = "old"
    with pytest.raises(
        errors.BadRecord, match=r"change 456 \(\"id\"='456'\).* \"age\": .*old"
    ) as bad:
        target.apply(target.file(*rows))
    assert bad.value.sqlstate == "22P02"
    rows[455]["row"]["age"] = "44"
    rows[698]["row"]["note"] = "too long"
    with pytest.raises(errors.BadRecord, match=r"change 699 .*\"note\": .*too long for"):
        target.apply(target.file(*rows))
    assert target.rows() == []


def test_null_and_the_empty_string_differ(target: Target) -> None:
    target.create("id integer, note varchar(20)", (1, "x"), (2, "x"))
    target.apply(target.file(update(id="1", note=""), update(id="2", note=None)))
    assert target.rows() == [(1, ""), (2, None)]
    with pytest.raises(errors.BadRecord, match="null"):
        target.apply(target.file(delete(id=None)))


def test_texts_arrive_as_they_are(target: Target) -> None:
    odd = ["\\", "\\N", "a\tb\nc\rd", 'it\'s "so"', "ü€𝄞", "\\.", "\x01\x7f", "  x ", "$1", "{}"]
    target.create("id integer, note varchar(200)")
    target.apply(target.file(*(insert(id=str(n), note=text) for n, text in enumerate(odd))))
    assert [note for _, note in sorted(target.rows())] == odd


def test_values_of_json_lines_keep_their_meaning(target: Target) -> None:
    target.create("id integer, yes boolean, n numeric(20, 4), note varchar(50)")
    change = insert(id=7, yes=True, n=12.5, note={"a": [1, "x y"]})
    target.apply(target.file(change))
    assert [tuple(map(str, row)) for row in target.rows()] == [
        ("7", "True", "12.5000", '{"a":[1,"x y"]}')
    ]


def test_columns_that_the_file_lacks_keep_their_defaults_and_values(target: Target) -> None:
    target.create(
        "id integer, note varchar(20), state varchar(9) DEFAULT 'new'",
        (1, "a", "old"),
        (2, "b", "x"),
    )
    target.apply(target.file(update(id="1", note="c"), insert(id="3", note="d"), delete(id="2")))
    assert target.rows() == [(1, "c", "old"), (3, "d", "new")]


def test_a_column_that_the_table_lacks_is_named_and_can_be_left_out(target: Target) -> None:
    target.create("id integer, note varchar(20)", (1, "a"))
    path = target.file(update(id="1", note="b", extra="x"))
    with pytest.raises(errors.SchemaChanged, match=r'"extra", which .* lacks .*has id, note'):
        target.apply(path)
    assert target.rows() == [(1, "a")]
    target.apply(path, ignore_columns=["extra"])
    assert target.rows() == [(1, "b")]


def test_names_match_without_regard_to_case_where_that_is_clear(target: Target) -> None:
    target.create("pk integer, note varchar(20)", (1, "a"))
    change = {"op": "UPDATE", "key": {"PK": "1"}, "row": {"PK": "1", "Note": "b"}}
    target.apply(target.file(change), key=["PK"])
    assert target.rows() == [(1, "b")]


def test_columns_that_differ_by_case_alone_are_two(on_postgres: Target) -> None:
    on_postgres.create('id integer, a text, "A" text')
    on_postgres.apply(on_postgres.file(insert(id="1", A="upper", a="lower")), on_key_case="keep")
    assert on_postgres.rows() == [(1, "lower", "upper")]


def test_a_key_of_several_columns_and_quoted_names(target: Target) -> None:
    target.create('"the day" varchar(10), "order" integer, "it""s" varchar(9)', ("a", 1, "x"))
    row = {"the day": "a", "order": "1", 'it"s': "y"}
    key = {"the day": "a", "order": "1"}
    other = {"the day": "a", "order": "2", 'it"s': "z"}
    changes = [
        {"op": "UPDATE", "key": key, "row": row},
        {"op": "INSERT", "key": {"the day": "a", "order": "2"}, "row": other},
    ]
    target.apply(target.file(*changes), key=["the day", "order"])
    assert target.rows() == [("a", 1, "y"), ("a", 2, "z")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "change 1: it is no object"),
        ('{"op": "INSERT", "row": {"id": "1"}}', "lacks op or key"),
        ('{"op": "UPSERT", "key": {"id": "1"}, "row": {"id": "1"}}', "none of INSERT"),
        ('{"op": "INSERT", "key": {"id": "1"}}', "lacks its row"),
        ('{"op": "INSERT", "key": {"id": "1"}, "row": {"id": "2"}}', 'differ in "id"'),
        ('{"op": "INSERT", "key": {"no": "1"}, "row": {"id": "1"}}', 'it lacks "id"'),
        ('{"op": "DELETE", "key": {"id": "1", "b": "2"}}', "more columns"),
        ('{"op": "INSERT", "key": {"id": "1"}, "row": {"note": "x"}}', 'key column "id"'),
        ('{"op": "INSERT", "key": {"id": "1"}, "row": {"id": "1", "id": "1"}}', "twice"),
        ('{"op": "INSERT", "op": "INSERT"}', "twice"),
        ('{"op": "INSERT", "key": "1", "row": {}}', "must be objects"),
        ('{"op": "INSERT", "key": {"id": "1"}, "row": {"id": "1', "line 1"),
        ('{"op": "INSERT", "key": {"id": "1"}, "row": {"id": "\\u0000"}}', "line 1"),
    ],
)
def test_what_is_no_change_is_refused(on_postgres: Target, line: str, message: str) -> None:
    on_postgres.create("id integer, note text")
    path = on_postgres.folder / "changes.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(errors.BadRecord, match=message):
        on_postgres.apply(path)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"op": "INSERT", "row": {"id": "1"}}', "change 2: "),
        ('{"op": "INSERT", "key": {"id": "1"}, "row": {"id": "2"}}', "change 2: "),
        ('{"op": "INSERT", "key": {"id": "x"}, "row": {"id": "x", "note": ""}}', "change 2 ("),
        ('{"op": "INSERT", "key": {"id": "1"}, "row": {"id": "1', ""),
    ],
)
def test_what_cannot_be_applied_is_named_by_file_line_and_byte(
    target: Target, line: str, what: str
) -> None:
    target.create("id integer, note varchar(20)")
    path = target.folder / "changes.jsonl"
    before = "\n" + json.dumps(insert(id="7", note="ü"), ensure_ascii=False) + "\n \n\n"
    path.write_text(before + line + "\n")
    with pytest.raises(errors.BadRecord) as caught:
        target.apply(path)
    assert f": {path}: line 5 (byte {len(before.encode())}): {what}" in str(caught.value)


@pytest.mark.parametrize("row", [{"id": "2"}, {"id": "2", "other": "x"}])
def test_rows_with_other_columns_than_the_first_are_refused(
    on_postgres: Target, row: dict[str, Any]
) -> None:
    on_postgres.create("id integer, note text, other text")
    with pytest.raises(errors.BadRecord, match=r"change 2: .*first row"):
        on_postgres.apply(on_postgres.file(insert(id="1", note="x"), insert(**row)))


def test_a_file_without_changes_changes_nothing(target: Target) -> None:
    target.create("id integer, note varchar(20)", *START)
    receipt = target.apply(target.file())
    assert done(receipt) == (0, 0, 0, 0) and not receipt.already_applied
    assert target.logged("*") == []


def test_another_number_of_changes_than_expected_applies_nothing(target: Target) -> None:
    target.create("id integer, note varchar(20)", *START)
    with pytest.raises(errors.CountMismatch, match="should have 4 changes but has 3"):
        target.apply(target.file(*CHANGES), expected_changes=4)
    assert len(target.rows()) == 3
    assert target.apply(target.file(*CHANGES), expected_changes=3).changed


def test_a_cut_file_applies_nothing(target: Target) -> None:
    target.create("id integer, note varchar(20)")
    changes = [insert(id=str(n), note=f"{n * 7919 % 1009}") for n in range(5000)]
    path = target.file(*changes, name="changes.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(errors.Truncated):
        target.apply(path)
    assert target.rows() == []


def test_a_missing_file_table_or_key_is_named(target: Target) -> None:
    target.create("id integer, note varchar(20)")
    with pytest.raises(errors.NotFound, match=r"gone\.jsonl"):
        target.apply(target.folder / "gone.jsonl")
    with target.connect() as warehouse, pytest.raises(errors.NotFound, match="nowhere"):
        warehouse.apply_changes(target.file(), table=f"{target.schema}.nowhere", key=["id"])
    with pytest.raises(errors.UsageError, match=r'"no" is no column .* columns are id, note'):
        target.apply(target.file(), key=["no"])
    with pytest.raises(errors.UsageError, match="standard input"):
        target.apply("-")
    with pytest.raises(errors.UsageError, match="name the key"):
        target.apply(target.file(), key=[])


def test_an_object_in_s3_is_applied(on_postgres: Target, store: Store) -> None:
    on_postgres.create("id integer, note text", *START)
    path = on_postgres.file(*CHANGES, name="changes.jsonl.gz")
    receipt = on_postgres.apply(
        store.put("changes.jsonl.gz", path.read_bytes()), s3=store.settings()
    )
    assert on_postgres.rows() == END
    assert receipt.etag and receipt.changes_file.startswith("s3://")


def test_redshift_gets_no_copy_and_at_most_32767_values_a_statement(
    standin: StandIn, tmp_path: Path
) -> None:
    found = Target(standin.dsn, "redshift", tmp_path, f"apply{random.getrandbits(48):x}")
    found.create("id integer, a varchar(9), b varchar(9)")
    seen: list[str] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    # Together 75,000 values: PostgreSQL itself takes no more than 65,535.
    changes = [insert(id=str(n), a="x", b=None) for n in range(15_000)]
    conninfo = {**psycopg.conninfo.conninfo_to_dict(standin.dsn), "sslmode": "disable"}
    settings = {name: str(value) for name, value in conninfo.items()}
    path = found.file(*changes)
    with (
        WireProxy(int(settings["port"]), hook) as proxy,
        Warehouse({**settings, "port": str(proxy.port)}) as warehouse,
    ):
        receipt = warehouse.apply_changes(path, table=found.table, key=["id"])
    assert receipt.inserted == len(found.rows()) == 15_000
    assert seen and not any(sql.startswith(("COPY", "ANALYZE")) for sql in seen)
    found.run(f"DROP SCHEMA {found.schema} CASCADE")
    found.eye.close()


def test_types_without_equality_are_known_again(on_postgres: Target) -> None:
    on_postgres.create("id integer, doc json, place point, tags text[], x xml")
    path = on_postgres.file(insert(id="1", doc={"a": [1]}, place="(1,2)", tags="{a,b}", x="<a/>"))
    assert on_postgres.apply(path).inserted == 1
    assert on_postgres.apply(path).already_applied


def test_unique_values_may_change_hands(on_postgres: Target) -> None:
    on_postgres.create("id integer PRIMARY KEY, name text UNIQUE", (1, "a"), (2, "b"))
    on_postgres.apply(on_postgres.file(insert(id="3", name="a"), delete(id="1")))
    assert on_postgres.rows() == [(2, "b"), (3, "a")]


def test_a_constraint_is_told_in_the_servers_words(on_postgres: Target) -> None:
    on_postgres.create("id integer, n integer CHECK (n > 0)", (1, 1))
    with pytest.raises(errors.SqlError, match=r"violates check constraint.*\(2, -1\)"):
        on_postgres.apply(on_postgres.file(insert(id="2", n="-1"), delete(id="1")))
    assert on_postgres.rows() == [(1, 1)]


def test_a_trigger_that_leaves_out_a_row_is_noticed(on_postgres: Target) -> None:
    on_postgres.create("id integer, note text", *START)
    on_postgres.run(
        "CREATE FUNCTION s.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER skip BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.skip()"
    )
    with pytest.raises(errors.CountMismatch, match="1 INSERT changes touched 0 rows"):
        on_postgres.apply(on_postgres.file(*CHANGES))
    assert on_postgres.rows() == sorted(START, key=str)


def random_table(dice: random.Random) -> dict[str, list[str | None]]:
    values = [None, "", "a", "b", "A", "it's", "x,y", "\\", "\n", '"', "ü"]
    keys = dice.sample(
        ["1", "2", "3", "a", "A", "ü", "x y", "\\N", "it's", "10"], dice.randint(0, 9)
    )
    return {key: [dice.choice(values) for _ in range(3)] for key in keys}


def export(path: Path, table: dict[str, list[str | None]], dice: random.Random) -> Path:
    lines = [
        json.dumps({"PK": key, **{f"c{n}": value for n, value in enumerate(row)}})
        for key, row in table.items()
    ]
    dice.shuffle(lines)
    # A row of nulls that both have keeps the columns known when a table is empty.
    header = json.dumps({"PK": "0", "c0": None, "c1": None, "c2": None})
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.mark.parametrize("seed", range(8))
def test_the_delta_of_two_tables_applied_to_the_old_one_gives_the_new_one(
    target: Target, seed: int
) -> None:
    dice = random.Random(seed)
    tables = [random_table(dice) for _ in range(4)]
    everywhere: dict[str, list[str | None]] = {"0": [None, None, None]}
    target.create("pk varchar(10), c0 varchar(10), c1 varchar(10), c2 varchar(10)")
    for key, row in {**everywhere, **tables[0]}.items():
        target.eye.execute(
            f"INSERT INTO {target.table} VALUES (%s, %s, %s, %s)".encode(), (key, *row)
        )
    for number, (old, new) in enumerate(itertools.pairwise(tables)):
        delta = airscoop.delta(
            export(target.folder / "old.jsonl", old, dice),
            export(target.folder / "new.jsonl", new, dice),
            max_delete_ratio=1.0, version=str(number),
        )  # fmt: skip
        path = target.folder / f"changes{number}.jsonl.gz"
        delta.write(path)
        receipt = target.apply(path, key=["PK"], expected_changes=len(delta))
        facts = delta.receipt
        assert done(receipt)[1:] == (facts.inserted, facts.updated, facts.deleted)
        expected = [(key, *row) for key, row in {**everywhere, **new}.items()]
        assert sorted(target.rows(), key=str) == sorted(expected, key=str)
        again = target.apply(path, key=["PK"])
        assert again.already_applied == (len(delta) > 0) and not again.changed
