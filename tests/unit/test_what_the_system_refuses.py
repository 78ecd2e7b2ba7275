"""What the system or a library refuses: threads, /proc, libcurl's start."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import PACKAGE_ROOT

AIRSCOOP = (
    sys.executable,
    "-c",
    "import sys; from airscoop.cli import main; sys.exit(main())",
)
NO_THREADS = """
#include <errno.h>
#include <pthread.h>
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *user) {
    (void)thread, (void)attributes, (void)run, (void)user;
    return EAGAIN;
}
"""
# "ynn" gives the first thread that is asked for, and no other; "ny" gives all but the first.
SOME_THREADS = """
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static atomic_size_t asked;
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *user) {
    const char *given = getenv("THREADS");
    size_t last = strlen(given) - 1, number = asked++;
    if (given[number < last ? number : last] == 'n')
        return EAGAIN;
    return ((create *)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, run, user);
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
        ["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", folder / "shim.so", folder / "shim.c"],
        check=True,
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
def with_some_threads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return preloaded(tmp_path_factory.mktemp("shim"), SOME_THREADS)


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


def table(count: int, *, version: int, seed: int | None) -> list[tuple[str, str]]:
    """Rows of an export: those of another version differ, are gone and are new here and there."""
    rows = [(str(n), f"{n * 7919 % 1000} " + "v" * (20 + n % 60) + f" {version * (n % 9 == 0)}")
            for n in range(count) if n % 10 != version]  # fmt: skip
    if seed is not None:
        random.Random(seed).shuffle(rows)
    return rows


def as_csv(rows: list[tuple[str, str]]) -> bytes:
    return "".join(f"{key},{value}\n" for key, value in [("PK", "v"), *rows]).encode()


def as_lines(rows: list[tuple[str, str]]) -> bytes:
    """JSON lines; one is much longer than a batch of rows."""
    values = [{"PK": key, "v": value * (20_000 if key == "20001" else 1)} for key, value in rows]
    return "".join(json.dumps(value) + "\n" for value in values).encode()


@dataclasses.dataclass(frozen=True)
class Comparing:
    suffix: str
    ordered: bool = False
    options: tuple[str, ...] = ()
    rows: int = 40_000


COMPARED = {
    "merge": Comparing(".csv", ordered=True),
    "merge gz": Comparing(".csv.gz", ordered=True),
    "join": Comparing(".csv"),
    "join gz": Comparing(".csv.gz"),
    "join whole rows": Comparing(".csv", options=("--on-duplicates", "last")),
    "join many, matched by two": Comparing(".csv", rows=120_000),
    "join and spill much": Comparing(
        ".csv", options=("--on-duplicates", "last", "--memory-limit", "16M"), rows=300_000
    ),
    "merge JSON lines": Comparing(".jsonl", ordered=True),
    "join JSON lines gz": Comparing(".jsonl.gz"),
}
GIVEN = {
    "no thread": "n",
    "one for the old export": "yn",
    "one for the new export": "nyn",
    "all but for the old export": "ny",
    "all but for the new export": "yny",
}


def write_export(folder: Path, way: Comparing, version: int) -> Path:
    rows = table(way.rows, version=version, seed=None if way.ordered else version)
    path = folder / f"{version}{way.suffix}"
    data = as_csv(rows) if ".csv" in way.suffix else as_lines(rows)
    path.write_bytes(gzip.compress(data, 1) if way.suffix.endswith("gz") else data)
    return path


def compare(environment: dict[str, str], given: str, *arguments: str | Path) -> bytes:
    """The changes, as the command writes them."""
    done = subprocess.run(
        [*AIRSCOOP, "delta", "-q", "--out", "-", *map(str, arguments)],
        env=environment | {"THREADS": given}, capture_output=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("way", COMPARED)
def test_a_delta_goes_on_alone_for_the_exports_that_get_no_thread(
    way: str, with_some_threads: dict[str, str], tmp_path: Path
) -> None:
    comparing = COMPARED[way]
    exports = [write_export(tmp_path, comparing, version) for version in (1, 2)]
    arguments: list[str | Path] = [*exports, *comparing.options, "--temp-dir", tmp_path]
    expected = compare(with_some_threads, "y", *arguments)
    assert expected.count(b"\n") > 4000
    for name, given in GIVEN.items():
        assert compare(with_some_threads, given, *arguments) == expected, name
    assert sorted(tmp_path.iterdir()) == sorted(exports)


OBJECTS = """
import sys, airscoop
old, new = sys.argv[1:3], sys.argv[3:]
delta = airscoop.delta(old, new, max_delete_ratio=1.0)
sys.stdout.buffer.write(b"".join(delta.blocks()))
print(delta.receipt.old_rows, delta.receipt.new_rows, delta.receipt.sorted, file=sys.stderr)
"""


def test_without_threads_all_objects_of_an_export_are_read(
    with_some_threads: dict[str, str], tmp_path: Path
) -> None:
    paths = []
    for version in (1, 2):
        rows = table(40_000, version=version, seed=None)
        for part in range(2):
            paths.append(tmp_path / f"{version}-{part}.csv")
            paths[-1].write_bytes(as_csv(rows[part::2]))
    results = set()
    for given in ("y", "n", "nny"):
        done = subprocess.run(
            [sys.executable, "-c", OBJECTS, *paths],
            env=with_some_threads | {"THREADS": given}, capture_output=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        results.add((done.stdout, done.stderr))
    assert len(results) == 1
    assert results.pop()[1].split() == [b"36000", b"36000", b"False"]


@pytest.mark.parametrize("given", ["n", "yn", "nyn"])
@pytest.mark.parametrize("bad", ["old", "new"])
def test_a_fault_of_an_export_is_told_as_it_is_with_threads(
    bad: str, given: str, with_some_threads: dict[str, str], tmp_path: Path
) -> None:
    rows = as_csv(table(40_000, version=1, seed=None))
    for name in ("old", "new"):
        (tmp_path / f"{name}.csv").write_bytes(rows + b'"never closed' * (name == bad))
    places = (tmp_path / "old.csv", tmp_path / "new.csv")
    done = run(with_some_threads | {"THREADS": given}, "delta", "-q", *places)
    assert done.returncode == 3
    assert f"{bad}.csv: line 36002" in done.stderr


@pytest.mark.parametrize("given", ["n", "yn", "nyn"])
def test_a_row_over_the_limit_is_refused_without_threads(
    given: str, with_some_threads: dict[str, str], tmp_path: Path
) -> None:
    for name in ("old", "new"):
        (tmp_path / f"{name}.csv").write_bytes(b"PK,v\n1," + b"x" * 3_000_000 + b"\n")
    places = (tmp_path / "old.csv", tmp_path / "new.csv")
    environment = with_some_threads | {"THREADS": given}
    done = run(environment, "delta", "-q", "--max-record-bytes", "1M", *places)
    assert done.returncode == 3
    assert "--max-record-bytes" in done.stderr
    assert run(environment, "delta", "-q", "--json", *places).returncode == 0


STOPPED = """
import os, signal, sys, threading, time, airscoop
class Stopped(Exception): pass
def stop(number, frame): raise Stopped
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    airscoop.delta(*sys.argv[1:])
except Stopped:
    print("stopped")
"""


@pytest.mark.parametrize("given", ["y", "n", "yn", "nyn"])
@pytest.mark.parametrize("silent", [0, 1])
def test_a_signal_stops_a_delta_whose_export_never_comes(
    silent: int, given: str, with_some_threads: dict[str, str], tmp_path: Path
) -> None:
    """A pipe that somebody holds open, and writes nothing more to."""
    (tmp_path / "file.csv").write_bytes(as_csv(table(40_000, version=1, seed=None)))
    os.mkfifo(tmp_path / "pipe.csv")
    holder = os.open(tmp_path / "pipe.csv", os.O_RDWR)
    os.write(holder, b"PK,v\n1,x\n")
    places = [tmp_path / "file.csv", tmp_path / "file.csv"]
    places[silent] = tmp_path / "pipe.csv"
    try:
        done = subprocess.run(
            [sys.executable, "-c", STOPPED, *places],
            env=with_some_threads | {"THREADS": given}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        os.close(holder)
    assert done.stdout == "stopped\n", done.stderr


@pytest.mark.parametrize("overwrite", [True, False])
def test_without_proc_a_file_is_written_all_the_same(overwrite: bool, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"data")
    places = (str(tmp_path / "f"), str(tmp_path / "t"))
    program = f"import airscoop; airscoop.copy(*{places!r}, overwrite={overwrite})"
    inner = ["sh", "-c", 'umount -l /proc && exec "$0" -c "$1"', sys.executable, program]
    # In a chroot unshare cannot make mounts private, which they must be before /proc goes.
    shared = " shared:" in Path("/proc/self/mountinfo").read_text()
    private = [] if shared else ["--propagation", "unchanged"]
    done = subprocess.run(
        ["unshare", "--mount", *private, *inner],
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


def test_a_name_that_no_thread_looks_up_is_told_as_that(
    without_threads: dict[str, str], tmp_path: Path
) -> None:
    done = run(without_threads, "copy", "http://nowhere.invalid/f", tmp_path / "t")
    assert done.returncode == 1
    assert "http://nowhere.invalid/f: the system gives no further thread" in done.stderr


def test_a_prefix_that_gets_no_thread_is_told_as_that(
    without_threads: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "f").write_bytes(b"data")
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    environment = without_threads | keys | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    done = run(environment, "copy", f"{tmp_path}/in/", "s3://bucket/out/")
    assert done.returncode == 1
    assert f"{tmp_path}/in/: the system gives no further thread" in done.stderr
    assert "defect" not in done.stderr


def test_memory_that_a_limit_refused_is_told_with_the_limit(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 1_000_000)
    program = (
        "import resource, sys, airscoop, airscoop.transfer.copy\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 1_000_000,) * 2)\n"
        "try:\n"
        "    airscoop.copy(sys.argv[1], sys.argv[2], compression='gzip')\n"
        "except airscoop.errors.MemoryLimit as error:\n"
        "    print(size + 1_000_000, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "f", tmp_path / "t"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True,
        text=True,
    )
    limit, _, said = done.stdout.partition(" ")
    assert said == f"{tmp_path}/f: out of memory: the process may have {limit} bytes (ulimit -v)\n"
