"""airscoop publish beside boto3's put_records: a part of ./run bench delta.

Whole processes, run in turn, against a local endpoint (kinesis.py) that shares the machine: the CPU
time of the clients is compared, the best of each, and that all changes have arrived once.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

import measuring
import peers
from servers import END_WITH_PARENT, READY_SECONDS

import airscoop
from airscoop.local import processes

MIB = 1 << 20
GOAL_CPU = 0.2
COMMAND = "import sys; from airscoop.cli import main; sys.exit(main())"


def changes_of(export: Path, folder: Path) -> Path:
    """All rows of an export as INSERTs, made if they are not there yet."""
    path = folder / f"{export.name.partition('.')[0]}-changes.jsonl.gz"
    if not path.exists():
        airscoop.delta(None, export).write(path)
    return path


def contenders(python: Path, changes: Path) -> dict[str, tuple[str, ...]]:
    script = Path(__file__).parent / "contenders/publish_boto3.py"
    own = (sys.executable, "-c", COMMAND, "publish", str(changes), "any", "--quiet")
    return {"airscoop": own, "boto3": (str(python), str(script), str(changes), "any")}


def arrived(endpoint: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{endpoint}/count", timeout=60) as answer:  # noqa: S310
        counts: dict[str, int] = json.load(answer)
    return counts


def measure(folder: Path, changes: Path, rows: int, rounds: int) -> dict[str, measuring.Usage]:
    """The best of the rounds; ends with an error unless every change has arrived once."""
    measured = measuring.build(folder)
    (port,) = processes.free_ports(1)
    log, program = folder / "kinesis.log", Path(__file__).with_name("kinesis.py")
    server = processes.start(
        "the Kinesis endpoint", [*END_WITH_PARENT, sys.executable, program, str(port)], log=log
    )
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_KINESIS": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    best: dict[str, measuring.Usage] = {}
    try:
        processes.wait_until(
            lambda: processes.accepts(port), server, log=log, seconds=READY_SECONDS
        )
        for _ in range(rounds):
            for name, words in contenders(peers.python(folder), changes).items():
                usage, _ = measuring.run(measured, words, environment=environment)
                if (counts := arrived(endpoint)) != {"records": rows, "different": rows}:
                    raise SystemExit(f"bench: {name} published {counts} of {rows} changes")
                if name not in best or usage.cpu_s < best[name].cpu_s:
                    best[name] = usage
    finally:
        processes.stop(server)
    return best


def show(rows: int, best: dict[str, measuring.Usage]) -> None:
    print(f"\n{rows:,} changes published\n{'':10}{'wall s':>10}{'CPU s':>10}{'peak MiB':>10}")
    for name, usage in best.items():
        print(f"{name:10}{usage.wall_s:10.2f}{usage.cpu_s:10.2f}{usage.peak_bytes / MIB:10.0f}")
    cpu = best["airscoop"].cpu_s / best["boto3"].cpu_s
    print(f"of boto3's: CPU {cpu:.2f} (goal {GOAL_CPU}); a local endpoint, not Kinesis, answers")
