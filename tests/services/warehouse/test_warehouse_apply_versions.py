"""The versions of a table are applied one after the other, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.apply import Applied, Change, change
from support.standin import StandIn

DATASET = "acme/orders"


@pytest.fixture(params=["postgres", "redshift"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Applied]:
    if request.param == "postgres":
        dsn = request.getfixturevalue("database")["dsn"]
    else:
        stand_in: StandIn = request.getfixturevalue("standin")
        dsn = stand_in.dsn
    found = Applied(dsn, request.param, tmp_path)
    found.run("CREATE TABLE SCHEMA.t (id integer, v varchar(20))")
    yield found
    found.close()


@pytest.fixture
def on_postgres(database: dict[str, str], tmp_path: Path) -> Iterator[Applied]:
    found = Applied(database["dsn"], "postgres", tmp_path)
    found.run("CREATE TABLE SCHEMA.t (id integer, v varchar(20))")
    yield found
    found.close()


def deltas(folder: Path, *exports: dict[str, str], dataset: str = DATASET) -> list[Path]:
    """Files v1, v2, … from one export to the next; the first import is the first."""
    paths: list[Path] = []
    old: Path | None = None
    for number, rows in enumerate(exports, 1):
        new = folder / f"export{number}.csv"
        new.write_text("id,v\n" + "".join(f"{key},{value}\n" for key, value in rows.items()))
        delta = airscoop.delta(
            old, new, key=["id"], dataset=dataset, version=f"v{number}",
            previous=None if old is None else f"v{number - 1}", max_delete_ratio=1, min_rows=0,
        )  # fmt: skip
        paths.append(folder / f"v{number}.jsonl")
        delta.write(paths[-1])
        old = new
    return paths


HISTORY: tuple[dict[str, str], ...] = (
    {"1": "a", "2": "b"},
    {"1": "A", "2": "b"},
    {"1": "3", "2": "c"},
)


def of(version: str, previous: str, *changes: Change) -> list[Change]:
    named = {"dataset": DATASET, "version": version, "previous": previous}
    return [{**each, **named} for each in changes]


def test_versions_are_applied_in_their_order_and_each_once(target: Applied, tmp_path: Path) -> None:
    files = deltas(tmp_path, *HISTORY)
    for path in files:
        assert target.apply(path).changed
        again = target.apply(path)
        assert again.already_applied and not again.changed
    assert target.rows() == [(1, "3"), (2, "c")]
    assert target.logged("dataset, version, previous, number") == [
        (DATASET, "v1", None, 1), (DATASET, "v2", "v1", 2), (DATASET, "v3", "v2", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("rewritten", ["as it is", "turned around", "blanks", "members"])
def test_an_older_version_is_refused_by_name_however_its_file_is_written(
    target: Applied, tmp_path: Path, rewritten: str
) -> None:
    files = deltas(tmp_path, *HISTORY)
    for path in files:
        target.apply(path)
    lines = [json.loads(line) for line in files[1].read_text().splitlines()]
    if rewritten == "turned around":
        files[1].write_text("".join(json.dumps(line) + "\n" for line in reversed(lines)))
    elif rewritten == "blanks":
        files[1].write_text("".join(json.dumps(line, indent=None) + " \n" for line in lines))
    elif rewritten == "members":
        files[1].write_text("".join(json.dumps({**line, "changed": []}) + "\n" for line in lines))
    with pytest.raises(errors.WrongVersion) as caught:
        target.apply(files[1])
    for part in ("version v2 of acme/orders follows version v1", "is at version v3", "--again"):
        assert part in str(caught.value)
    assert target.rows() == [(1, "3"), (2, "c")]
    assert target.apply(files[1], again=True).updated == 1
    assert target.apply(files[2]).updated == 2  # the table is at v2 now


def test_a_version_is_not_left_out(target: Applied, tmp_path: Path) -> None:
    first, _, third = deltas(tmp_path, *HISTORY)
    target.apply(first)
    with pytest.raises(errors.WrongVersion, match=r"version v3 .* follows version v2, and "):
        target.apply(third)
    assert target.rows() == [(1, "a"), (2, "b")]


def test_a_first_import_goes_over_no_version(target: Applied, tmp_path: Path) -> None:
    first, second, _ = deltas(tmp_path, *HISTORY)
    target.apply(first)
    target.apply(second)
    with pytest.raises(errors.WrongVersion, match=r"version v1 .* follows no version"):
        target.apply(first)


def test_a_version_without_changes_takes_the_table_to_it(target: Applied, tmp_path: Path) -> None:
    files = deltas(tmp_path, HISTORY[0], HISTORY[0], HISTORY[1])
    for path in files:
        receipt = target.apply(path)
    assert receipt.updated == 1
    assert [version for (version,) in target.logged("version")] == ["v1", "v2", "v3"]
    assert target.apply(files[2]).already_applied
    with pytest.raises(errors.WrongVersion, match="version v2"):
        target.apply(files[1])


def test_changes_that_stand_in_the_table_take_it_to_their_version(
    target: Applied, tmp_path: Path
) -> None:
    first, second, third = deltas(tmp_path, *HISTORY)
    target.apply(first)
    target.run("UPDATE SCHEMA.t SET v = 'A' WHERE id = 1")
    assert target.apply(second).already_applied
    assert target.apply(third).updated == 2


def test_another_datasets_changes_are_refused(target: Applied, tmp_path: Path) -> None:
    target.apply(deltas(tmp_path, *HISTORY)[0])
    other = deltas(tmp_path, {}, {"7": "x"}, dataset="acme/users")[1]
    with pytest.raises(errors.WrongVersion, match=r"of acme/users version v2.*acme/orders"):
        target.apply(other)
    assert target.rows() == [(1, "a"), (2, "b")]


def test_a_version_with_other_changes_is_another_one(target: Applied, tmp_path: Path) -> None:
    first, second, _ = deltas(tmp_path, *HISTORY)
    target.apply(first)
    target.apply(second)
    other = of("v2", "v1", change("UPDATE", id="1", v="B"))
    with pytest.raises(errors.WrongVersion, match=r"version v2 .* with other changes"):
        target.apply(*other)


def test_a_file_of_two_versions_is_refused(target: Applied) -> None:
    both = [
        *of("v2", "v1", change("INSERT", id="1", v="a")),
        *of("v3", "v2", change("INSERT", id="2", v="b")),
    ]
    with pytest.raises(errors.BadRecord, match=r"change 2 is of acme/orders version v3.* v2"):
        target.apply(*both)


@pytest.mark.parametrize("members", [
    {"version": "v9"}, {"version": 9, "dataset": "d", "previous": "v8"},
    {"version": "v9", "dataset": "d"}, {"previous": "x"},
])  # fmt: skip
def test_members_of_other_programs_are_no_version(target: Applied, members: dict[str, Any]) -> None:
    assert target.apply({**change("INSERT", id="1", v="a"), **members}).inserted == 1
    assert target.logged("dataset, version, previous") == [(None, None, None)]


def test_a_table_is_at_the_version_that_went_through_a_view(
    on_postgres: Applied, tmp_path: Path
) -> None:
    on_postgres.run("CREATE VIEW SCHEMA.inner_view AS SELECT * FROM SCHEMA.t")
    on_postgres.run("CREATE VIEW SCHEMA.view AS SELECT id, v FROM SCHEMA.inner_view")
    files = deltas(tmp_path, *HISTORY)
    on_postgres.apply(files[0])
    on_postgres.apply(files[1], table="view")
    assert on_postgres.apply(files[1]).already_applied
    on_postgres.apply(files[2])
    with pytest.raises(errors.WrongVersion, match="version v2"):
        on_postgres.apply(files[1], table="view")


def test_a_file_without_a_version_is_known_again_by_its_changes(on_postgres: Applied) -> None:
    first = [change("INSERT", id="1", v="a"), change("INSERT", id="2", v="b")]
    on_postgres.apply(*first)
    on_postgres.apply(change("UPDATE", id="1", v="c"))
    with pytest.raises(errors.AlreadyApplied, match=r"was applied at .*\(--again\)"):
        on_postgres.apply(*reversed(first))
    assert on_postgres.rows() == [(1, "c"), (2, "b")]


def test_an_older_log_is_brought_forward(on_postgres: Applied, tmp_path: Path) -> None:
    first, second, _ = deltas(tmp_path, *HISTORY)
    on_postgres.run("DROP SCHEMA IF EXISTS airscoop CASCADE")
    on_postgres.apply(change("INSERT", id="1", v="a"), change("INSERT", id="2", v="b"))
    for column in ("dataset", "version", "previous", "content", "number"):
        on_postgres.run(f"ALTER TABLE airscoop.applied DROP COLUMN {column}")
    on_postgres.run("UPDATE airscoop.versions SET version = 2 WHERE table_name = 'applied'")
    assert on_postgres.apply(first).already_applied  # it stands in the table
    assert on_postgres.apply(second).updated == 1
    assert on_postgres.logged("version, number") == [("v1", 1), ("v2", 2), (None, None)]
