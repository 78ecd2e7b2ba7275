"""A change is in the table when its text is, not when the type's equality says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airscoop import errors
from support.apply import Applied, change
from support.standin import StandIn


@pytest.fixture
def target(database: dict[str, str], tmp_path: Path) -> Iterator[Applied]:
    found = Applied(database["dsn"], "postgres", tmp_path)
    yield found
    found.close()


def make(target: Applied, kind: str) -> None:
    if kind == "citext":
        target.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public")
    if "any_case" in kind:
        target.run(
            "CREATE COLLATION SCHEMA.any_case "
            "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
    target.run(f"CREATE TABLE SCHEMA.t (id integer, v {kind})")


KINDS = [
    ("citext", "a", "A"),
    ('text COLLATE "any_case"', "a", "A"),
    ("interval", "1 day", "24:00:00"),
    ("interval", "1 mon", "30 days"),
    ("numeric", "1.0", "1.00"),
    ("numeric", "0", "0.00"),
    ("double precision", "0", "-0"),
    ("real", "0", "-0"),
    ("double precision[]", "{0}", "{-0}"),
    ("jsonb", '{"a": 1.0}', '{"a": 1.00}'),
    ("numeric[]", "{1.0}", "{1.00}"),
    ("json", '{"a":1}', '{"a": 1}'),
    ("double precision", "0.1", "0.10000000000000002"),
]


@pytest.mark.parametrize(("kind", "before", "after"), KINDS)
def test_a_value_that_is_only_equal_by_its_type_is_written(
    target: Applied, kind: str, before: str, after: str
) -> None:
    make(target, kind)
    target.run(f"INSERT INTO SCHEMA.t VALUES (1, '{before}')")
    target.run("ALTER ROLE CURRENT_USER SET extra_float_digits = 0")
    try:
        receipt = target.apply(change("UPDATE", id="1", v=after), json_texts="parse")
    finally:
        target.run("ALTER ROLE CURRENT_USER RESET extra_float_digits")
    assert (receipt.already_applied, receipt.updated) == (False, 1)
    assert target.rows("v::text") == [(after,)]


@pytest.mark.parametrize(("kind", "value", "other"), [
    ("char(5)", "a", "a  "), ("varchar(5)", "a", "a"),
    ("timestamptz", "2026-01-01T00:00:00Z", "2026-01-01 02:00:00+02"),
    ("integer", "7", "07"), ("boolean", "true", "t"), ("integer[]", "{1,2}", "{ 1, 2 }"),
    ("numeric(10,2)", "1.5", "1.50"), ("jsonb", '{"b":1,"a":2}', '{"a": 2, "b": 1}'),
    ("bytea", "\\x6162", "ab"), ("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                                 "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
])  # fmt: skip
def test_a_value_that_the_type_stores_in_one_way_is_there(
    target: Applied, kind: str, value: str, other: str
) -> None:
    make(target, kind)
    target.run(f"INSERT INTO SCHEMA.t VALUES (1, '{value}')")
    receipt = target.apply(change("UPDATE", id="1", v=other), json_texts="parse")
    assert receipt.already_applied


def test_a_key_is_there_in_its_own_spelling_only(target: Applied) -> None:
    target.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public")
    target.run("CREATE TABLE SCHEMA.t (id citext PRIMARY KEY, v text)")
    target.run("INSERT INTO SCHEMA.t VALUES ('A', 'x')")
    with pytest.raises(errors.CountMismatch, match="in the table already"):
        target.apply(change("INSERT", id="a", v="x"))


def test_deletes_alone_are_not_applied_because_their_keys_are_not_there(target: Applied) -> None:
    target.run("CREATE TABLE SCHEMA.t (id integer, v text)")
    target.run("INSERT INTO SCHEMA.t VALUES (1, 'a')")
    with pytest.raises(errors.CountMismatch, match=r"2 of 2 DELETE .* not in the table"):
        target.apply(change("DELETE", id="7", v="x"), change("DELETE", id="8", v="x"))
    gone = (change("DELETE", id="1", v="a"),)
    assert target.apply(*gone).deleted == 1
    assert target.apply(*gone).already_applied  # the log knows


def test_redshifts_texts_are_compared_with_their_blanks(standin: StandIn, tmp_path: Path) -> None:
    target = Applied(standin.dsn, "redshift", tmp_path)
    try:
        target.run("CREATE TABLE SCHEMA.t (id integer, v varchar(20))")
        target.run("INSERT INTO SCHEMA.t VALUES (1, 'a')")
        assert target.apply(change("UPDATE", id="1", v="a ")).updated == 1
        assert target.apply(change("UPDATE", id="1", v="a ")).already_applied
        assert target.rows() == [(1, "a ")]
    finally:
        target.close()
