"""airscoop's insert beside plain SQL and dlt's merge: ./run bench insert

A million rows into a table of ten million on PostgreSQL, from a table that is there already. Half
of them have a key that the table has, one in twenty has the key of another. Each contender has a
fresh copy of the database; they run in turn, the best of each. Without an index, and with one.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import peers
import psycopg

from airscoop import Warehouse
from airscoop.local import processes
from airscoop.local.postgres import Postgres

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench"
ROLE, PASSWORD = "bench", "bench"
MADE, COPY = "made", "copy"
COLUMNS = ("id", "at", "name", "amount", "tag")
READY_SECONDS = 60
GOAL = 1.2
PLAIN = """
INSERT INTO bench.target (id, at, name, amount, tag)
SELECT DISTINCT ON (id) id, at, name, amount, tag FROM bench_staging.target s
WHERE NOT EXISTS (SELECT 1 FROM bench.target t WHERE t.id = s.id) ORDER BY id, at DESC
"""
TABLES = """
CREATE SCHEMA bench;
CREATE SCHEMA bench_staging;
CREATE TABLE bench.target (id bigint, at timestamp, name text, amount numeric, tag text);
CREATE TABLE bench_staging.target (LIKE bench.target);
INSERT INTO bench.target
  SELECT n, timestamp '2026-01-01' + n * interval '1 second', md5(n::text) || ' is what it says',
    n % 100003 / 100.0, 'tag ' || n % 50
  FROM generate_series(1, {rows}) n;
INSERT INTO bench_staging.target
  SELECT CASE WHEN n % 2 = 0 THEN n * 7919 % {rows} + 1 WHEN n % 20 = 1 THEN {rows} + n + 2
      ELSE {rows} + n END,
    timestamp '2026-06-01' + n * interval '1 second', md5((-n)::text) || ' is what it says now',
    n % 100019 / 100.0, 'tag ' || n % 50
  FROM generate_series(1::bigint, {batch}) n;
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a contender, and what its table held afterwards."""

    wall_s: float
    scans: int
    rows: int
    ids: int


class Server:
    """A PostgreSQL of the benchmark's own, with a database to copy."""

    def __init__(self, root: Path) -> None:
        (root / "run").mkdir()
        self.postgres = Postgres(root, root / "run")
        shutil.chown(root / "run", self.postgres.user)
        (self.port,) = processes.free_ports(1)
        self._log = root / "log"

    def start(self) -> processes.Process:
        self.postgres.create()
        server = self.postgres.start(self.port, self._log)
        processes.wait_until(
            lambda: self.postgres.is_ready(self.port),
            server,
            log=self._log,
            seconds=READY_SECONDS,
        )
        self.postgres.ensure(self.port, {ROLE: PASSWORD}, {MADE: ROLE})
        return server

    def dsn(self, database: str) -> str:
        return f"postgresql://{ROLE}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def fill(self, rows: int, batch: int) -> None:
        with psycopg.connect(self.dsn(MADE), autocommit=True) as session:
            for statement in TABLES.format(rows=rows, batch=batch).split(";")[:-1]:
                session.execute(statement.encode())
            session.execute("VACUUM ANALYZE")

    def index(self) -> None:
        with psycopg.connect(self.dsn(MADE), autocommit=True) as session:
            session.execute("CREATE UNIQUE INDEX ON bench.target (id)")

    def run(self, contender: Callable[[str], None]) -> Run:
        """In a copy of its own."""
        self.postgres.psql(
            self.port,
            f"DROP DATABASE IF EXISTS {COPY}; CREATE DATABASE {COPY} TEMPLATE {MADE} OWNER {ROLE}"
            " STRATEGY file_copy; CHECKPOINT;",
        )
        begun = time.monotonic()
        contender(self.dsn(COPY))
        wall = time.monotonic() - begun
        with psycopg.connect(self.dsn(COPY)) as session:
            scans, rows, ids = session.execute(
                "SELECT (SELECT seq_scan + COALESCE(idx_scan, 0) FROM pg_stat_user_tables"
                " WHERE relid = 'bench.target'::regclass), COUNT(*), SUM(id) FROM bench.target"
            ).fetchall()[0]
        return Run(wall_s=wall, scans=int(scans), rows=int(rows), ids=int(ids))


@contextmanager
def server() -> Iterator[Server]:
    # The user that runs PostgreSQL must be able to enter it.
    root = Path(tempfile.mkdtemp(prefix="airscoop-bench-", dir="/var/tmp"))
    root.chmod(0o711)
    try:
        found = Server(root)
        process = found.start()
        try:
            yield found
        finally:
            processes.stop(process)
    finally:
        shutil.rmtree(root)


def airscoop(dsn: str) -> None:
    with Warehouse(dsn, dialect="postgres") as warehouse:
        warehouse.insert_distinct(
            source="bench_staging.target", target="bench.target", columns=COLUMNS,
            key=["id"], order_by=["at"],
        )  # fmt: skip


def statements(*texts: str) -> Callable[[str], None]:
    def run(dsn: str) -> None:
        with psycopg.connect(dsn) as session:
            for text in texts:
                session.execute(text.encode())

    return run


def dlt() -> Callable[[str], None]:
    program = Path(__file__).parent / "contenders" / "dlt_merge.py"
    told = subprocess.run(  # noqa: S603
        [peers.python(FOLDER, "dlt"), program, "bench"],
        capture_output=True,
        text=True,
        check=True,
    )
    return statements(*told.stdout.splitlines())


def contenders() -> dict[str, Callable[[str], None]]:
    return {
        "plain SQL": statements(PLAIN),
        "airscoop": airscoop,
        "dlt": dlt(),
    }


def measure(found: Server, rounds: int) -> dict[str, Run]:
    best: dict[str, Run] = {}
    for _ in range(rounds):
        for name, contender in contenders().items():
            run = found.run(contender)
            if name not in best or run.wall_s < best[name].wall_s:
                best[name] = run
    if len({(run.rows, run.ids) for run in best.values()}) != 1:
        raise SystemExit(f"bench: the contenders do not agree: {best}")
    return best


def show(title: str, best: dict[str, Run]) -> None:
    plain = best["plain SQL"].wall_s
    print(f"\n{title}\n{'':20}{'wall s':>10}{'of plain':>10}{'scans':>10}")
    for name, run in best.items():
        print(f"{name:20}{run.wall_s:10.2f}{run.wall_s / plain:10.2f}{run.scans:10}")
    print(f"the goal for airscoop is {GOAL} of plain", flush=True)


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="run bench insert", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the table")
    parser.add_argument("--batch", type=int, default=1_000_000, help="rows to insert")
    parser.add_argument("--rounds", type=int, default=3, help="of all contenders (default 3)")
    options = parser.parse_args(words)
    peers.settle(FOLDER)
    peers.install_python(FOLDER, "dlt")
    title = f"{options.batch:,} rows into {options.rows:,}"
    with server() as found:
        print(f"bench: making {options.rows:,} rows", file=sys.stderr, flush=True)
        found.fill(options.rows, options.batch)
        show(f"{title}, without an index", measure(found, options.rounds))
        found.index()
        show(f"{title}, with an index of the key", measure(found, options.rounds))


if __name__ == "__main__":
    main(sys.argv[1:])
