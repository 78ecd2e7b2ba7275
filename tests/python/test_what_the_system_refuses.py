"""What the system or a library refuses: threads, /proc, libcurl's start."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE_ROOT = Path(__file__).resolve().parents[2] / "airflow_plugin"
AIRSCOOP = (sys.executable, "-c", "import sys; from airscoop.cli import main; sys.exit(main())")
NO_THREADS = """
#include <errno.h>
#include <pthread.h>
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *user) {
    (void)thread, (void)attributes, (void)run, (void)user;
    return EAGAIN;
}
"""
NO_CURL = """
#include <curl/curl.h>
CURLcode curl_global_init(long flags) {
    (void)flags;
    return CURLE_FAILED_INIT;
}
"""


def preloaded(folder: Path, text: str) -> dict[str, str]:
    """An environment in which a function of the system's is another one."""
    (folder / "shim.c").write_text(text)
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", folder / "shim.so", folder / "shim.c"], check=True
    )
    return os.environ | {"LD_PRELOAD": str(folder / "shim.so"), "PYTHONPATH": str(PACKAGE_ROOT)}


def run(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AIRSCOOP, *map(str, arguments)], env=environment, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def without_threads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return preloaded(tmp_path_factory.mktemp("shim"), NO_THREADS)


@pytest.fixture(scope="module")
def text() -> bytes:
    """Lines of JSON, more than the queues of a transfer hold; one is long."""
    chance = random.Random(12)
    lines = [b'{"n": %d, "text": "%s"}\n' % (n, chance.randbytes(40).hex().encode())
             for n in range(60_000)]  # fmt: skip
    lines[30_000] = b'{"n": 30000, "text": "' + b"x" * 3_000_000 + b'"}\n'
    return b"".join(lines)


WAYS = {
    "gunzip": ("f.gz", "t", "raw"),
    "gunzip and check": ("f.jsonl.gz", "t.jsonl", "jsonl"),
    "check": ("f.jsonl", "t.jsonl", "jsonl"),
    "gzip": ("f.jsonl", "t.jsonl.gz", "raw"),
    "check and gzip": ("f.jsonl", "t.jsonl.gz", "jsonl"),
    "gunzip, check and gzip": ("f.jsonl.gz", "t.jsonl.gz", "json-values"),
    "checked beside": ("f.jsonl.gz", "t.jsonl.gz", "jsonl"),
    "unchanged": ("f.jsonl", "t.jsonl", "raw"),
}


@pytest.mark.parametrize("way", WAYS)
def test_without_threads_a_copy_goes_on_alone(
    way: str, text: bytes, without_threads: dict[str, str], tmp_path: Path
) -> None:
    source, target, form = WAYS[way]
    (tmp_path / source).write_bytes(gzip.compress(text, 1) if source.endswith("gz") else text)
    done = run(without_threads, "copy", tmp_path / source, tmp_path / target, "--format", form)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / target).read_bytes()
    assert (gzip.decompress(written) if target.endswith("gz") else written) == text


def test_without_threads_a_bomb_is_passed_on_step_by_step(
    without_threads: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "f.gz").write_bytes(gzip.compress(bytes(50_000_000), 9))
    done = run(without_threads, "copy", tmp_path / "f.gz", tmp_path / "t")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t").stat().st_size == 50_000_000


def test_without_threads_a_fault_is_told_as_it_is_with_them(
    text: bytes, without_threads: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "f.jsonl.gz").write_bytes(gzip.compress(text + b"{bad\n", 1))
    done = run(
        without_threads, "copy", tmp_path / "f.jsonl.gz", tmp_path / "t", "--format", "jsonl"
    )
    assert done.returncode == 3
    assert "line 60001" in done.stderr
    assert not (tmp_path / "t").exists()


def csv_of(rows: list[tuple[int, str]]) -> str:
    return "PK,v\n" + "".join(f"{key},{value}\n" for key, value in rows)


def json_of(rows: list[tuple[int, str]]) -> str:
    return "".join(f'{{"PK": {key}, "v": "{value}"}}\n' for key, value in rows)


