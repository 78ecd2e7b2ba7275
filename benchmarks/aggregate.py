"""airscoop aggregate beside DuckDB and Polars: ./run bench aggregate

Page hits in 60 files, counted in three groupings and written as Parquet; whole processes, run in
turn, the best of each, after a first run that leaves Python's compiled modules. Pretty-printed JSON
beside DuckDB, JSON lines of the same data beside Polars, too. With --large, ten times the hits and
a thousand times the user agents within 256 MiB, by airscoop alone.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import measuring
import peers

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench"
MIB = 1 << 20
FILES = 60
USER_AGENTS = 1_500
GOAL_WALL, GOAL_PEAK = 0.35, 0.4
LARGE_LIMIT = "256M"
COUNTRIES = ("DE", "US", "FR", "GB", "IN", "CN", "BR", "JP")
GROUP_BY = ("country=CountryCode", "domain=GroupID:int,Domain", "useragent=UserAgent")


def hits(count: int, user_agents: int, *, lines: bool) -> Path:
    """The folder of files, made if it is not there yet."""
    folder = FOLDER / "aggregate" / f"{count}-{user_agents}-{'lines' if lines else 'pretty'}"
    if folder.exists():
        return folder
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    print(f"bench: making {folder.name}", file=sys.stderr, flush=True)
    chance = random.Random(1)  # noqa: S311
    for number in range(FILES):
        with (part / f"{number:02d}.{'jsonl' if lines else 'json'}").open("w") as file:
            for _ in range(count // FILES):
                text = json.dumps(hit(chance, user_agents), indent=None if lines else 4)
                file.write(text + "\n")
    part.rename(folder)
    return folder


def hit(chance: random.Random, user_agents: int) -> dict[str, object]:
    agent = chance.randrange(user_agents)
    return {
        "GroupID": chance.randrange(200),
        "CountryCode": chance.choice(COUNTRIES),
        "UserAgent": f"Mozilla/5.0 (compatible; Bot{agent}/1.0; +http://bot{agent}.example/bot)",
        "Language": chance.choice(("en-US", "de-DE")),
        "Domain": f"site{chance.randrange(500)}.example.com",
        "Timestamp": f"2026-07-09T13:{chance.randrange(60):02d}:{chance.randrange(60):02d}.000Z",
    }


def airscoop_words(*more: str) -> tuple[str, ...]:
    command = "import sys; from airscoop.cli import main; sys.exit(main())"
    groups = [word for group in GROUP_BY for word in ("--group-by", group)]
    return (sys.executable, "-c", command, "aggregate", "{source}/", *groups, *more)


def contenders(*, lines: bool) -> dict[str, tuple[str, ...]]:
    python, scripts = str(peers.python(FOLDER)), Path(__file__).parent / "contenders"
    suffix = "jsonl" if lines else "json"
    found = {
        "airscoop": airscoop_words("--out", "{out}"),
        "duckdb": (python, str(scripts / "aggregate_duckdb.py"), f"{{source}}/*.{suffix}", "{out}"),
    }
    if lines:
        words = (python, str(scripts / "aggregate_polars.py"), "{source}/*.jsonl", "{out}")
        found["polars"] = words
    return found


def environment() -> dict[str, str]:
    """Modules are compiled once, as where they are installed, and not into this repository."""
    folder = FOLDER / "aggregate" / "modules"
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}


def measure(source: Path, rounds: int, *, lines: bool) -> dict[str, measuring.Usage]:
    measured = measuring.build(FOLDER)
    best: dict[str, measuring.Usage] = {}
    for turn in range(rounds + 1):
        for name, words in contenders(lines=lines).items():
            out = FOLDER / "aggregate" / name
            out.mkdir(parents=True, exist_ok=True)
            told = [word.format(source=source, out=out) for word in words]
            usage, _ = measuring.run(measured, told, environment=environment())
            if turn > 0 and (name not in best or usage.wall_s < best[name].wall_s):
                best[name] = usage
    return best


def show(title: str, best: dict[str, measuring.Usage]) -> None:
    print(f"\n{title}\n{'':10}{'wall s':>10}{'CPU s':>10}{'peak MiB':>10}")
    for name, usage in best.items():
        print(f"{name:10}{usage.wall_s:10.2f}{usage.cpu_s:10.2f}{usage.peak_bytes / MIB:10.0f}")
    ours = best["airscoop"]
    others = [usage for name, usage in best.items() if name != "airscoop"]
    wall = ours.wall_s / min(usage.wall_s for usage in others)
    cpu = ours.cpu_s / min(usage.cpu_s for usage in others)
    peak = ours.peak_bytes / min(usage.peak_bytes for usage in others)
    print(
        f"of the best: wall {wall:.2f} (goal {GOAL_WALL}), CPU {cpu:.2f}, "
        f"peak {peak:.2f} (goal {GOAL_PEAK})"
    )


def large(count: int) -> None:
    source = hits(10 * count, 1000 * USER_AGENTS, lines=False)
    words = [word.format(source=source) for word in airscoop_words("--json", "--memory-limit")]
    usage, text = measuring.run(
        measuring.build(FOLDER), [*words, LARGE_LIMIT], environment=environment()
    )
    spilled = json.loads(text)["diagnostics"]["spilled_bytes"]
    print(
        f"\n{10 * count:,} hits, {1000 * USER_AGENTS:,} user agents, --memory-limit {LARGE_LIMIT}: "
        f"{usage.wall_s:.1f} s, {usage.cpu_s:.1f} s CPU, peak {usage.peak_bytes / MIB:.0f} MiB, "
        f"{spilled / 1e6:,.0f} MB of temporary files"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="run bench aggregate", description=__doc__)
    parser.add_argument("--hits", type=int, default=1_000_000, help="default 1000000")
    parser.add_argument("--rounds", type=int, default=3, help="of all contenders (default 3)")
    parser.add_argument("--large", action="store_true", help="also how it grows")
    options = parser.parse_args()
    peers.install_python(FOLDER)
    for lines in (False, True):
        source = hits(options.hits, USER_AGENTS, lines=lines)
        title = f"{options.hits:,} hits, {'JSON lines' if lines else 'pretty-printed'}"
        show(title, measure(source, options.rounds, lines=lines))
    if options.large:
        large(options.hits)


if __name__ == "__main__":
    main()
