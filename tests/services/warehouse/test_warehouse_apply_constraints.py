"""Constraints, triggers and columns of the server: applied all the same, or told with a way on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airscoop import errors
from support.apply import Applied, Change, change


@pytest.fixture
def target(database: dict[str, str], tmp_path: Path) -> Iterator[Applied]:
    found = Applied(database["dsn"], "postgres", tmp_path)
    yield found
    found.close()


def insert(**row: str | None) -> Change:
    return change("INSERT", **row)


def update(**row: str | None) -> Change:
    return change("UPDATE", **row)


def delete(**row: str | None) -> Change:
    return change("DELETE", **row)


TREE = "(1, NULL), (2, 1), (3, 1)"


@pytest.mark.parametrize("action", ["", "ON DELETE CASCADE", "ON DELETE SET NULL",
                                    "ON DELETE RESTRICT", "DEFERRABLE"])  # fmt: skip
@pytest.mark.parametrize(("changes", "expected"), [
    ((insert(id="5", parent="4"), insert(id="4", parent="1")),
     [(1, None), (2, 1), (3, 1), (4, 1), (5, 4)]),
    ((delete(id="1", parent=None), delete(id="2", parent="1"), delete(id="3", parent="1")), []),
    ((delete(id="1", parent=None), update(id="2", parent=None), update(id="3", parent="2")),
     [(2, None), (3, 2)]),
    ((update(id="2", parent="9"), insert(id="9", parent="3")),
     [(1, None), (2, 9), (3, 1), (9, 3)]),
    ((delete(id="1", parent=None), update(id="2", parent="9"), update(id="3", parent="9"),
      insert(id="9", parent=None)), [(2, 9), (3, 9), (9, None)]),
])  # fmt: skip
def test_rows_may_refer_to_rows_of_their_own_table(
    target: Applied,
    action: str,
    changes: tuple[Change, ...],
    expected: list[tuple[int | None, ...]],
) -> None:
    target.run(
        f"CREATE TABLE t (id integer PRIMARY KEY, parent integer REFERENCES t {action});"
        f" INSERT INTO t VALUES {TREE}"
    )
    receipt = target.apply(*changes)
    assert target.rows() == sorted(expected, key=lambda row: [(v is not None, str(v)) for v in row])
    assert receipt.inserted + receipt.updated + receipt.deleted == len(changes)
    assert target.apply(*changes).already_applied


def test_a_reference_that_the_export_breaks_is_told_by_the_constraints_name(
    target: Applied,
) -> None:
    target.run(
        "CREATE TABLE t (id integer PRIMARY KEY, parent integer CONSTRAINT up REFERENCES t);"
        f" INSERT INTO t VALUES {TREE}"
    )
    with pytest.raises(errors.SqlError, match=r'foreign key "up" refuses .* the export breaks'):
        target.apply(delete(id="1", parent=None))
    assert len(target.rows()) == 3


@pytest.mark.parametrize("when", ["", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"])
def test_other_tables_references_are_told_with_what_to_apply_first(
    target: Applied, when: str
) -> None:
    target.run(
        "CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a');"
        f" CREATE TABLE lines (id integer, t integer CONSTRAINT of_t REFERENCES t {when});"
        " INSERT INTO lines VALUES (7, 1)"
    )
    with pytest.raises(
        errors.SqlError, match=r'foreign key "of_t" of \S+lines .* the changes of \S+lines first'
    ):
        target.apply(delete(id="1", v="a"))
    with pytest.raises(
        errors.SqlError, match=r'foreign key "of_t" refuses .* apply the changes of \S+\.t first'
    ):
        target.apply(insert(id="8", t="2"), table="lines")
    assert target.rows() == [(1, "a")]
    assert target.apply(delete(id="7", t="1"), table="lines").deleted == 1
    assert target.apply(delete(id="1", v="a")).deleted == 1


@pytest.mark.parametrize("kind", [
    "UNIQUE (v)", "UNIQUE (v) DEFERRABLE", "UNIQUE (v) DEFERRABLE INITIALLY DEFERRED",
    "EXCLUDE USING btree (v WITH =)", "EXCLUDE USING btree (v WITH =) DEFERRABLE",
])  # fmt: skip
def test_values_change_places_under_each_kind_of_constraint(target: Applied, kind: str) -> None:
    target.run(
        f"CREATE TABLE t (id integer PRIMARY KEY, v integer, CONSTRAINT one {kind});"
        " INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)"
    )
    changes = (update(id="1", v="20"), update(id="2", v="10"), delete(id="3", v="30"),
               insert(id="4", v="30"))  # fmt: skip
    assert target.apply(*changes).changed
    assert target.rows() == [(1, 20), (2, 10), (4, 30)]
    with pytest.raises(errors.SqlError, match='"one"'):
        target.apply(insert(id="5", v="30"))


def test_a_value_goes_from_a_row_that_is_deferred_to_a_new_one(target: Applied) -> None:
    target.run(
        "CREATE TABLE t (id integer PRIMARY KEY, v integer UNIQUE DEFERRABLE, up integer"
        " REFERENCES t); INSERT INTO t VALUES (1, 10, NULL), (2, 20, 1)"
    )
    changes = (update(id="1", v="20", up="3"), update(id="2", v="10", up=None),
               insert(id="3", v="30", up="2"))  # fmt: skip
    assert target.apply(*changes).changed
    assert target.rows() == [(1, 20, 3), (2, 10, None), (3, 30, 2)]


def test_what_a_cascade_took_away_does_not_make_a_rerun_fail(target: Applied) -> None:
    target.run(
        "CREATE TABLE parents (id integer PRIMARY KEY); INSERT INTO parents VALUES (1), (2);"
        " CREATE TABLE t (id integer PRIMARY KEY, p integer REFERENCES parents ON DELETE CASCADE)"
    )
    rows = (insert(id="1", p="1"), insert(id="2", p="2"))
    target.apply(*rows)
    target.apply(delete(id="1"), table="parents")
    assert target.rows() == [(2, 2)]
    assert target.apply(*rows).already_applied


@pytest.mark.parametrize("when", ["BEFORE INSERT OR UPDATE", "AFTER INSERT"])
def test_what_a_trigger_made_of_values_does_not_make_a_rerun_fail(
    target: Applied, when: str
) -> None:
    body = "NEW.v := upper(NEW.v);" if when.startswith("BEFORE") else "UPDATE t SET v = 'X';"
    target.run(
        "CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a');"
        f" CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}"
        f" RETURN NEW; END $$; CREATE TRIGGER f {when} ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    target.run(f"ALTER FUNCTION f() SET search_path = {target.schema}")
    changes = (update(id="1", v="b"), insert(id="2", v="c"))
    assert target.apply(*changes).changed
    again = target.apply(*changes)
    assert again.already_applied and not again.changed


def test_an_identity_that_is_the_key_is_inserted_as_it_is(target: Applied) -> None:
    target.run(
        "CREATE TABLE t (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, v text);"
        " INSERT INTO t (v) VALUES ('a')"
    )
    receipt = target.apply(insert(id="40", v="d"), update(id="1", v="b"))
    assert (receipt.inserted, receipt.updated) == (1, 1)
    assert target.rows() == [(1, "b"), (40, "d")]


@pytest.mark.parametrize("what", ["integer GENERATED ALWAYS AS (id * 2) STORED",
                                  "integer GENERATED ALWAYS AS IDENTITY"])  # fmt: skip
def test_a_column_that_the_server_fills_is_told_and_can_be_left_out(
    target: Applied, what: str
) -> None:
    target.run(f"CREATE TABLE t (id integer PRIMARY KEY, v text, n {what})")
    target.run("INSERT INTO t (id, v) VALUES (1, 'a')")
    changes = (update(id="1", v="b", n="7"), insert(id="2", v="c", n="8"))
    with pytest.raises(errors.SchemaChanged, match=r'column "n" .*GENERATED .*ignore_columns'):
        target.apply(*changes)
    assert target.apply(*changes, ignore_columns=["n"]).changed
    assert target.rows("id, v") == [(1, "b"), (2, "c")]


def test_a_check_that_refuses_a_change_is_named(target: Applied) -> None:
    target.run("CREATE TABLE t (id integer PRIMARY KEY, v integer CONSTRAINT few CHECK (v < 9))")
    with pytest.raises(errors.SqlError, match='the constraint "few" refuses a change; correct'):
        target.apply(insert(id="1", v="10"))
