"""How much memory a transfer may take, and a cgroup that has little."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.s3 import MIB

LIMIT_BYTES = 64 * MIB  # over the interpreter's
CEILING = 128_000_000


def memory_groups() -> tuple[Path, str]:
    """Where cgroups with a memory limit are made, and the limit's file; skips without."""
    mounts = Path("/proc/self/mountinfo").read_text()
    for pattern, limit in (
        (r" (/\S+) \S+ - cgroup \S+ \S*\bmemory\b", "memory.limit_in_bytes"),
        (r" (/\S+) \S+ - cgroup2 ", "memory.max"),
        (r" (/\S+) \S+ \S+ - cgroup2 ", "memory.max"),
    ):
        for found in re.findall(pattern, mounts):
            if limit != "memory.max" or "memory" in (
                (Path(found) / "cgroup.controllers").read_text().split()
            ):
                return Path(found), limit
    pytest.skip("there are no cgroups that limit memory")


@pytest.fixture
def group() -> Iterator[Path]:
    """A cgroup of 128 MB."""
    root, limit = memory_groups()
    folder = root / f"airscoop-test-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(CEILING))
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        yield folder
    finally:
        folder.rmdir()
