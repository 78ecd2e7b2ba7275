"""Whose the files are that stand where a split output goes: only what is proven ours goes."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop.errors import AirscoopError, PlaceExists, UsageError
from airscoop.transfer.split import SplitUpload
from airscoop.transfer.split_files import SplitFiles
from support.fault_server import error, fault_proxy
from support.s3 import AIRSCOOP, Store
from support.split import SPLIT, copied, rows

MANY, FEW = rows(16_000), rows(8_000)  # four files, and two


class Place:
    """A folder or a prefix in S3: the same is asked of both."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        self.store, self.folder = store, folder

    def uri(self, name: str) -> str:
        return self.store.uri(name) if self.folder is None else str(self.folder / name)

    def put(self, name: str, data: bytes) -> None:
        if self.folder is None:
            self.store.put(name, data)
        else:
            (self.folder / name).write_bytes(data)

    def get(self, name: str) -> bytes:
        return self.store.get(name) if self.folder is None else (self.folder / name).read_bytes()

    def names(self) -> list[str]:
        if self.folder is None:
            return self.store.names()
        return sorted(path.name for path in self.folder.iterdir())

    def copy(self, data: bytes, name: str = "sales.csv", **options: Any) -> airscoop.CopyReceipt:
        """Splits data into this place."""
        settings = self.store.settings()
        with airscoop.open(
            self.uri(name), "wb", s3=settings, **({"split_bytes": SPLIT} | options)
        ) as file:
            file.write(data)
        receipt: airscoop.CopyReceipt | None = file.receipt
        assert receipt is not None
        return receipt


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Place:
    return Place(store, tmp_path if request.param == "folder" else None)


def parts(count: int) -> list[str]:
    return [f"sales-{number:05}.csv" for number in range(count)]


@pytest.mark.parametrize("name", ["sales-90210.csv", "sales.csv", "sales-00001.csv"])
def test_what_is_not_proven_ends_the_copy_before_it_begins_and_is_named(
    place: Place, name: str
) -> None:
    place.put(name, b"another's")
    with pytest.raises(PlaceExists, match=name) as caught:
        place.copy(FEW)
    assert "remove" in str(caught.value) and "split_replace=True" in str(caught.value)
    assert not caught.value.retryable
    assert place.names() == [name] and place.get(name) == b"another's"
    assert place.store.uploads() == []


def test_the_first_file_is_replaced_only_when_it_is_proven(place: Place) -> None:
    place.put("sales-00000.csv", b"another's")
    with pytest.raises(PlaceExists, match=r"sales-00000\.csv"):
        place.copy(FEW)
    assert place.names() == ["sales-00000.csv"]
    assert place.get("sales-00000.csv") == b"another's"
    assert place.store.uploads() == []


def test_nothing_is_read_or_sent_when_it_is_seen_at_once(store: Store) -> None:
    source = store.put("in.csv", FEW)
    store.put("sales-90210.csv", b"another's")
    with fault_proxy(store.endpoint) as proxy:
        settings = store.settings(endpoint_url=proxy.url)
        with pytest.raises(PlaceExists):
            copied(
                store,
                source,
                store.uri("sales.csv"),
                source_s3=settings,
                destination_s3=settings,
            )
        assert set(proxy.kinds()) <= {"list", "head"}


def test_names_of_other_patterns_are_nobodys_business(place: Place) -> None:
    others = [
        "sales-1.csv",
        "sales-000001.csv",
        "sales-00001.csv.gz",
        "sales-00001x.csv",
        "sal.csv",
    ]
    for name in others:
        place.put(name, b"another's")
    assert place.copy(FEW).removed == []
    assert place.names() == sorted([*others, *parts(2)])


def test_with_replace_all_that_would_double_rows_goes_and_is_reported(place: Place) -> None:
    for name in ("sales-90210.csv", "sales.csv", "sales-00000.csv"):
        place.put(name, b"another's")
    receipt = place.copy(FEW, split_replace=True)
    assert place.names() == parts(2)
    assert receipt.removed == [place.uri("sales.csv"), place.uri("sales-90210.csv")]
    assert b"".join(map(place.get, parts(2))) == FEW
    assert place.copy(FEW).removed == []


def test_more_files_of_an_earlier_run_are_proven_and_removed(place: Place) -> None:
    place.copy(MANY)
    assert place.names() == parts(4)
    assert place.copy(FEW).removed == [place.uri(name) for name in reversed(parts(4)[2:])]
    assert place.names() == parts(2)


