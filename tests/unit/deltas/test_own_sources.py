"""Nothing is written over what it was made from, however either is spelled."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import airscoop
from airscoop.cli import main
from airscoop.errors import UsageError
from support.deltas import NEW, OLD, write

SPELLINGS: dict[str, Callable[[Path], str]] = {
    "the same": str,
    "dots": lambda path: f"{path.parent}/x/../{path.name}",
    "slashes": lambda path: f"{path.parent}/.//{path.name}",
    "relative": lambda path: os.path.relpath(path),
    "a file:// address": lambda path: f"file://{path}",
    "a link": lambda path: linked(path, Path.symlink_to),
    "a hard link": lambda path: linked(path, Path.hardlink_to),
    "a linked folder": lambda path: f"{linked(path.parent, Path.symlink_to)}/{path.name}",
}


def linked(path: Path, link: Callable[[Path, Path], None]) -> str:
    other = path.parent.parent / f"other-{path.name}"
    link(other, path)
    return str(other)


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "a" / "in"
    folder.mkdir(parents=True)
    return write(folder / "old.csv", OLD), write(folder / "new.csv", NEW)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("side", [0, 1])
def test_changes_replace_none_of_the_exports(
    exports: tuple[Path, Path], side: int, spelling: Callable[[Path], str]
) -> None:
    destination = spelling(exports[side])
    delta = airscoop.delta(*exports, max_delete_ratio=1.0)
    with pytest.raises(UsageError, match="which it would replace"):
        delta.write(destination)
    assert [path.read_text() for path in exports] == [OLD, NEW]


def test_an_export_of_several_objects_is_none_of_them_replaced(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"part-{n}.csv", f"PK\n{n}\n") for n in range(3)]
    delta = airscoop.delta(None, parts)
    with pytest.raises(UsageError, match=r"part-2\.csv"):
        delta.write(parts[2])


def test_the_command_refuses_before_it_reads(
    exports: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = exports
    new.write_text("no export at all")
    assert main(["delta", str(old), str(new), "--out", str(new)]) == 2
    assert "which it would replace" in capsys.readouterr().err
    assert new.read_text() == "no export at all"


@pytest.mark.parametrize(
    "address",
    [
        "https://lake.s3.amazonaws.com/in/new.csv",
        "https://lake.s3.eu-west-1.amazonaws.com/in/new.csv?X-Amz-Signature=s3cr3t",
        "https://s3.eu-west-1.amazonaws.com/lake/in/../in/new.csv",
        "https://s3.example.org/lake/in/n%65w.csv",
        "https://lake.s3.example.org:443/in/new.csv",
    ],
)
@pytest.mark.parametrize("at", [[], ["--endpoint-url", "https://s3.example.org"]])
def test_the_web_address_of_an_object_is_that_object(
    exports: tuple[Path, Path],
    address: str,
    at: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    if "example" in address and not at:
        at = ["--endpoint-url", "https://s3.example.org/"]
    words = ["delta", str(exports[0]), address, "--out", "s3://lake/in/new.csv", *at]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "which it would replace" in said and "s3cr3t" not in said


LINES = b'{"a": 1}\n{"a": 2}\n'


@pytest.mark.parametrize(
    "options",
    [{"format": "jsonl"}, {"format": "json-values"}, {"compression": "gzip"}],
    ids=lambda options: next(iter(options.values())),
)
def test_a_copy_replaces_its_source_by_no_other_bytes(
    tmp_path: Path, options: dict[str, str]
) -> None:
    source = write(tmp_path / "a.jsonl", LINES)
    other = tmp_path / "b.jsonl"
    other.symlink_to(source)
    for destination in (source, other):
        with pytest.raises(UsageError, match="is the source"):
            airscoop.copy(source, destination, **options)  # type: ignore[arg-type]
    assert source.read_bytes() == LINES


def test_a_file_is_copied_onto_itself_as_it_is(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", LINES)
    airscoop.copy(source, source)
    assert source.read_bytes() == LINES


def test_a_link_with_another_suffix_is_the_source_too(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", LINES)
    (tmp_path / "a.jsonl.gz").symlink_to(source)
    with pytest.raises(UsageError, match="is the source"):
        airscoop.copy(source, tmp_path / "a.jsonl.gz")
    assert source.read_bytes() == LINES
