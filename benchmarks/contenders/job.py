"""What a contender is told: where the data is, and where it has to go."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from types import SimpleNamespace

MIB = 2**20
# endpoint, region, bucket, key (the object to read), target (the one to write), file (local, to be
# read), written (local, to be written), url. The secrets are in the environment, AWS_….
JOB = SimpleNamespace(**json.loads(os.environ["BENCH_JOB"]))


def run(*ways: Callable[[], int | None]) -> None:
    """Runs the way that the command line names; prints the bytes that it moved, if it counts."""
    (way,) = [way for way in ways if way.__name__ == sys.argv[1]]
    moved = way()
    if moved is not None:
        print(moved)
