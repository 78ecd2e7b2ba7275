"""airscoop.aggregate over real servers: prefixes, faults of sources, refusals, cancelling."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

import airscoop
from airscoop import errors
from support.fault_server import origin, with_length
from support.s3 import Store

HIT = {"GroupID": 7, "CountryCode": "DE", "Domain": "a.example"}
GROUP_BY = {"country": ["CountryCode::countrycode"], "domain": ["GroupID:int:groupid", "Domain"]}


def hits(count: int, **changed: Any) -> bytes:
    return b"".join(json.dumps(HIT | changed, indent=4).encode() + b"\n" for _ in range(count))


def counted(source: str, **options: Any) -> airscoop.Aggregation:
    given: dict[str, Any] = {"group_by": GROUP_BY, "measures": {"hitcount": "count"}} | options
    return airscoop.aggregate(source, **given)


def test_all_objects_below_a_prefix_are_counted_in_the_order_of_their_keys(store: Store) -> None:
    store.put("h/minute=1/b.json.gz", gzip.compress(hits(3)))
    french = hits(2, CountryCode="FR").rstrip().replace(b"\n}\n", b"\n},\n")
    store.put("h/minute=1/a.json", b"[" + french + b"]")
    store.put("h/minute=0/z.json", hits(1))
    store.put("other/x.json", hits(100))
    result = counted(store.uri("h/"), s3=store.settings())
    assert list(result["country"]) == [
        {"countrycode": "DE", "hitcount": 4},
        {"countrycode": "FR", "hitcount": 2},
    ]
    receipt = result.receipt
    names = [one.source.rpartition("/")[2] for one in receipt.inputs]
    assert names == ["z.json", "a.json", "b.json.gz"]
    assert [one.records for one in receipt.inputs] == [1, 2, 3]
    assert all(one.etag and one.last_modified for one in receipt.inputs)
    assert receipt.to_dict()["groupings"][1] == {
        "name": "domain", "groups": 1, "records": 6, "other_groups": 0, "other_records": 0,
    }  # fmt: skip


def test_include_and_exclude_choose_what_is_below_a_folder(tmp_path: Path) -> None:
    for name in ("a.json", "b.json", "c.txt"):
        (tmp_path / name).write_bytes(hits(1))
    result = counted(f"{tmp_path}/", include=["*.json"], exclude=["b*"])
    assert [one.source for one in result.receipt.inputs] == [f"{tmp_path}/a.json"]


def test_nothing_to_count_is_an_error_unless_it_is_allowed(store: Store) -> None:
    with pytest.raises(errors.NotFound, match="nothing to count"):
        counted(store.uri("none/"), s3=store.settings())
    result = counted(store.uri("none/"), s3=store.settings(), allow_empty=True)
    assert result.receipt.objects == 0
    assert list(result["country"]) == []


def test_results_are_parquet_and_json_lines_by_their_declared_types(store: Store) -> None:
    source = store.put("h.json", hits(2))
    result = counted(source, s3=store.settings())
    result.write(store.uri("out"), s3=store.settings())
    result["domain"].write(store.uri("out/domain.jsonl.gz"), s3=store.settings())
    lines = gzip.decompress(store.get("out/domain.jsonl.gz"))
    assert lines == b'{"groupid":7,"Domain":"a.example","hitcount":2}\n'
    table = parquet.read_table(pyarrow.BufferReader(store.get("out/domain.parquet")))
    assert table.schema.types == [pyarrow.int32(), pyarrow.string(), pyarrow.int64()]
    assert table.to_pylist() == list(result["domain"])
    file = parquet.ParquetFile(pyarrow.BufferReader(store.get("out/country.parquet")))
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"


def test_what_before_commit_raises_leaves_no_file(store: Store) -> None:
    result = counted(store.put("h.json", hits(2)), s3=store.settings())

    def refuse() -> None:
        raise RuntimeError("not now")

    with pytest.raises(RuntimeError, match="not now"):
        result.write(store.uri("out/"), s3=store.settings(), before_commit=refuse)
    assert store.names() == ["h.json"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (gzip.compress(hits(50))[:-9], errors.Truncated, "c.json"),
        (gzip.compress(hits(50))[:-6] + b"\0\0\0\0\0\0", errors.CorruptData, "c.json"),
        (hits(5)[:-9], errors.BadRecord, "ends inside a value"),
        (b"PK\3\4" + bytes(40), errors.UnsupportedFormat, "zip"),
        (hits(1) + b"[1]", errors.BadRecord, "line 6 .* a record must be an object"),
        (hits(1) + b'{"GroupID": 1}', errors.BadRecord, '"CountryCode" is missing or null'),
        (hits(1, GroupID=2**31), errors.BadRecord, '"GroupID" is not a whole number of 32 bits'),
        (hits(1, GroupID="7"), errors.BadRecord, '"GroupID" is not a whole number of 32 bits'),
    ],
)
def test_a_bad_object_ends_the_count(
    content: bytes, error: type[Exception], message: str, store: Store
) -> None:
    store.put("h/a.json", hits(3))
    store.put("h/c.json", content)
    store.put("h/d.json", hits(3))
    with pytest.raises(error, match=message):
        counted(store.uri("h/"), s3=store.settings())


def test_rejected_records_are_counted_and_in_the_reject_file(store: Store) -> None:
    store.put("h/a.json", hits(1) + hits(1, GroupID="x") + hits(1))
    store.put("h/b.json", hits(1) + b"7\n" + hits(1))
    options = {"s3": store.settings(), "max_rejected": 2, "rejects": store.uri("_rejects/r.jsonl")}
    receipt = counted(store.uri("h/"), **options).receipt
    assert (receipt.records, receipt.counted, receipt.rejected) == (6, 4, 2)
    assert [(one.counted, one.rejected) for one in receipt.inputs] == [(2, 1), (2, 1)]
    lines = [json.loads(line) for line in store.get("_rejects/r.jsonl").splitlines()]
    assert [(line["line"], line["source"].rpartition("/")[2]) for line in lines] == [
        (6, "a.json"),
        (6, "b.json"),
    ]
    with pytest.raises(errors.TooManyRejected, match=r"b\.json: line 6"):
        counted(store.uri("h/"), **(options | {"max_rejected": 1}))


def test_fields_that_are_missing_or_of_another_type_are_one_null_group(tmp_path: Path) -> None:
    source = tmp_path / "h.json"
    others = hits(2, GroupID=None) + hits(3, GroupID="x")
    source.write_bytes(hits(1) + others + b'{"Domain": "a.example"}')
    result = counted(str(source), on_missing="null", on_other_type="null")
    assert list(result["domain"]) == [
        {"groupid": None, "Domain": "a.example", "hitcount": 6},
        {"groupid": 7, "Domain": "a.example", "hitcount": 1},
    ]
    assert (result.receipt.missing, result.receipt.other_type) == (4, 3)


@pytest.mark.parametrize("cut", [1, 2])
def test_a_web_source_that_is_cut_gives_nothing(cut: int) -> None:
    body = hits(4000)
    with origin() as server:
        url = server.serve("/h.json", with_length(body[: len(body) // (cut + 1)], said=len(body)))
        with pytest.raises(errors.Truncated, match=r"/h\.json"):
            counted(url)


def test_a_cancelled_count_ends_soon(store: Store) -> None:
    for number in range(20):
        store.put(f"h/{number}.json", hits(200))
    job = airscoop.AggregateJob(store.uri("h/"), group_by=GROUP_BY, s3=store.settings())
    job.cancel()
    with pytest.raises(errors.Cancelled):
        job.run()


KILLED = """
import sys, airscoop
job = airscoop.AggregateJob(sys.argv[1], group_by={"d": ["Domain"]}, temp_dir=sys.argv[2])
print("runs", flush=True)
job.run()
"""


def test_a_count_that_is_killed_leaves_no_temporary_file(tmp_path: Path) -> None:
    scratch, source = tmp_path / "scratch", tmp_path / "pipe.json"
    scratch.mkdir()
    os.mkfifo(source)
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(source), str(scratch)], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    with child:
        child.stdout.readline()
        with source.open("wb") as pipe:
            pipe.write(hits(1000))
            child.send_signal(signal.SIGKILL)
        child.wait()
    assert list(scratch.iterdir()) == []


def test_the_result_replaces_no_source(tmp_path: Path) -> None:
    source = tmp_path / "country.jsonl"
    source.write_bytes(b'{"CountryCode":"DE","GroupID":1,"Domain":"a"}\n')
    result = counted(str(source))
    with pytest.raises(errors.UsageError, match="which it would replace"):
        result.write(f"{tmp_path}/", format="jsonl")
    assert source.read_bytes().startswith(b'{"CountryCode":"DE"')


def test_a_result_is_read_by_many_threads_at_once(tmp_path: Path) -> None:
    source = tmp_path / "h.json"
    source.write_bytes(b"".join(hits(1, Domain=f"{n % 97}.example") for n in range(2000)))
    result = counted(str(source))
    found: list[list[dict[str, Any]]] = []
    threads = [
        threading.Thread(target=lambda: found.append(list(result["domain"]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(rows == found[0] for rows in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group_by": {}}, "group_by is a mapping"),
        ({"group_by": {"a/b": ["x"]}}, "no name of a file"),
        ({"group_by": {"a": "x"}}, "is a list of fields"),
        ({"group_by": {"a": []}}, "has 0 columns"),
        ({"group_by": {"a": ["x:integer"]}}, "there is no type 'integer'"),
        ({"group_by": {"a": ["x", "y::x"]}}, 'two columns "x"'),
        ({"measures": {"x": "median:y"}}, "there is no measure 'median'"),
        ({"measures": {"x": "sum"}}, "write of which field"),
        ({"measures": {"x": "sum:y:string"}}, "needs a field that is an int"),
        ({"measures": {"Domain": "count"}}, 'two columns "Domain"'),
        ({"group_by": {"a": ["x:int"]}, "top": 3}, "has no column of texts"),
        ({"on_missing": "drop"}, "on_missing cannot be"),
        ({"top": 0}, "top has to be a whole number"),
        ({"memory_limit": "1M"}, "less than the least"),
        ({"csv": {"header": False}}, "needs the names of its columns"),
    ],
)
def test_what_cannot_be_counted_is_refused_before_anything_is_read(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.UsageError, match=message):
        counted("s3://nowhere-at-all/x/", **options)
