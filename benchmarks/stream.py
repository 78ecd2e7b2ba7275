"""./run bench stream: the stream job, HTTP .json.gz -> check -> gzip -> S3, on the local stack.

Each figure is the median of the rounds. The server shares the cores, so CPU says more than wall
time. Peak memory is the whole process's; the interpreter's own is shown beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airscoop.local import stack
from airscoop.systems.bestsellers.made_data import METADATA_FILE, REVIEWS_FILE, Plan, make

FOLDER = "bench"
# Runs the command line in this process and leaves its peak memory in a file: what the kernel's
# accounting tells the parent includes the parent's own size before exec.
PROGRAM = """
import atexit, pathlib, sys
place = pathlib.Path(sys.argv.pop(1))
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: place.write_text(status.read_text()))
if sys.argv[1:]:
    from airscoop.cli import main
    sys.exit(main())
"""
JOBS = ((REVIEWS_FILE, "raw"), (REVIEWS_FILE, "jsonl"), (METADATA_FILE, "python-literal"))


@dataclass(frozen=True)
class Round:
    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str


def measure(words: Sequence[str], environment: Mapping[str, str]) -> Round:
    """Runs airscoop with these words, or only the interpreter, in a process of its own."""
    with tempfile.NamedTemporaryFile("r") as status, tempfile.TemporaryFile("w+") as output:
        command = [sys.executable, "-c", PROGRAM, status.name, *words]
        started = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=output)  # noqa: S603
        _, code, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(code)
        if process.returncode != 0:
            raise SystemExit(f"bench: airscoop {' '.join(words)} failed")
        output.seek(0)
        cpu_s = usage.ru_utime + usage.ru_stime
        return Round(wall_s, cpu_s, peak_bytes(status.read()), output.read())


def peak_bytes(status: str) -> int:
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def environment_for(s3: Mapping[str, Any]) -> dict[str, str]:
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": s3["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": s3["secret_access_key"],
        "AWS_ENDPOINT_URL_S3": s3["endpoint"],
        "AWS_REGION": s3["region"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench stream", description=(__doc__ or "").strip())
    parser.add_argument("--reviews", type=int, default=300_000, help="lines, some 800 bytes each")
    parser.add_argument("--metadata", type=int, default=300_000, help="lines, some 350 bytes each")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    status = stack.up().to_dict()
    environment = environment_for(status["s3"])
    print("bench: making the data", flush=True)
    plan = Plan(reviews=options.reviews, metadata=options.metadata, seed=1)
    make(Path(status["http"]["root"]) / FOLDER, plan)
    interpreter = measure([], environment)
    print(f"{'job':<32} {'text MB':>8} {'wall s':>7} {'MB/s':>6} {'CPU s/GB':>9} {'peak MB':>8}")
    for name, format in JOBS:
        source = f"{status['http']['url'].rstrip('/')}/{FOLDER}/{name}"
        target = f"s3://{status['s3']['bucket']}/{FOLDER}/{name}"
        words = ["copy", source, target, "--format", format, "--json", "--quiet"]
        rounds = [measure(words, environment) for _ in range(options.rounds)]
        text_bytes = json.loads(rounds[0].output)["text_bytes"]
        wall_s = statistics.median(one.wall_s for one in rounds)
        cpu_s = statistics.median(one.cpu_s for one in rounds)
        peak = statistics.median(one.peak_bytes for one in rounds)
        print(
            f"{f'{name} {format}':<32} {text_bytes / 1e6:>8.1f} {wall_s:>7.2f}"
            f" {text_bytes / 1e6 / wall_s:>6.0f} {cpu_s / (text_bytes / 1e9):>9.2f}"
            f" {peak / 1e6:>8.1f}",
            flush=True,
        )
    print(f"the interpreter alone: {interpreter.peak_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
