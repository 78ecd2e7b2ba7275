"""./run bench profile: where airscoop's CPU time goes, and what one core of this machine can do.

Samples by perf (the CPU clock, so that virtual machines can do it too). The shares are those of the
whole process with the interpreter's start; the ceilings are measured by ceilings.c.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import transfer
from scenarios import SCENARIOS, Scenario

from airscoop.cli.flags import size

HERE = Path(__file__).parent
PROFILED = ("pass-through", "transform", "upload", "upload-signed", "download", "download-file")
SAMPLES_PER_SECOND = 997  # prime, so that nothing periodic is always or never met
MOST_SYMBOLS = 12
# The first line whose two patterns, of the object and of the symbol, are found names the work.
WORK = (
    ("kernel", r"kernel|vdso", r""),
    ("JSON check", r"libyajl", r""),
    ("JSON check", r"_native", r"json|record|literal|array"),
    ("CRC", r"", r"crc(32|64)"),
    ("deflate", r"libisal", r"deflate|_icf|hufftables"),
    ("inflate", r"libisal", r""),
    ("inflate", r"_native", r"gunzip"),
    ("SHA-256", r"libcrypto", r""),
    ("libcurl", r"libcurl", r""),
    ("memory moves", r"libc\.so", r"mem(cpy|move|set|chr)"),
    ("interpreter", r"python|\.cpython-", r""),
    ("rest of airscoop", r"_native", r""),
    ("other libraries", r"", r""),
)
Name = TypeVar("Name")
LINE = re.compile(r"\s*([\d.]+)%\s*;\s*(\S+)\s*;\s*\[.\]\s*(.+?)\s*$")


def work_of(program: str, symbol: str) -> str:
    return next(
        name
        for name, object_pattern, symbol_pattern in WORK
        if re.search(object_pattern, program) and re.search(symbol_pattern, symbol)
    )


def largest_first(shares: dict[Name, float]) -> list[tuple[Name, float]]:
    return sorted(shares.items(), key=lambda pair: -pair[1])


def shares(report: str) -> tuple[dict[str, float], list[tuple[str, str, float]]]:
    """From perf's lines: the share of each kind of work, and the symbols with the largest."""
    works: dict[str, float] = defaultdict(float)
    symbols: dict[tuple[str, str], float] = defaultdict(float)
    for line in report.splitlines():
        if match := LINE.match(line):
            share, program, symbol = float(match[1]) / 100, match[2], match[3]
            works[work_of(program, symbol)] += share
            symbols[program, "(no symbol)" if symbol.startswith("0x") else symbol] += share
    most = largest_first(symbols)[:MOST_SYMBOLS]
    largest = [(*names, round(share, 4)) for names, share in most]
    return {work: round(share, 4) for work, share in largest_first(works)}, largest


def sampled(bench: transfer.Bench, scenario: Scenario) -> dict[str, Any]:
    """Runs the scenario's first airscoop contender under perf."""
    made = bench.made(scenario, bench.settings.size_bytes)
    job = bench.job(scenario, made)
    (contender, *_) = [one for one in scenario.contenders if one.kind == "airscoop"]
    samples = bench.settings.folder / "perf.data"
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_SECOND)]
    server = bench.server(scenario.server)
    told = {**server.environment(), **job.told()}
    _run([*record, "-o", str(samples), "--", *job.words(contender.words)], told, os.devnull)
    report = ["perf", "report", "-i", str(samples), "--stdio", "-q", "-t", ";"]
    printed = _run([*report, "-F", "overhead,dso,sym"], {})
    works, largest = shares(printed)
    samples.unlink()
    Path(job.written).unlink(missing_ok=True)
    if scenario.server == "put":
        server.delete(job.target)
    return {"works": works, "symbols": largest}


def _run(words: Sequence[str], environment: dict[str, str], output: str | None = None) -> str:
    """What the program printed, or "" where that goes to the file `output`."""
    with contextlib.ExitStack() as stack:
        done = subprocess.run(  # noqa: S603
            words,
            env={**os.environ, **environment},
            stdout=stack.enter_context(Path(output).open("wb")) if output else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(f"bench: {words[0]} failed:\n{done.stderr}")
    return done.stdout or ""


def ceilings(bench: transfer.Bench) -> dict[str, float]:
    program = bench.settings.folder / "ceilings"
    libraries = ["-lisal", "-lcrypto", "-lyajl"]
    _run(["cc", "-std=c17", "-O2", "-o", str(program), str(HERE / "ceilings.c"), *libraries], {})
    made = bench.made(SCENARIOS["pass-through"], bench.settings.size_bytes)
    printed: dict[str, float] = json.loads(
        _run([str(program), str(bench.data_folder / made.name)], {})
    )
    return printed


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench profile", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PROFILED, default=PROFILED, metavar="SCENARIO")
    parser.add_argument("--size", type=size, default="1GiB", help="of the data (default 1GiB)")
    parser.add_argument("--folder", type=Path, default=transfer.ROOT / "build/bench")
    parser.add_argument("--results", type=Path, default=transfer.RESULTS)
    given = parser.parse_args(arguments)
    settings = transfer.Settings(
        folder=given.folder.absolute(), results=given.results, size_bytes=given.size
    )
    with contextlib.ExitStack() as stack:
        bench = transfer.Bench(settings, stack)
        stored = {
            "profile": {name: sampled(bench, SCENARIOS[name]) for name in given.only},
            "ceilings": ceilings(bench),
            "machine": transfer.machine(),
            "airscoop": transfer.commit(),
            "date": time.strftime("%Y-%m-%d"),
        }
    settings.results.mkdir(parents=True, exist_ok=True)
    (settings.results / "profile.json").write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
