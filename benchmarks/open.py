"""Two columns of twenty of a Parquet file in S3: ./run bench open

airscoop.open beside s3fs, smart_open, obstore and pyarrow's own S3 file system. The time is from
the opening to the table, in a process of its own, the peers in turn, the best of each; what is
fetched is counted by a relay before the server, in runs of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import measuring
import peers
import relay
import servers

from airscoop.cli.flags import size

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench"
SCRIPTS = Path(__file__).parent / "contenders"
PEERS = ("airscoop", "pyarrow", "s3fs", "smart_open", "obstore")
COLUMNS, ROW_BYTES, ROW_GROUPS = 20, 160, 8
SMALL_ROWS = 1000
MB = 1_000_000
GOAL_WALL, GOAL_BYTES = 1.0, 1.1
MAKE = """
import sys, numpy, pyarrow
from pyarrow import parquet
path, rows, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = numpy.random.default_rng(7)
table = pyarrow.table({f"c{n:02d}": chance.random(rows) for n in range(20)})
parquet.write_table(table, path, row_group_size=-(-rows // groups), use_dictionary=False)
"""


def made(rows: int) -> Path:
    """The file, made if it is not there yet: numbers that do not compress."""
    path = FOLDER / "open" / f"{rows}.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", MAKE, str(path), str(rows), str(ROW_GROUPS)]
        subprocess.run(command, check=True)  # noqa: S603
    return path


def job(server: servers.S3Server, large: Path, small: Path) -> measuring.Job:
    client = server.client()
    for path in (large, small):
        client.upload_file(str(path), servers.BUCKET, path.name)
    return measuring.Job(
        python=sys.executable,
        peer_python=str(peers.python(FOLDER)),
        s5cmd="",
        endpoint=server.endpoint,
        region=server.region,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        bucket=servers.BUCKET,
        key=large.name,
        target=small.name,
        file="",
        written="",
        url="",
    )


def python_of(peer: str) -> Path:
    if peer == "airscoop":
        return Path(sys.executable)
    return peers.python(FOLDER, "s3fs" if peer == "s3fs" else "venv")


def read(peer: str, server: servers.S3Server, told: measuring.Job) -> dict[str, Any]:
    """One process: what it says."""
    _, text = measuring.run(
        measuring.build(FOLDER),
        [str(python_of(peer)), str(SCRIPTS / "parquet_columns.py"), peer],
        environment=server.environment() | {"AWS_ENDPOINT_URL": told.endpoint} | told.told(),
    )
    said: dict[str, Any] = json.loads(text)
    return said


def fetched(peer: str, server: servers.S3Server, told: measuring.Job) -> tuple[int, int]:
    """Bytes and connections of a read, without those of the small file that is read first."""
    counts = []
    for key in (told.key, told.target):
        with relay.counted(urlsplit(server.endpoint).port or 80) as counter:
            endpoint = f"http://127.0.0.1:{counter.port}"
            read(peer, server, replace(told, endpoint=endpoint, key=key))
            counts.append((counter.received, counter.connections))
    (all_bytes, connections), (twice_small, _) = counts
    return all_bytes - twice_small // 2, connections


def measure(server: servers.S3Server, told: measuring.Job, rounds: int) -> dict[str, Any]:
    best: dict[str, dict[str, Any]] = {}
    for turn in range(rounds + 1):  # the first one leaves compiled modules
        for peer in PEERS:
            said = read(peer, server, told)
            if turn > 0 and (peer not in best or said["seconds"] < best[peer]["seconds"]):
                best[peer] = said
    if len({json.dumps([said["rows"], said["sums"]]) for said in best.values()}) != 1:
        raise SystemExit(f"bench: the contenders do not agree: {best}")
    for peer, said in best.items():
        said["bytes"], said["connections"] = fetched(peer, server, told)
    return best


def show(best: dict[str, Any], file_bytes: int, where: str) -> None:
    print(f"\n2 of {COLUMNS} columns of {file_bytes / MB:.0f} MB, {ROW_GROUPS} row groups, {where}")
    print(f"{'':12}{'wall ms':>10}{'MB fetched':>12}{'connections':>13}")
    for peer, said in best.items():
        print(
            f"{peer:12}{said['seconds'] * 1000:10.1f}{said['bytes'] / MB:12.2f}"
            f"{said['connections']:13}"
        )
    ours = best["airscoop"]
    wall = ours["seconds"] / min(best[peer]["seconds"] for peer in PEERS if peer != "airscoop")
    more = ours["bytes"] / best["pyarrow"]["bytes"]
    print(f"of the best one's wall: {wall:.2f} (goal {GOAL_WALL})")
    print(f"of what pyarrow fetches: {more:.3f} (goal {GOAL_BYTES})")


def main() -> None:
    parser = argparse.ArgumentParser(prog="run bench open", description=__doc__)
    parser.add_argument("--size", type=size, default="256MiB", help="of the file (default 256MiB)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=("minio", "versitygw", "seaweedfs"), default="minio")
    parser.add_argument("--results", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    peers.settle(FOLDER)
    peers.install_python(FOLDER)
    peers.install_python(FOLDER, "s3fs")
    large, small = made(options.size // ROW_BYTES), made(SMALL_ROWS)
    program = peers.go_program(FOLDER, options.server) if options.server != "seaweedfs" else None
    kind = options.server if program else "seaweedfs"
    with contextlib.ExitStack() as stack:
        server = servers.start_s3(kind, program, FOLDER / kind)
        stack.callback(server.stop)
        best = measure(server, job(server, large, small), options.rounds)
    show(best, large.stat().st_size, f"{server.name} {server.version}")
    if options.results:
        options.results.write_text(json.dumps(best, indent=1) + "\n")


if __name__ == "__main__":
    main()