def test_what_another_wrote_over_our_file_is_not_ours(place: Place) -> None:
    place.copy(MANY)
    place.put("sales-00003.csv", b"another's")
    with pytest.raises(PlaceExists, match=r"^\S*sales-00003\.csv:"):
        place.copy(FEW)
    assert place.names() == parts(4)
    assert place.get("sales-00003.csv") == b"another's"


def test_lines_that_were_added_to_our_file_make_it_anothers(store: Store, tmp_path: Path) -> None:
    place = Place(store, tmp_path)
    place.copy(MANY)
    with (tmp_path / "sales-00002.csv").open("ab") as file:
        file.write(b"one more\n")
    with pytest.raises(PlaceExists, match=r"^\S*sales-00002\.csv:"):
        place.copy(FEW)


def test_a_copy_of_our_file_is_not_ours(place: Place) -> None:
    """Neither beside it under another number, nor in another place under its own name."""
    place.copy(MANY)
    if place.folder is None:
        client, store = place.store.client, place.store
        for name in ("sales-00009.csv", "elsewhere/sales-00003.csv"):
            client.copy_object(
                Bucket="transfers",
                Key=store.key(name),
                CopySource={"Bucket": "transfers", "Key": store.key("sales-00003.csv")},
            )
    else:
        (place.folder / "elsewhere").mkdir()
        shutil.copy2(place.folder / "sales-00003.csv", place.folder / "sales-00009.csv")
        moved = place.folder / "elsewhere" / "sales-00002.csv"
        (place.folder / "sales-00002.csv").rename(moved)
    with pytest.raises(PlaceExists, match=r"^\S*sales-00009\.csv:"):
        place.copy(FEW)
    with pytest.raises(PlaceExists, match=r"elsewhere/sales-0000[23]\.csv:"):
        place.copy(FEW, "elsewhere/sales.csv")


def test_a_folder_that_was_moved_as_a_whole_keeps_its_proofs(store: Store, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    Place(store, tmp_path / "old").copy(MANY)
    (tmp_path / "old").rename(tmp_path / "new")
    assert len(Place(store, tmp_path / "new").copy(FEW).removed) == 2


def test_the_proof_does_not_depend_on_how_the_folder_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    Place(store, tmp_path / "link").copy(MANY)
    monkeypatch.chdir(tmp_path / "real")
    with airscoop.open("sales.csv", "wb", split_bytes=SPLIT) as file:
        file.write(FEW)
    assert file.receipt is not None and len(file.receipt.removed) == 2


def test_a_file_of_another_that_comes_while_the_copy_runs_ends_it_too(place: Place) -> None:
    with (
        pytest.raises(PlaceExists, match="sales-90210"),
        airscoop.open(
            place.uri("sales.csv"), "wb", s3=place.store.settings(), split_bytes=SPLIT
        ) as file,
    ):
        file.write(FEW)
        place.put("sales-90210.csv", b"another's")
    assert place.names() == ["sales-90210.csv"]
    assert place.store.uploads() == []


def test_a_file_of_ours_that_another_replaces_while_the_copy_runs_ends_it_too(
    place: Place,
) -> None:
    place.copy(MANY)
    with (
        pytest.raises(PlaceExists, match=r"^\S*sales-00003\.csv:"),
        airscoop.open(
            place.uri("sales.csv"), "wb", s3=place.store.settings(), split_bytes=SPLIT
        ) as file,
    ):
        file.write(FEW)
        place.put("sales-00003.csv", b"another's")
    assert place.get("sales-00003.csv") == b"another's"


def test_a_file_that_comes_between_commits_stays_and_is_named(store: Store) -> None:
    def bring(handler: Any, request: Any) -> None:
        store.put("sales-90210.csv", b"another's")
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    with fault_proxy(store.endpoint) as proxy:
        proxy.on("complete", bring)
        settings = store.settings(endpoint_url=proxy.url)
        with pytest.raises(AirscoopError, match=r"committed in 2 files, but \S*sales-90210\.csv"):
            copied(store, store.put("in.csv", FEW), store.uri("sales.csv"), destination_s3=settings)
    assert store.get("sales-90210.csv") == b"another's"


@pytest.mark.parametrize("kind", ["list", "delete"])
def test_a_failure_after_the_commits_says_that_all_is_there(kind: str, store: Store) -> None:
    Place(store, None).copy(MANY)
    with fault_proxy(store.endpoint) as proxy:

        def refuse_then(handler: Any, request: Any) -> None:
            if "sales-00001" in request.path:
                proxy.on(kind, error("AccessDenied", 403), times=100)
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)

        proxy.on("complete", refuse_then, times=2)
        settings = store.settings(endpoint_url=proxy.url)
        source = store.put("in.csv", FEW)
        with pytest.raises(AirscoopError, match="committed in 2 files, but") as caught:
            copied(store, source, store.uri("sales.csv"), destination_s3=settings)
    assert caught.value.committed is True
    assert store.get("sales-00000.csv") + store.get("sales-00001.csv") == store.get("in.csv")


