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
