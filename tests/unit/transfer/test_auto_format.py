"""What the format "auto" stands for, which is the default of every verb."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.cli import main
from airscoop.transfer.arguments import COPY_DEFAULTS
from airscoop.transfer.options import TransferOptions

pytestmark = pytest.mark.unit

LINES = b'{"a": 1}\n{"a": 2}\n'
TABLE = b'a,b\n1,"x, y"\n'
NEITHER = b"no JSON, no CSV\nof these columns: 1, 2, 3\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def put(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return put


Put = Callable[[str, bytes], Path]


def test_it_is_the_default_wherever_there_is_a_format() -> None:
    for verb in (airscoop.check, airscoop.read, airscoop.Upload, airscoop.delta, airscoop.copy):
        assert inspect.signature(verb).parameters["format"].default == "auto", verb
    assert COPY_DEFAULTS["format"] == "auto"


@pytest.mark.parametrize("given", [{}, {"format": "auto"}, {"format": None}])
@pytest.mark.parametrize(("name", "data"), [("x.jsonl", LINES), ("x.CSV", TABLE), ("x", LINES)])
def test_what_is_checked_and_read_is_read_by_its_name(
    name: str, data: bytes, given: dict[str, Any], put: Put
) -> None:
    source = put(name, data)
    assert airscoop.check(source, **given).format == ("csv" if data is TABLE else "jsonl")
    assert b"".join(airscoop.read(source, **given)) == data
    bad = put(name, NEITHER)
    with pytest.raises(errors.BadRecord):
        airscoop.check(bad, **given)
    with pytest.raises(errors.BadRecord):
        list(airscoop.read(bad, **given))
    assert b"".join(airscoop.read(bad, format="raw")) == NEITHER


def test_it_is_read_as_csv_where_it_is_said_how_csv_is_written(put: Put) -> None:
    source = put("x", b"a;b\n1;2\n")
    csv = airscoop.CsvDialect(delimiter=";")
    assert airscoop.check(source, csv=csv).format == "csv"
    assert b"".join(airscoop.read(source, csv=csv)) == b"a,b\n1,2\n"


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv", "x"])
def test_a_copy_and_an_upload_keep_bytes_as_they_are(name: str, put: Put, tmp_path: Path) -> None:
    receipt = airscoop.copy(put(name, NEITHER), tmp_path / "to")
    assert (receipt.format, receipt.records_in) == ("raw", 0)
    assert (tmp_path / "to").read_bytes() == NEITHER
    with airscoop.Upload(tmp_path / name) as upload:
        upload.write(NEITHER)
    assert upload.receipt is not None
    assert upload.receipt.format == "raw"


def test_a_copy_of_csv_that_is_written_in_its_own_way_is_csv(put: Put, tmp_path: Path) -> None:
    csv = airscoop.CsvDialect(delimiter=";")
    receipt = airscoop.copy(put("x", b"a;b\n1;2\n"), tmp_path / "to", csv=csv)
    assert receipt.format == "csv"
    assert (tmp_path / "to").read_bytes() == b"a,b\n1,2\n"
    with pytest.raises(errors.UsageError, match=r'csv says .*: format="csv"'):
        airscoop.copy(tmp_path / "x", tmp_path / "to", csv=csv, format="raw")


def test_the_engine_never_hears_of_it() -> None:
    assert TransferOptions(source="a").native()["format"] == "raw"


@pytest.mark.parametrize("flags", [[], ["--format", "auto"]])
def test_the_command_reads_by_the_name_what_it_checks_or_shows_the_head_of(
    flags: list[str], put: Put, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    table, bad = str(put("x.csv", TABLE)), str(put("x.jsonl", NEITHER))
    assert main(["head", "-q", "-n", "2", table, *flags]) == 0
    assert capfdbinary.readouterr().out == TABLE
    assert main(["check", "-q", table, *flags]) == 0
    for verb in ("head", "check"):
        assert main([verb, "-q", bad, *flags]) == 3
    capfdbinary.readouterr()
    assert main(["cat", "-q", bad, *flags]) == 0
    assert main(["head", "-q", bad, "--format", "raw"]) == 0
    assert capfdbinary.readouterr().out == 2 * NEITHER
