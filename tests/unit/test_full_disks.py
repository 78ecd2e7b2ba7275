"""A file that the system does not take is told by its name, wherever it is."""

from __future__ import annotations

import errno
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import airscoop
from airscoop import errors

MIB = 1 << 20


@pytest.fixture
def full() -> Iterator[None]:
    """No file may grow beyond 64 KiB: writes fail as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "in.csv"
    rows = (f"{number * 7919 % 400_009},{'x' * 100}\n" for number in range(400_000))
    path.write_text("id,a\n" + "".join(rows))
    return path


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bad") / "in.jsonl"
    path.write_text('{"n": }\n' * 5000)
    return path


Write = Callable[[Path, Path, Path], object]
WAYS: dict[str, tuple[Write, str]] = {
    "the destination": (lambda table, bad, folder: airscoop.copy(table, folder / "out"), "out"),
    "a packed destination": (
        lambda table, bad, folder: airscoop.copy(
            table, folder / "out.gz", compression="gzip", compression_level=1
        ),
        "out.gz",
    ),
    "a file of several": (
        lambda table, bad, folder: airscoop.copy(table, folder / "out", split_bytes=5 * MIB),
        "out-00000",
    ),
    "the reject file": (
        lambda table, bad, folder: airscoop.copy(
            bad, folder / "out", format="jsonl", max_rejected=10_000, rejects=str(folder / "bad")
        ),
        "bad",
    ),
    "temp_dir": (
        lambda table, bad, folder: airscoop.delta(
            None, table, key=["id"], memory_limit=16 * MIB, temp_dir=str(folder)
        ),
        "",
    ),
}


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_is_told_by_the_file_or_folder(
    way: str, table: Path, bad: Path, tmp_path: Path
) -> None:
    write, name = WAYS[way]
    with pytest.raises(errors.FileError) as caught:
        write(table, bad, tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert caught.value.os_errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []
