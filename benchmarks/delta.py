"""airscoop delta beside DuckDB and Polars, publish beside boto3: ./run bench delta

Two exports as CSV.gz, 2 % deleted, 3 % updated, 1 % inserted; whole processes, run in turn, the
best of each, after a first run that leaves Python's compiled modules, as installing does. Sorted by
the key, and in two different orders. With --large, also 20 million rows a side within 256 MiB, by
airscoop alone. Then a file of changes is published on a Kinesis stream, beside boto3; --rows 0 does
only that.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import measuring
import peers
import publishing

import airscoop

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench"
HEADER = "PK,name,email,amount,state,since,number,tag"
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")
MIB = 1 << 20
BLOCK_ROWS = 20_000
STEPS = (7_368_787, 9_999_991)  # primes: each walks through all rows in an order of its own
GOAL_WALL, GOAL_PEAK_UNSORTED, GOAL_SORTED_MIB = 0.35, 0.25, 64
LARGE_ROWS, LARGE_LIMIT = 20_000_000, "256M"


def row(n: int, *, is_new: bool) -> str | None:
    """Row n as one of the exports has it; None: it has not."""
    x = n * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    y = (x ^ x >> 29) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    fate = y % 100
    if is_new and fate < 2:
        return None
    amount = y % 1_000_003 + (is_new and fate < 5)
    return (
        f"C{n:09d},{WORDS[x >> 61]} {WORDS[x >> 58 & 7]} {WORDS[x >> 55 & 7]},"
        f"{WORDS[y >> 61]}.{x >> 40}@example.com,{amount}.{y & 63:02d},"
        f"{'closed' if y >> 20 & 3 == 0 else 'active'},2026-{x % 12 + 1:02d}-{y % 28 + 1:02d},"
        f"{y >> 34},{WORDS[y >> 58 & 7]}-{WORDS[y >> 55 & 7]}"
    )


def blocks(rows: int, *, is_new: bool, step: int | None) -> Iterator[bytes]:
    lines = [HEADER]
    total = rows + rows // 100 if is_new else rows
    for i in range(total):
        line = row(i if step is None else i * step % total, is_new=is_new)
        if line is not None:
            lines.append(line)
        if len(lines) == BLOCK_ROWS or i + 1 == total:
            yield ("\n".join(lines) + "\n").encode()
            lines = []


def export(rows: int, side: int, *, in_order: bool) -> Path:
    """The file, made if it is not there yet."""
    name = f"{('old', 'new')[side]}-{rows}-{'sorted' if in_order else 'unsorted'}.csv.gz"
    path = FOLDER / "delta" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"bench: making {path.name}", file=sys.stderr, flush=True)
        with airscoop.Upload(path, compression_level=6 if rows < LARGE_ROWS else 1) as upload:
            for block in blocks(rows, is_new=side == 1, step=None if in_order else STEPS[side]):
                upload.write(block)
    return path


def contenders() -> dict[str, tuple[str, ...]]:
    python, scripts = str(peers.python(FOLDER)), Path(__file__).parent / "contenders"
    command = "import sys; from airscoop.cli import main; sys.exit(main())"
    return {
        "airscoop": (sys.executable, "-c", command, "delta", "{old}", "{new}", "--out", "{out}"),
        "duckdb": (python, str(scripts / "delta_duckdb.py"), "{old}", "{new}", "{out}"),
        "polars": (python, str(scripts / "delta_polars.py"), "{old}", "{new}", "{out}"),
    }


def environment() -> dict[str, str]:
    """Modules are compiled once, as where they are installed, and not into this repository."""
    folder = FOLDER / "delta" / "modules"
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}


def measure(rows: int, rounds: int, *, in_order: bool) -> dict[str, measuring.Usage]:
    measured = measuring.build(FOLDER)
    names = {"old": export(rows, 0, in_order=in_order), "new": export(rows, 1, in_order=in_order)}
    best: dict[str, measuring.Usage] = {}
    counts: dict[str, int] = {}
    for turn in range(rounds + 1):
        for name, words in contenders().items():
            out = FOLDER / "delta" / f"{name}.jsonl"
            told = [word.format(**names, out=out) for word in words]
            usage, _ = measuring.run(measured, told, environment=environment())
            if turn == 0:
                continue
            with out.open("rb") as lines:
                counts[name] = sum(1 for _ in lines)
            if name not in best or usage.wall_s < best[name].wall_s:
                best[name] = usage
    if len(set(counts.values())) != 1:
        raise SystemExit(f"bench: the contenders do not agree: {counts}")
    return best


def interpreter_bytes() -> int:
    measured = measuring.build(FOLDER)
    return measuring.run(measured, [sys.executable, "-c", "pass"], environment=environment())[
        0
    ].peak_bytes


def show(title: str, best: dict[str, measuring.Usage]) -> None:
    print(f"\n{title}\n{'':10}{'wall s':>10}{'CPU s':>10}{'peak MiB':>10}")
    for name, usage in best.items():
        print(f"{name:10}{usage.wall_s:10.2f}{usage.cpu_s:10.2f}{usage.peak_bytes / MIB:10.0f}")
    ours = best["airscoop"]
    others = [usage for name, usage in best.items() if name != "airscoop"]
    wall = ours.wall_s / min(usage.wall_s for usage in others)
    cpu = ours.cpu_s / min(usage.cpu_s for usage in others)
    peak = ours.peak_bytes / min(usage.peak_bytes for usage in others)
    print(f"of the better one: wall {wall:.2f} (goal {GOAL_WALL}), CPU {cpu:.2f}, peak {peak:.2f}")


def large(rows: int) -> None:
    measured = measuring.build(FOLDER)
    old, new = (str(export(rows, side, in_order=False)) for side in (0, 1))
    command = "import sys; from airscoop.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", command, "delta", old, new, "--json"]
    words += ["--memory-limit", LARGE_LIMIT]
    usage, text = measuring.run(measured, words, environment=environment())
    receipt = json.loads(text)
    print(
        f"\n{rows:,} rows a side, unsorted, --memory-limit {LARGE_LIMIT}: {usage.wall_s:.1f} s,"
        f" {usage.cpu_s:.1f} s CPU, peak {usage.peak_bytes / MIB:.0f} MiB,"
        f" {receipt['spilled_bytes'] / 1e9:.1f} GB of temporary files"
    )


def publish(changes: int, rounds: int) -> None:
    path = publishing.changes_of(export(changes, 0, in_order=True), FOLDER / "delta")
    publishing.show(changes, publishing.measure(FOLDER, path, changes, rounds))


def main() -> None:
    parser = argparse.ArgumentParser(prog="run bench delta", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="a side (default 1000000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all contenders (default 3)")
    parser.add_argument("--large", type=int, nargs="?", const=LARGE_ROWS, metavar="ROWS")
    parser.add_argument(
        "--publish", type=int, default=100_000, metavar="N", help="changes (default 100000)"
    )
    options = parser.parse_args()
    peers.install_python(FOLDER)
    for in_order in (True, False) if options.rows else ():
        best = measure(options.rows, options.rounds, in_order=in_order)
        show(f"{options.rows:,} rows a side, {'sorted' if in_order else 'unsorted'}", best)
        if in_order:
            over = (best["airscoop"].peak_bytes - interpreter_bytes()) / MIB
            print(f"airscoop's peak over the interpreter: {over:.0f} MiB (goal {GOAL_SORTED_MIB})")
        else:
            print(f"the goal for the peak is {GOAL_PEAK_UNSORTED}")
    if options.large:
        large(options.large)
    if options.publish:
        publish(options.publish, options.rounds)


if __name__ == "__main__":
    main()