@pytest.fixture(scope="module")
def tables() -> dict[str, list[tuple[int, str]]]:
    """Two exports of more text than a batch has; one row is longer than some batches."""
    old = [(n, f"{'v' * (n % 97)}{n}") for n in range(100_000, 160_000)]
    new = [(n, text + "x" * (n % 50 == 0)) for n, text in old if n % 70 != 3]
    new[20_000] = (new[20_000][0], "y" * 900_000)
    return {"old": old, "new": new + [(n, "new") for n in range(200_000, 200_100)]}


@pytest.mark.parametrize("names", ["old.csv new.csv", "old.csv.gz new.csv", "old.jsonl new.jsonl",
                                   "old.jsonl.gz new.jsonl.gz", "- new.csv"])  # fmt: skip
@pytest.mark.parametrize("order", ["sorted", "broken", "shuffled"])
def test_without_threads_a_delta_is_the_same(
    names: str, order: str, tables: dict[str, list[tuple[int, str]]],
    without_threads: dict[str, str], tmp_path: Path,
) -> None:  # fmt: skip
    for name in names.split():
        rows = list(tables.get(name.partition(".")[0], []))
        if order == "broken":
            rows[30_000:] = rows[:29_999:-1]
        elif order == "shuffled":
            random.Random(name).shuffle(rows)
        data = (json_of(rows) if ".jsonl" in name else csv_of(rows)).encode()
        if name != "-":
            (tmp_path / name).write_bytes(gzip.compress(data, 1) if name.endswith("gz") else data)
    written = []
    for environment in (os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)}, without_threads):
        places = [name if name == "-" else str(tmp_path / name) for name in names.split()]
        done = run(
            environment, "delta", *places, "--key", "PK", "--out", tmp_path / "out.jsonl",
            "--memory-limit", "16M", "--temp-dir", tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        written.append((tmp_path / "out.jsonl").read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") > 1000


@pytest.mark.parametrize("old", ["", "PK,v\n", "PK,v\n1,a", "PK,v\n1,a\n2,b\n"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_without_threads_a_short_export_is_read_to_its_end(
    old: str, suffix: str, without_threads: dict[str, str], tmp_path: Path
) -> None:
    rows = [line.split(",") for line in old.splitlines()[1:]]
    text = old if suffix == "csv" else json_of([(int(k), v) for k, v in rows])
    (tmp_path / f"old.{suffix}").write_text(text)
    (tmp_path / f"new.{suffix}").write_text(
        "PK,v\n1,a\n3,c" if suffix == "csv" else json_of([(1, "a"), (3, "c")])
    )
    found = []
    for environment in (os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)}, without_threads):
        done = run(
            environment, "delta", tmp_path / f"old.{suffix}", tmp_path / f"new.{suffix}",
            "--key", "PK", "--max-delete-ratio", "1",
        )  # fmt: skip
        found.append((done.returncode, done.stdout))
        if done.returncode != 0:
            assert "header" in done.stderr or "column" in done.stderr
    assert found[0] == found[1]


def test_without_threads_a_fault_in_an_export_is_told_as_it_is_with_them(
    tables: dict[str, list[tuple[int, str]]], without_threads: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_text(csv_of(tables["old"]))
    (tmp_path / "new.csv").write_text(csv_of(tables["new"]) + "1,2,3\n")
    for environment in (os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)}, without_threads):
        done = run(environment, "delta", tmp_path / "old.csv", tmp_path / "new.csv")
        assert done.returncode == 3
        assert f"new.csv: line {len(tables['new']) + 2} " in done.stderr


@pytest.mark.parametrize("overwrite", [True, False])
def test_without_proc_a_file_is_written_all_the_same(overwrite: bool, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"data")
    places = (str(tmp_path / "f"), str(tmp_path / "t"))
    program = f"import airscoop; airscoop.copy(*{places!r}, overwrite={overwrite})"
    inner = ["sh", "-c", 'umount -l /proc && exec "$0" -c "$1"', sys.executable, program]
    done = subprocess.run(
        ["unshare", "--mount", *inner],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    if "Operation not permitted" in done.stderr or "must be superuser" in done.stderr:
        pytest.skip("only root may take /proc away")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t").read_bytes() == b"data"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "t"]


def test_a_libcurl_that_cannot_be_set_up_is_an_error(tmp_path: Path) -> None:
    environment = preloaded(tmp_path, NO_CURL)
    done = run(environment, "copy", "http://127.0.0.1:9/f", tmp_path / "t")
    assert done.returncode == 1
    assert "libcurl could not be set up" in done.stderr