def test_an_interrupt_while_old_files_are_removed_says_that_all_is_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    place.copy(MANY)
    with monkeypatch.context() as patch:
        patch.setattr(SplitFiles, "remove", interrupted)
        source = place.store.put("in.csv", FEW)
        with pytest.raises(KeyboardInterrupt) as caught:
            copied(place.store, source, place.uri("sales.csv"))
    assert vars(caught.value)["committed"] is True
    assert "older ones may stand beside them" in caught.value.__notes__[0]


def test_an_interrupt_before_the_commits_says_that_nothing_is_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SplitUpload, "write", interrupted)
    source = place.store.put("in.csv", FEW)
    with pytest.raises(KeyboardInterrupt) as caught:
        copied(place.store, source, place.uri("sales.csv"))
    assert vars(caught.value)["committed"] is False
    assert not [name for name in place.names() if name.startswith("sales")]


def test_a_run_that_is_killed_between_commits_leaves_what_the_next_one_can_prove(
    store: Store,
) -> None:
    """Each file is proven as soon as it is there: there is no list that could come too late."""
    committed = threading.Event()

    def hold(handler: Any, request: Any) -> None:
        code, headers, body = handler.forward(request)
        if "sales-00002" in request.path:
            committed.set()
            threading.Event().wait(3)
        handler.answer(code, body, headers)

    source = store.put("in.csv", MANY)
    program = "import sys, airscoop; airscoop.copy(*sys.argv[1:], split_bytes=5 * 2**20)"
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("complete", hold, times=100)
        environment = store.environment() | {"AWS_ENDPOINT_URL_S3": proxy.url}
        process = subprocess.Popen(
            [AIRSCOOP[0], "-c", program, source, store.uri("sales.csv")], env=environment
        )
        assert committed.wait(60)
        process.kill()
        process.wait()
    assert store.names() == ["in.csv", *parts(3)]
    assert Place(store, None).copy(FEW).removed == [store.uri("sales-00002.csv")]
    assert store.names() == ["in.csv", *parts(2)]


def test_without_the_right_to_look_nothing_is_removed(store: Store) -> None:
    Place(store, None).copy(MANY)
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("head", error("AccessDenied", 403), times=100)
        settings = store.settings(endpoint_url=proxy.url)
        with pytest.raises(AirscoopError, match="s3:GetObject"):
            copied(store, store.put("in.csv", FEW), store.uri("sales.csv"), destination_s3=settings)
    assert store.names() == ["in.csv", *parts(4)]


def test_metadata_of_the_callers_own_goes_along_with_the_proof(store: Store) -> None:
    place = Place(store, None)
    options = airscoop.ObjectOptions(metadata={"run": "1"})
    place.copy(MANY, object_options=options)
    found = store.head("sales-00001.csv")["Metadata"]
    assert found["run"] == "1" and len(found) == 2
    assert len(place.copy(FEW, object_options=options).removed) == 2


def by_command(place: Place, source: str) -> int:
    command = [*AIRSCOOP, "copy", "-q", source, place.uri("sales.csv"), "--split-bytes", "5M"]
    refused = subprocess.run(
        command, env=place.store.environment(), capture_output=True, text=True, timeout=60
    )
    assert "--split-replace" in refused.stderr and "sales.csv" in refused.stderr
    assert refused.returncode == 1
    return subprocess.run(
        [*command, "--split-replace"], env=place.store.environment(), timeout=60
    ).returncode


def by_copy(place: Place, source: str) -> int:
    with pytest.raises(PlaceExists):
        copied(place.store, source, place.uri("sales.csv"))
    copied(place.store, source, place.uri("sales.csv"), split_replace=True)
    return 0


@pytest.mark.parametrize("run", [by_command, by_copy])
def test_every_way_to_split_can_be_told_to_replace(
    store: Store, tmp_path: Path, run: Callable[[Place, str], int]
) -> None:
    (tmp_path / "in").write_bytes(FEW)
    store.put("sales.csv", b"another's")
    assert run(Place(store, None), str(tmp_path / "in")) == 0
    assert store.names() == parts(2)


def test_replace_belongs_to_split(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x")
    with pytest.raises(UsageError, match="split_bytes"):
        airscoop.copy(tmp_path / "in", tmp_path / "out", split_replace=True)
    with pytest.raises(UsageError, match="split_bytes"):
        airscoop.open(tmp_path / "out", "wb", split_replace=True)
