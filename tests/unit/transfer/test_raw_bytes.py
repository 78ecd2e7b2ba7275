"""A raw copy keeps, inflates or packs by the two names, and by nothing else."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import airscoop
from airscoop import errors

TEXT = b'{"a": 1}\n' * 1000
GZIP = gzip.compress(TEXT, mtime=0)  # the same in each process
HTML = b"<!DOCTYPE html><html><body>Log in</body></html>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path


def copied(
    folder: Path, source: str, data: bytes, destination: str, **options: Any
) -> tuple[airscoop.CopyReceipt, bytes]:
    (folder / source).write_bytes(data)
    target = folder / "out" / destination
    receipt = airscoop.copy(folder / source, target, **options)
    return receipt, target.read_bytes()


TABLE = [
    # source, content, destination, what becomes of it
    ("x.tgz", GZIP, "x.tgz", "kept"),
    ("b.GZ", GZIP, "b.GZ", "kept"),
    ("x.svgz", GZIP, "x.svgz", "kept"),
    ("x.json.gz", GZIP, "y.gz", "kept"),
    ("x.json.gz", GZIP, "y.json", "inflated"),
    ("x.json.GZ", GZIP, "y.Json", "inflated"),
    ("x.tgz", GZIP, "y.tar", "inflated"),
    ("x.json.gz", GZIP, "y.csv", "kept"),
    ("x.json.gz", GZIP, "y", "kept"),
    ("x.json.gz", GZIP, "y.json.bak", "kept"),
    ("x", GZIP, "y.gz", "kept"),
    ("x.json", TEXT, "y.json.gz", "packed"),
    ("x.json", TEXT, "y.GZ", "packed"),
    ("x", TEXT, "y.gz", "packed"),
    ("x", b"", "y.gz", "packed"),
    ("x", GZIP, "y", "kept"),
    ("x.bin", GZIP, "y.json", "kept"),
    ("x.gz.bak", GZIP, "y.bak", "kept"),
    ("x.json", TEXT, "y.tgz", "kept"),
    ("x.json", TEXT, "y", "kept"),
    ("x", b"\x1f\x8b", "y", "kept"),
    ("x", b"\x1f\x8b no gzip at all", "y", "kept"),
    ("x", b"\x1f\x8b no gzip at all", "y.gz", "packed"),
    ("empty.gz", b"", "y.gz", "kept"),
    ("empty.gz", b"", "y", "kept"),
]


@pytest.mark.parametrize(("source", "data", "destination", "handling"), TABLE)
def test_the_two_names_decide(
    source: str, data: bytes, destination: str, handling: str, folder: Path
) -> None:
    receipt, found = copied(folder, source, data, destination)
    assert receipt.compression == handling
    assert f", {handling}" in receipt.summary()
    expected = {"kept": data, "inflated": TEXT}.get(handling)
    assert (gzip.decompress(found) if expected is None else found) == (expected or data)
    if handling == "kept":
        assert receipt.unchanged


NAMES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["x", "gz", "a.b"]),
        st.sampled_from(["", ".json", ".csv", ".tar", ".gz"]),
        st.sampled_from(["", ".gz", ".GZ", ".tgz", ".svgz", ".bak"]),
    ),
)


@settings(max_examples=200, deadline=None)
@given(source=NAMES, destination=NAMES, packed=st.booleans())
@example(source="x", destination="x", packed=True)
def test_no_object_is_named_gz_without_being_gzip_and_nothing_is_lost(
    source: str, destination: str, packed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    (folder / "out").mkdir()
    is_gzip_name = source.lower().endswith((".gz", ".tgz", ".svgz"))
    data = GZIP if packed else TEXT
    if is_gzip_name and not packed:
        with pytest.raises(errors.CorruptData, match="named as gzip data"):
            copied(folder, source, data, destination)
        return
    receipt, found = copied(folder, source, data, destination)
    text = gzip.decompress(found) if found.startswith(b"\x1f\x8b") else found
    assert text == TEXT
    if destination.lower().endswith(".gz"):
        assert found.startswith(b"\x1f\x8b")
    if source.lower() == destination.lower():
        assert found == data
    assert (receipt.compression == "kept") == (found == data)


@pytest.mark.parametrize("data", [GZIP, TEXT])
def test_keep_gzip_and_none_say_it_outright(data: bytes, folder: Path) -> None:
    for source, destination in (("x", "y.gz"), ("x", "y.json"), ("x.bin", "y.bin")):
        assert copied(folder, source, data, destination, compression="keep")[1] == data
        packed = copied(folder, source, data, destination, compression="gzip")[1]
        assert gzip.decompress(packed) == TEXT
        assert copied(folder, source, data, destination, compression="none")[1] == TEXT


def test_gzip_under_a_name_that_does_not_say_so_is_told_with_how_to_inflate_it(
    folder: Path,
) -> None:
    receipt, _ = copied(folder, "x.json.gz", GZIP, "y.csv")
    assert any('compression="none"' in note for note in receipt.notes)
    assert "--compression none" in receipt.summary()
    for destination in ("y.gz", "y.tgz", "y.json"):
        assert copied(folder, "x.json.gz", GZIP, destination)[0].notes == []


@pytest.mark.parametrize("name", ["x.json.gz", "x.tgz"])
def test_gzip_data_that_is_kept_is_proven_by_its_trailer(name: str, folder: Path) -> None:
    with pytest.raises(errors.Truncated):
        copied(folder, name, GZIP[:-2], name)
    with pytest.raises(errors.CorruptData):
        copied(folder, name, GZIP[:-4] + b"lies", name)
    assert list((folder / "out").iterdir()) == []


DAMAGED = [GZIP[:-2], GZIP[:12], GZIP[:-4] + b"lies", GZIP + b"junk", GZIP[:20] + b"x" * 99]


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_where_no_name_says_gzip_the_bytes_are_kept_whatever_they_are(
    data: bytes, folder: Path
) -> None:
    for source, destination in (("looks.bin", "y.bin"), ("x", "y"), ("x.dat", "y.tgz")):
        receipt, found = copied(folder, source, data, destination)
        assert found == data
        assert (receipt.compression, receipt.unchanged) == ("kept", True)
        assert bool(receipt.notes) == (destination != "y.tgz")
    with airscoop.Upload(folder / "out" / "j") as upload:
        upload.write(data)
    assert (folder / "out" / "j").read_bytes() == data


def test_what_comes_from_standard_input_is_kept_for_a_name_that_is_not_gzips(
    folder: Path,
) -> None:
    target = folder / "out" / "x.bin"
    command = [sys.executable, "-m", "airscoop", "copy", "-", str(target)]
    subprocess.run(command, input=GZIP[:-2], check=True)
    assert target.read_bytes() == GZIP[:-2]


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_what_is_named_or_read_as_gzip_has_to_be_whole(data: bytes, folder: Path) -> None:
    for options, destination in (({}, "y.gz"), ({"compression": "none"}, "y")):
        with pytest.raises((errors.Truncated, errors.CorruptData, errors.TrailingGarbage)):
            copied(folder, "x", data, destination, **options)
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize("data", [*DAMAGED, TEXT, b"", HTML], ids=range(len(DAMAGED) + 3))
@pytest.mark.parametrize("destination", ["y.json.gz", "y.json"])
def test_keep_takes_the_bytes_unjudged_as_open_does(
    data: bytes, destination: str, folder: Path
) -> None:
    receipt, found = copied(folder, "x.json.gz", data, destination, compression="keep")
    assert found == data
    assert (receipt.compression, receipt.unchanged) == ("kept", True)
    assert airscoop.open(folder / "x.json.gz", "rb", compression="keep").read() == data


@pytest.mark.parametrize("name", ["x.json.gz", "x.tgz", "x.SVGZ"])
@pytest.mark.parametrize("destination", ["y.gz", "y.json", "y"])
@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (HTML, "HTML"),
        (b"\xef\xbb\xbf\r\n<html>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
        (b'{"error": "no"}', "JSON"),
        (b"not found", "plain text"),
        (b"PK\x03\x04 and so on", "a zip archive"),
        (b"BZh91AY&SY and so on", "bzip2 data"),
        (b"\x01\x02\x03\x04\x05", "binary data"),
        (b"\x1f", "binary data"),
    ],
)
def test_a_gzip_name_without_gzip_content_is_refused_with_what_it_looks_like(
    name: str, destination: str, data: bytes, looks: str, folder: Path
) -> None:
    with pytest.raises(errors.CorruptData, match=f"looks like {looks}.*allow_plain"):
        copied(folder, name, data, destination)
    assert list((folder / "out").iterdir()) == []
    receipt, found = copied(folder, name, data, destination, allow_plain=True)
    assert found == data
    assert receipt.compression == "kept"


@pytest.mark.parametrize(("data", "looks"), [(HTML, "HTML"), (TEXT, "JSON")])
def test_who_reads_text_is_refused_what_is_not_gzip_under_a_gzip_name(
    data: bytes, looks: str, folder: Path
) -> None:
    page = folder / "page.json.gz"
    page.write_bytes(data)
    for refused in (
        lambda: b"".join(airscoop.read(page, format="raw")),
        lambda: airscoop.open(page, "rb").read(),
        lambda: airscoop.check(page),
        lambda: airscoop.copy(page, folder / "out" / "y.json.gz", format="jsonl"),
    ):
        with pytest.raises(errors.CorruptData, match=f"looks like {looks}.*allow_plain"):
            refused()
    assert airscoop.open(page, "rb", allow_plain=True).read() == data
    assert airscoop.open(page, "rb", compression="keep").read() == data


def test_text_under_a_gzip_name_is_read_where_that_is_allowed(folder: Path) -> None:
    plain = folder / "plain.json.gz"
    plain.write_bytes(TEXT)
    assert b"".join(airscoop.read(plain, format="raw", allow_plain=True)) == TEXT
    assert airscoop.check(plain, allow_plain=True).records_in == 1000


@pytest.mark.parametrize("destination", ["y.gz", "y.json"])
def test_gzip_inside_of_gzip_is_told(destination: str, folder: Path) -> None:
    receipt, found = copied(folder, "x.json.gz", gzip.compress(GZIP), destination)
    assert any("gzip data again" in note for note in receipt.notes)
    assert "gzip data again" in receipt.summary()
    assert gzip.decompress(found if destination == "y.json" else gzip.decompress(found)) == TEXT


GARBAGE = [b"garbage", b"\x1f", b"\x1fx", b"\0\0\0x", b"x" * 100_000]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_bytes_behind_the_end_are_rejected_or_counted(garbage: bytes, folder: Path) -> None:
    data = GZIP + garbage
    with pytest.raises((errors.TrailingGarbage, errors.Truncated)):
        copied(folder, "x.json.gz", data, "y.json.gz")
    receipt, found = copied(folder, "x.json.gz", data, "y.json.gz", on_trailing_garbage="ignore")
    assert found == data  # the file is kept as it is
    assert receipt.trailing_garbage_bytes == len(garbage.lstrip(b"\0"))
    assert "trailing garbage" in receipt.summary()
    receipt, found = copied(folder, "x.json.gz", data, "y.json", on_trailing_garbage="ignore")
    assert found == TEXT  # where the text is read they are cut
    receipt, found = copied(
        folder, "x.json.gz", data, "z.json.gz", on_trailing_garbage="ignore", format="jsonl"
    )
    assert gzip.decompress(found) == TEXT
    assert receipt.trailing_garbage_bytes == len(garbage.lstrip(b"\0"))
    assert airscoop.open(folder / "x.json.gz", on_trailing_garbage="ignore").read() == TEXT.decode()


def test_padding_with_zeros_is_no_garbage(folder: Path) -> None:
    data = GZIP + b"\0" * 1000
    receipt, found = copied(folder, "x.tgz", data, "y.tgz")
    assert found == data
    assert receipt.trailing_garbage_bytes == 0


@pytest.mark.parametrize(
    ("source", "destination"), [("x.json.gz", "y.json.gz"), ("x", "y"), ("x", "y.gz")]
)
def test_gzip_data_is_cut_only_when_it_is_told_how(
    source: str, destination: str, folder: Path
) -> None:
    (folder / source).write_bytes(GZIP)
    target = folder / "out" / destination
    split = 5 * 2**20
    with pytest.raises(errors.UsageError, match='compression "gzip" or a format'):
        airscoop.copy(folder / source, target, split_bytes=split)
    with pytest.raises(errors.UsageError, match='compression "gzip" or a format'):
        airscoop.copy(folder / source, target, split_bytes=split, compression="keep")
    assert list(target.parent.iterdir()) == []
    ways: list[dict[str, Any]] = [{"compression": "gzip"}, {"format": "jsonl"}]
    for options in [*ways, {"compression": "none"}]:
        receipt = airscoop.copy(folder / source, target, split_bytes=split, **options)
        (file,) = receipt.files
        found = Path(file.name).read_bytes()
        assert (gzip.decompress(found) if found[:2] == GZIP[:2] else found) == TEXT
        Path(file.name).unlink()


def test_gzip_data_that_is_written_is_not_cut(folder: Path) -> None:
    file = airscoop.open(folder / "out" / "y.gz", "wb", split_bytes=5 * 2**20)
    file.write(GZIP)
    with pytest.raises(errors.UsageError, match="gzip data"):
        file.close()
    assert list((folder / "out").iterdir()) == []


def test_contradictions_are_wrong_usage(folder: Path) -> None:
    for options in (
        {"compression": "keep", "format": "jsonl"},
        {"compression": "keep", "compression_level": 9},
        {"compression": "none", "compression_level": 9},
        {"compression": "zip"},
        {"on_trailing_garbage": "keep"},
    ):
        with pytest.raises(errors.UsageError):
            copied(folder, "x", TEXT, "y", **options)


def test_standard_streams_have_no_name(folder: Path, capfdbinary: Any) -> None:
    from airscoop.cli import main

    (folder / "x.json.gz").write_bytes(GZIP)
    assert main(["copy", str(folder / "x.json.gz"), "-"]) == 0
    assert capfdbinary.readouterr().out == GZIP
    assert main(["cat", str(folder / "x.json.gz")]) == 0
    assert capfdbinary.readouterr().out == TEXT
    assert main(["head", "-n", "1", str(folder / "x.json.gz")]) == 0
    assert capfdbinary.readouterr().out == TEXT.splitlines(keepends=True)[0]


def test_what_is_written_without_a_source_is_packed_for_gz_alone(folder: Path) -> None:
    for name, packed in (("a.csv.gz", True), ("a.GZ", True), ("a.tgz", False), ("a", False)):
        with airscoop.Upload(folder / "out" / name) as upload:
            upload.write(TEXT)
        found = (folder / "out" / name).read_bytes()
        assert (gzip.decompress(found) if packed else found) == TEXT
        assert upload.receipt is not None
        assert upload.receipt.compression == ("packed" if packed else "kept")
