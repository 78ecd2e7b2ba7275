"""What fails is told with its place and its true cause, not with what a library makes of it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from support.fault_server import Origin, raw, with_length
from support.s3 import Store


@pytest.mark.parametrize(
    "lines",
    [
        b"X-A: " + b"a" * 70_000 + b"\r\n",
        b"X-A: " + b"a" * 300_000 + b"\r\n",
        b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 2000,
    ],
    ids=["a long line", "a very long line", "many lines"],
)
def test_headers_that_are_too_long_are_told_as_that(
    lines: bytes, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", raw(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 1\r\n\r\na"))
    with pytest.raises(
        errors.ProtocolError, match=f"{url}: the headers .* longer than 64 KiB"
    ) as e:
        airscoop.copy(url, tmp_path / "a")
    assert not e.value.retryable
    assert len(web.heads) == 1


def test_standard_input_that_is_closed_is_told_as_that(tmp_path: Path) -> None:
    done = subprocess.run(
        f'"{sys.executable}" -m airscoop.cli copy - "{tmp_path}/a" <&-',
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "standard input is closed" in done.stderr
    assert not (tmp_path / "a").exists()


def few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))


HOLD_ALL = """
import os, sys
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for _ in range(int(sys.argv[1])):
    os.close(held.pop())
"""


@pytest.mark.parametrize("left", range(0, 9))
@pytest.mark.parametrize("kind", ["web", "s3"])
def test_too_few_descriptors_are_told_as_that(
    left: int, kind: str, web: Origin, store: Store, tmp_path: Path
) -> None:
    url = web.serve("/data", with_length(b"data"), host="localhost")
    store.put("data", b"data")
    source = url if kind == "web" else store.uri("data")
    program = (
        "import airscoop, airscoop.transfer.copy, airscoop.aws.tls, ssl, sys\n"
        "from airscoop import errors\n"
        f"{HOLD_ALL}"
        "try:\n"
        "    for _ in airscoop.read(sys.argv[2], format='raw'): pass\n"
        "except errors.AirscoopError as error:\n"
        "    print(type(error).__name__, error.retryable, error)\n"
        "except OSError as error:\n"
        "    print('OSError', error)\n"
        "else:\n"
        "    print('read')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(left), source],
        env=os.environ | store.environment(),
        preexec_fn=few_descriptors,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "read\n" or "open files" in done.stdout, done.stdout
