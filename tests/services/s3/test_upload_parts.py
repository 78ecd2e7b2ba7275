"""Where parts wait, how they grow, and what happens to one that arrives damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

import airscoop
from airscoop import errors
from support.fault_server import Fault, FaultProxy, Request, error, lose_answer
from support.parts import SIZES, upload, write_in_parts
from support.paths import TESTS
from support.s3 import MIB, PART_BYTES, Store, noise, open_below

LARGE = noise(2 * PART_BYTES + MIB)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def part_number(request: Request) -> str:
    return parse_qs(request.query).get("partNumber", ["0"])[0]


def test_growing_parts_beyond_memory_wait_in_a_file_without_a_name(
    store: Store, proxy: FaultProxy, folder: Path
) -> None:
    data = noise(SIZES["file"])
    facts = write_in_parts(data, store, proxy.url)
    assert store.get("a") == data
    assert (facts["parts"], facts["parts_kept"]) == (4, "file")
    assert facts["etag"] == store.head("a")["ETag"]
    lengths = {part_number(r): len(r.body) // MIB for r in proxy.requests("part")}
    assert lengths == {"1": 5, "2": 10, "3": 20, "4": 7}
    assert list(folder.iterdir()) == []


def test_the_file_is_on_disk_only_while_parts_wait(
    store: Store, proxy: FaultProxy, folder: Path
) -> None:
    transfer = upload(store, proxy.url)
    transfer.write(noise(12 * MIB))
    assert len(open_below(folder)) == 1
    assert list(folder.iterdir()) == []
    transfer.abort()
    del transfer
    assert open_below(folder) == []
    store.assert_untouched()


def test_small_parts_wait_in_memory(store: Store, folder: Path) -> None:
    facts = write_in_parts(noise(SIZES["memory"]), store, store.endpoint)
    assert facts["parts_kept"] == "memory"


def test_parts_of_a_file_are_read_again(store: Store, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(LARGE)
    for data in (LARGE, b"one put", b""):
        (tmp_path / "f").write_bytes(data)
        receipt = airscoop.copy(tmp_path / "f", store.uri("a"), destination_s3=store.settings())
        assert store.get("a") == data
        assert receipt.parts_kept == ("source" if data else None)


@pytest.mark.parametrize("signing", ["never", "always"])
@pytest.mark.parametrize("checksum", ["crc32c", "crc64nvme", "none"])
def test_every_signing_and_checksum_goes_with_it(
    signing: Any, checksum: Any, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(LARGE)
    receipt = airscoop.copy(
        tmp_path / "f",
        store.uri("a"),
        checksum=checksum,
        destination_s3=store.settings(payload_signing=signing),
    )
    assert store.get("a") == LARGE
    # Without a checksum nobody would notice that the file changed between the two readings.
    assert receipt.parts_kept == ("memory" if checksum == "none" else "source")


def test_what_is_changed_on_the_way_is_not_read_again(store: Store, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(LARGE)
    receipt = airscoop.copy(tmp_path / "f", store.uri("a.gz"), destination_s3=store.settings())
    assert receipt.parts_kept == "memory"


def test_a_complete_whose_answer_was_lost_is_recognised_whatever_the_parts(
    store: Store, proxy: FaultProxy, folder: Path
) -> None:
    proxy.on("complete", lose_answer)
    proxy.on("complete", error("NoSuchUpload", 404), times=100)
    data = noise(SIZES["file"])
    assert write_in_parts(data, store, proxy.url)["etag"] == store.head("a")["ETag"]
    assert store.get("a") == data


@pytest.mark.parametrize("kind", ["put", "part"])
def test_a_part_that_arrives_damaged_is_sent_once_more(
    kind: str, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    data = LARGE if kind == "part" else b"small"
    (tmp_path / "f").write_bytes(data)
    proxy.on(kind, error("BadDigest", 400))
    settings = store.settings(endpoint_url=proxy.url)
    receipt = airscoop.copy(tmp_path / "f", store.uri("a"), destination_s3=settings)
    assert store.get("a") == data
    assert receipt.retries == 1


@pytest.mark.parametrize("size", SIZES)
def test_wherever_it_waits_a_damaged_part_is_sent_once_more(
    size: str, store: Store, proxy: FaultProxy, folder: Path
) -> None:
    data = noise(SIZES[size] + 1)
    proxy.on("part", error("BadDigest", 400), times=2)
    assert write_in_parts(data, store, proxy.url)["retries"] == 2
    assert store.get("a") == data


@pytest.mark.parametrize("kind", ["put", "part"])
def test_a_part_that_arrives_damaged_again_ends_the_copy(
    kind: str, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(LARGE if kind == "part" else b"small")
    proxy.on(kind, error("BadDigest", 400), times=1000)
    settings = store.settings(endpoint_url=proxy.url)
    with pytest.raises(errors.CorruptData, match="BadDigest"):
        airscoop.copy(tmp_path / "f", store.uri("a"), destination_s3=settings)
    numbers = [part_number(request) for request in proxy.requests(kind)]
    assert max(map(numbers.count, numbers)) == 2
    store.assert_untouched()


def changing(path: Path, data: bytes, then: Fault | None = None) -> Fault:
    """Writes to the source before the request is answered."""

    def act(handler: Any, request: Request) -> None:
        path.write_bytes(data)
        if then is not None:
            then(handler, request)
            return
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    return act


def test_a_source_that_changes_before_it_is_read_again_is_noticed_by_its_checksum(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(LARGE)
    other = bytes(len(LARGE))
    proxy.on("part", changing(tmp_path / "f", other, error("BadDigest", 400)), times=100)
    settings = store.settings(endpoint_url=proxy.url)
    with pytest.raises(errors.SourceChanged):
        airscoop.copy(tmp_path / "f", store.uri("a"), destination_s3=settings)
    store.assert_untouched()


def test_a_source_that_becomes_shorter_before_it_is_read_again_is_noticed(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(LARGE)
    proxy.on("create", changing(tmp_path / "f", b"short"))
    settings = store.settings(endpoint_url=proxy.url)
    with pytest.raises(errors.SourceChanged):
        airscoop.copy(tmp_path / "f", store.uri("a"), destination_s3=settings)
    store.assert_untouched()


def test_a_temporary_folder_that_is_not_there_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", "/nowhere")
    with pytest.raises(errors.NotFound, match=r"/nowhere.*TMPDIR"):
        write_in_parts(noise(SIZES["file"]), store, store.endpoint)
    store.assert_untouched()


def test_the_temporary_folder_is_that_of_the_beginning(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read when the transfer is set up: later the environment may change at any time."""
    with upload(store, store.endpoint) as transfer:
        monkeypatch.setenv("TMPDIR", "/nowhere")
        transfer.write(noise(SIZES["file"]))
        assert open_below(folder) != []
    assert transfer.facts()["parts_kept"] == "file"
    assert store.get("a") == noise(SIZES["file"])


FULL_DISK = """
import resource, sys
sys.path[:0] = sys.argv[1:2]
from support.parts import write_in_parts
from support.s3 import Store, noise
resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))
try:
    write_in_parts(noise(42 << 20), Store(sys.argv[2], sys.argv[3], None), sys.argv[2])
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_named_with_what_to_do(store: Store, folder: Path) -> None:
    process = store.python(FULL_DISK, str(TESTS), store.endpoint, store.prefix)
    out, err = process.communicate()
    assert out.startswith("FileError"), out + err
    assert "set TMPDIR" in out
    store.assert_untouched()
