"""Prefixes to prefixes, to folders and back: equal objects are skipped, failed ones named."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import PrefixIncomplete, PrefixReceipt
from airscoop.errors import NotFound, UsageError
from support.fault_server import Request, error, fault_proxy, plain
from support.s3 import BUCKET, READER, Store, gzipped, json_lines, noise
from support.waiting import eventually

SIZES = {
    "a.bin": 0,
    "b c.bin": 1,
    "deep/er/ü+%.bin": 3000,
    "deep/z.bin": 300_000,
    "z.bin": 9_000_000,
}


def copy_prefix(store: Store, source: str, destination: str, **options: Any) -> PrefixReceipt:
    settings = store.settings()
    return airscoop.copy_prefix(
        source, destination, **({"source_s3": settings, "destination_s3": settings} | options)
    )


def fill(store: Store, prefix: str = "in") -> dict[str, bytes]:
    """Objects without a checksum, as clients of old write them."""
    data = {name: noise(size, seed=size) for name, size in SIZES.items()}
    for name, body in data.items():
        store.put(f"{prefix}/{name}", body)
    return data


def below(store: Store, prefix: str) -> dict[str, bytes]:
    names = [name for name in store.names() if name.startswith(f"{prefix}/")]
    return {name.removeprefix(f"{prefix}/"): store.get(name) for name in names}


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_prefix_is_copied_by_the_server_and_again_copies_nothing(store: Store) -> None:
    data = fill(store)
    first = copy_prefix(store, store.uri("in/"), store.uri("out/"))
    assert below(store, "out") == data
    assert (first.objects, first.copied, first.equal) == (len(data), len(data), 0)
    assert all(copy.server_side for copy in first.copies)
    assert first.source_bytes == first.destination_bytes == sum(SIZES.values())
    with fault_proxy(store.endpoint) as proxy:
        settings = store.settings(endpoint_url=proxy.url)
        again = copy_prefix(
            store,
            store.uri("in/"),
            store.uri("out/"),
            source_s3=settings,
            destination_s3=settings,
        )
        assert set(proxy.kinds()) == {"list", "head"}
    assert (again.copied, again.equal) == (0, len(data))
    assert again.equal_bytes == sum(SIZES.values())


def test_a_prefix_becomes_a_folder_and_again_copies_nothing(store: Store, tmp_path: Path) -> None:
    data = fill(store)
    target = f"{tmp_path}/out/"
    assert copy_prefix(store, store.uri("in/"), target).copied == len(data)
    assert files(tmp_path / "out") == data
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert copy_prefix(store, store.uri("in/"), target).equal == len(data)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_folder_becomes_a_prefix_and_again_copies_nothing(store: Store, tmp_path: Path) -> None:
    data = {name: noise(size, seed=size) for name, size in SIZES.items()}
    for name, body in data.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    assert copy_prefix(store, f"{tmp_path}/", store.uri("out/")).copied == len(data)
    assert below(store, "out") == data
    again = airscoop.copy_prefix(tmp_path, store.uri("out/"), destination_s3=store.settings())
    assert (again.copied, again.equal) == (0, len(data))


@pytest.mark.parametrize("checksum", ["crc32c", "crc64nvme"])
def test_what_has_the_same_size_but_other_bytes_is_copied_again(
    store: Store, tmp_path: Path, checksum: str
) -> None:
    (tmp_path / "x").write_bytes(b"old!")
    options = {"checksum": checksum}
    copy_prefix(store, f"{tmp_path}/", store.uri("out/"), **options)
    (tmp_path / "x").write_bytes(b"new!")
    assert copy_prefix(store, f"{tmp_path}/", store.uri("out/"), **options).copied == 1
    assert store.get("out/x") == b"new!"
    assert copy_prefix(store, store.uri("out/"), f"{tmp_path}/").equal == 1
    (tmp_path / "x").write_bytes(b"bad!")
    assert copy_prefix(store, store.uri("out/"), f"{tmp_path}/").copied == 1
    assert (tmp_path / "x").read_bytes() == b"new!"


def written(store: Store, name: str, data: bytes, **options: Any) -> None:
    with airscoop.Upload(store.uri(name), s3=store.settings(), **options) as upload:
        upload.write(data)


@pytest.mark.parametrize("checksum", ["crc32c", "crc64nvme", "none", "of old clients"])
@pytest.mark.parametrize("size", [10, 9_000_000])
@pytest.mark.parametrize("by_server", [True, False])
def test_a_stale_object_of_the_same_size_is_replaced_from_s3_to_s3(
    store: Store, checksum: str, size: int, by_server: bool
) -> None:
    """By the checksum of the whole, where S3 keeps one of both; else by ETags."""
    old, new = noise(size, seed=1), noise(size, seed=2)
    for name, data in (("in/x", new), ("out/x", old), ("in/same", new), ("out/same", new)):
        if checksum == "of old clients":
            store.put(name, data)
        else:
            written(store, name, data, checksum=checksum)
    receipt = copy_prefix(store, store.uri("in/"), store.uri("out/"), server_side=by_server)
    assert (receipt.copied, receipt.equal) == (1, 1)
    assert below(store, "out") == {"x": new, "same": new}


def test_equal_bytes_in_other_parts_are_equal_by_their_checksum(store: Store) -> None:
    data = noise(12_000_000)
    written(store, "in/x", data, memory_limit=40 * 2**20)
    written(store, "out/x", data, memory_limit=26 * 2**20)
    facts = [store.head(name)["ETag"] for name in ("in/x", "out/x")]
    assert facts[0] != facts[1]
    assert copy_prefix(store, store.uri("in/"), store.uri("out/")).equal == 1


def test_between_stores_the_kind_of_checksum_is_kept_so_that_again_copies_nothing(
    store: Store,
) -> None:
    data = noise(9_000_000)
    with airscoop.Upload(store.uri("in/x"), s3=store.settings(), checksum="crc64nvme") as upload:
        upload.write(data)
    other = {"source_s3": store.settings(credentials=READER)}
    first = copy_prefix(store, store.uri("in/"), store.uri("out/"), **other)
    assert first.copied == 1 and not first.copies[0].server_side
    assert store.get("out/x") == data
    assert copy_prefix(store, store.uri("in/"), store.uri("out/"), **other).equal == 1


def test_records_are_checked_in_every_object_and_counted(store: Store) -> None:
    for name in ("1.json.gz", "2.json.gz"):
        store.put(f"in/{name}", gzipped(json_lines(1000)))
    receipt = copy_prefix(store, store.uri("in/"), store.uri("out/"), format="jsonl")
    assert [copy.records_out for copy in receipt.copies] == [1000, 1000]
    # What was checked may have been changed: such copies are made again.
    assert copy_prefix(store, store.uri("in/"), store.uri("out/"), format="jsonl").copied == 2


@pytest.mark.parametrize("options", [{"compression": "gzip"}, {"compression_level": 9}])
def test_what_is_to_be_compressed_is_not_left_alone_for_being_equal(
    store: Store, options: dict[str, Any]
) -> None:
    data = gzipped(json_lines(1000), level=1)
    for name in ("in/x.gz", "out/x.gz", "in/y", "out/y"):
        store.put(name, data if name.endswith(".gz") else json_lines(1000))
    receipt = copy_prefix(store, store.uri("in/"), store.uri("out/"), **options)
    assert (receipt.copied, receipt.equal) == (2, 0)
    if "compression" in options:
        assert gzip.decompress(store.get("out/y")) == json_lines(1000)
    else:
        assert store.get("out/x.gz") != data


def test_who_may_write_but_not_look_copies_all(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"data")
    store.put("out/x", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("head", error("AccessDenied", 403), times=100)
        settings = store.settings(endpoint_url=proxy.url)
        receipt = copy_prefix(store, f"{tmp_path}/", store.uri("out/"), destination_s3=settings)
    assert receipt.copied == 1


def test_one_that_fails_does_not_stop_the_others_and_is_named(store: Store) -> None:
    for name, body in (("1", json_lines(3)), ("2", b"{bad"), ("3", json_lines(3))):
        store.put(f"in/{name}.json", body)
    with pytest.raises(PrefixIncomplete, match=r"1 of 3 objects.*in/2\.json") as caught:
        copy_prefix(store, store.uri("in/"), store.uri("out/"), format="jsonl")
    receipt = caught.value.receipt
    assert sorted(below(store, "out")) == ["1.json", "3.json"]
    assert (receipt.objects, receipt.copied) == (3, 2)
    assert [(one.source, one.error) for one in receipt.failures] == [
        (store.uri("in/2.json"), "BAD_RECORD")
    ]
    assert not caught.value.retryable


def test_the_error_goes_to_another_process_whole(store: Store) -> None:
    store.put("in/2.json", b"{bad")
    with pytest.raises(PrefixIncomplete) as caught:
        copy_prefix(store, store.uri("in/"), store.uri("out/"), format="jsonl")
    other = pickle.loads(pickle.dumps(caught.value))
    assert (str(other), vars(other)) == (str(caught.value), vars(caught.value))


def test_one_that_fails_and_is_there_nevertheless_is_said_to_be(store: Store) -> None:
    store.put("in/1.json", b"1")
    with fault_proxy(store.endpoint) as proxy:

        def carried_out(handler: Any, request: Request) -> None:
            handler.forward(request)
            error("InternalError", 500)(handler, request)

        proxy.on("put", carried_out, times=100)
        proxy.on("head", error("AccessDenied", 403), times=100)
        settings = store.settings(endpoint_url=proxy.url)
        with pytest.raises(PrefixIncomplete) as caught:
            copy_prefix(
                store,
                store.uri("in/"),
                store.uri("out/"),
                server_side=False,
                destination_s3=settings,
            )
    assert caught.value.committed is None
    assert [one.committed for one in caught.value.receipt.failures] == [None]
    assert below(store, "out") == {"1.json": b"1"}


def test_a_failure_that_passes_is_healed_by_running_again(store: Store) -> None:
    data = fill(store)
    with fault_proxy(store.endpoint) as proxy:
        settings = store.settings(endpoint_url=proxy.url)
        proxy.on("put", error("SlowDown", 503), times=4)
        both = {"source_s3": settings, "destination_s3": settings}
        with pytest.raises(PrefixIncomplete) as caught:
            copy_prefix(store, store.uri("in/"), store.uri("out/"), jobs=1, **both)
    assert caught.value.retryable
    again = copy_prefix(store, store.uri("in/"), store.uri("out/"))
    assert again.copied == len(caught.value.receipt.failures) > 0
    assert below(store, "out") == data


@pytest.mark.parametrize(
    ("options", "most_at_once"),
    [
        ({}, 8),  # the server copies: that takes no memory here
        ({"server_side": False}, 1),
        ({"server_side": False, "memory_limit": 100 * 2**20}, 3),
        ({"format": "jsonl"}, 1),
    ],
)
def test_all_copies_together_stay_within_one_limit(
    store: Store, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], most_at_once: int
) -> None:
    from airscoop._native import default_memory_limit
    from airscoop.transfer.job import TransferJob

    limit = options.get("memory_limit") or default_memory_limit()
    changed, running, peaks = threading.Condition(), list[int](), [(0, 0)]
    run = TransferJob.run

    def noted(job: TransferJob, **arguments: Any) -> airscoop.CopyReceipt:
        memory = int(job._options.memory_limit or 0)
        with changed:
            running.append(memory)
            peaks.append((len(running), sum(running)))
            changed.notify_all()
            changed.wait_for(lambda: max(peaks)[0] >= most_at_once, 30)
        try:
            return run(job, **arguments)
        finally:
            with changed:
                running.remove(memory)

    monkeypatch.setattr(TransferJob, "run", noted)
    for number in range(9):
        store.put(f"in/{number}", b'{"a": 1}\n' * 1_700_000)
    receipt = copy_prefix(store, store.uri("in/"), store.uri("out/"), **options)
    assert receipt.copied == 9
    assert max(most for most, _ in peaks) == most_at_once
    assert max(memory for _, memory in peaks) <= limit


def test_a_server_that_does_not_copy_is_tried_no_longer_than_it_takes_to_see(store: Store) -> None:
    for number in range(6):
        store.put(f"in/{number}", b"%d" % number)
    with fault_proxy(store.endpoint) as proxy:

        def refuse(handler: Any, request: Any) -> None:
            if "x-amz-copy-source" in request.headers:
                error("NotImplemented", 501)(handler, request)
            else:
                code, headers, body = handler.forward(request)
                handler.answer(code, body, headers)

        proxy.on("put", refuse, times=1000)
        settings = store.settings(endpoint_url=proxy.url)
        both = {"source_s3": settings, "destination_s3": settings}
        receipt = copy_prefix(store, store.uri("in/"), store.uri("out/"), jobs=1, **both)
        refused = [one for one in proxy.requests("put") if "x-amz-copy-source" in one.headers]
    assert receipt.copied == 6
    assert len(refused) == 6 + 1  # the first is tried once more, with memory
    assert below(store, "out") == {str(number): b"%d" % number for number in range(6)}
    assert all(not copy.server_side and copy.server_side_refused for copy in receipt.copies)


def test_include_and_exclude_choose_by_pattern(store: Store) -> None:
    fill(store)
    receipt = copy_prefix(
        store, store.uri("in/"), store.uri("out/"), include=["deep/*", "a*"], exclude=["*/z.bin"]
    )
    assert sorted(below(store, "out")) == ["a.bin", "deep/er/ü+%.bin"]
    assert receipt.objects == 2


def test_markers_of_folders_are_left_out_and_counted(store: Store, tmp_path: Path) -> None:
    store.client.put_object(Bucket=BUCKET, Key=store.key("in/"), Body=b"")
    store.client.put_object(Bucket=BUCKET, Key=store.key("in/sub/"), Body=b"")
    store.put("in/sub/x", b"data")
    receipt = copy_prefix(store, store.uri("in/"), f"{tmp_path}/")
    assert files(tmp_path) == {"sub/x": b"data"}
    assert (receipt.objects, receipt.markers) == (1, receipt.markers)


def page(prefix: str, *keys: str) -> bytes:
    """A listing of keys that this server would not keep."""
    items = "".join(
        f"<Contents><Key>{key}</Key><Size>4</Size><ETag>e</ETag></Contents>" for key in keys
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "a/b/../../../elsewhere/x", "/etc/x", "a//b", "./x", "a/.", "a/./b",
     "a/..", "..", "x" * 256, "a/" + "x" * 256, "x" * 256 + "/a", "%00", "a/%00/b"],
)  # fmt: skip
def test_keys_that_are_no_files_below_the_folder_are_refused_before_a_folder_is_made(
    store: Store, tmp_path: Path, name: str
) -> None:
    listed = page("in", f"in/{name}").replace(
        b"<IsTruncated>", b"<EncodingType>url</EncodingType><IsTruncated>"
    )
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("list", plain(200, listed))
        settings = store.settings(endpoint_url=proxy.url)
        with pytest.raises(PrefixIncomplete) as caught:
            copy_prefix(store, f"s3://{BUCKET}/in/", f"{tmp_path}/out/", source_s3=settings)
        assert proxy.kinds() == ["list"]
    assert [one.error for one in caught.value.receipt.failures] == ["USAGE"]
    assert list(tmp_path.rglob("*")) == []


def test_a_key_below_another_key_cannot_be_a_file(store: Store, tmp_path: Path) -> None:
    store.put("a", b"data")
    keys = [store.key(name) for name in ("a", "a-b", "a/b")]
    store.put("a-b", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("list", plain(200, page("", *keys)))
        settings = store.settings(endpoint_url=proxy.url)
        with pytest.raises(PrefixIncomplete, match="is a file, so it cannot be a folder"):
            copy_prefix(store, store.uri(""), f"{tmp_path}/", source_s3=settings)
    assert files(tmp_path) == {"a": b"data", "a-b": b"data"}


def test_links_out_of_the_destination_are_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/sub").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out/file").symlink_to(tmp_path / "elsewhere/file")
    (tmp_path / "out/circle").symlink_to("circle")
    for name in ("sub/x", "sub/deep/er/x", "circle/x", "file", "good"):
        store.put(f"in/{name}", b"data")
    with pytest.raises(PrefixIncomplete) as caught:
        copy_prefix(store, store.uri("in/"), f"{tmp_path}/out/")
    assert len(caught.value.receipt.failures) == 4
    assert files(tmp_path) == {"out/good": b"data"}
    assert list((tmp_path / "elsewhere").iterdir()) == []  # not even a folder is made there


def test_of_a_folder_links_to_files_are_read_and_other_things_are_refused(
    store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"data")
    (folder / "sub/link").symlink_to(tmp_path / "file")
    (folder / "loop").symlink_to(folder)
    (folder / "gone").symlink_to(tmp_path / "nothing")
    os.mkfifo(folder / "pipe")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_bytes(b"data")
    with pytest.raises(PrefixIncomplete) as caught:
        copy_prefix(store, f"{folder}/", store.uri("out/"))
    assert below(store, "out") == {"sub/link": b"data"}
    assert len(caught.value.receipt.failures) == 4
    json.dumps(caught.value.receipt.to_dict()).encode()


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("s3://bucket/in", "s3://bucket/out/"),
        ("s3://bucket/in/", "s3://bucket/out"),
        ("s3://bucket/in/", "s3://bucket/in/"),
        ("s3://bucket/in/", "s3://bucket/in/copy/"),
        ("s3://bucket", "s3://bucket/copy/"),
        ("/tmp/", "/var/tmp/"),
    ],
)
def test_what_makes_no_sense_is_refused(store: Store, source: str, destination: str) -> None:
    with pytest.raises(UsageError):
        copy_prefix(store, source, destination)


def test_a_folder_that_is_not_there_is_not_found(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        copy_prefix(store, f"{tmp_path}/nothing/", store.uri("out/"))


def test_an_exception_of_the_caller_stops_all_and_leaves_whole_objects_only(store: Store) -> None:
    for number in range(6):
        store.put(f"in/{number}", noise(2_000_000, seed=number))
    reached = threading.Event()
    with fault_proxy(store.endpoint) as proxy:

        def hold(handler: Any, request: Any) -> None:
            reached.wait(5)
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)

        proxy.on("put", hold, times=100)
        settings = store.settings(endpoint_url=proxy.url)

        def stop(progress: airscoop.Progress) -> None:
            reached.set()
            raise KeyboardInterrupt

        both = {"source_s3": settings, "destination_s3": settings}
        with pytest.raises(KeyboardInterrupt):
            copy_prefix(store, store.uri("in/"), store.uri("out/"), on_progress=stop, **both)
        names = [thread.name for thread in threading.enumerate()]
        assert not [name for name in names if name.startswith("airscoop-copy")]
    for name, body in below(store, "out").items():
        assert body == noise(2_000_000, seed=int(name))


def hang(ended: threading.Event) -> None:
    ended.wait(60)


def test_a_server_that_does_not_answer_does_not_hold_up_an_interrupt(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    ended = threading.Event()
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("head", lambda handler, request: hang(ended), times=100)
        hung = Store(proxy.url, store.prefix, store.client)
        command = [sys.executable, "-m", "airscoop", "copy", "-q", f"{tmp_path}/", hung.uri("out/")]
        process = subprocess.Popen(
            command, env=hung.environment(), stderr=subprocess.PIPE, text=True
        )
        try:
            assert eventually(lambda: proxy.requests("head") != [])
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        finally:
            ended.set()
            process.kill()
    assert process.returncode == 130
    assert said.startswith("airscoop: interrupted; what was under way was taken back")
    assert store.names() == []


def test_killed_in_the_middle_and_run_again_it_finishes(store: Store) -> None:
    data = {f"{number:03}": noise(200_000, seed=number + 1) for number in range(60)}
    for name, body in data.items():
        store.put(f"in/{name}", body)
    command = [sys.executable, "-m", "airscoop.cli", "copy", "-q", "--json", "--jobs", "2"]
    command += ["--no-server-side", store.uri("in/"), store.uri("out/")]
    process = subprocess.Popen(command, env=store.environment())
    assert eventually(lambda: len(below_names(store, "out")) > 3)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    there = below_names(store, "out")
    done = subprocess.run(command, env=store.environment(), capture_output=True, text=True)
    receipt = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert receipt["equal"] >= len(there) > 3
    assert receipt["copied"] + receipt["equal"] == receipt["objects"] == 60
    assert below(store, "out") == data


def below_names(store: Store, prefix: str) -> list[str]:
    return [name for name in store.names() if name.startswith(f"{prefix}/")]


def test_the_command_prints_one_receipt_and_exits_by_1_when_one_failed(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "good.json").write_bytes(json_lines(5))
    (tmp_path / "bad.json").write_bytes(b"{")
    command = [sys.executable, "-m", "airscoop.cli", "copy", "--json", "--format", "jsonl"]
    command += [f"{tmp_path}/", store.uri("out/")]
    done = subprocess.run(command, env=store.environment(), capture_output=True, text=True)
    receipt = json.loads(done.stdout)
    assert done.returncode == 1
    assert receipt["copied"] == 1 and receipt["diagnostics"]["copies"][0]["records_out"] == 5
    assert [one["error"] for one in receipt["failures"]] == ["BAD_RECORD"]
    assert "bad.json" in done.stderr and receipt["error"] == "INCOMPLETE"
