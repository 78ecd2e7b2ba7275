"""The files that Athena unloaded are merged in the memory of the rule, however many they are."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

from support.memory import LIMIT_BYTES
from support.s3 import Store, noise

FILES, LINES = 40, 6_000

PROGRAM = """
import json, re, sys
from pathlib import Path
import airscoop
import airscoop.transfer.upload, airscoop.deltas.athena_result as athena_result
from airscoop.cancelling import Cancellation

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1)) * 1024

class Counted:
    inserted, updated, deleted = int(sys.argv[2]), 0, 0

s3 = airscoop.S3Settings(**json.loads(sys.argv[4])).resolved()
before = peak()
delta = athena_result.AthenaDelta(
    Counted(), stamp="", folder=sys.argv[1], s3=s3, read=(),
    cancellation=Cancellation("x"))
receipt = delta.write(sys.argv[3], s3=s3)
print(json.dumps({"over": peak() - before, "bytes": receipt.destination_bytes}))
"""


def test_forty_files_are_merged_in_the_memory_of_the_rule(store: Store) -> None:
    word = noise(190_000, seed=5).hex()
    size = 0
    for file in range(FILES):
        text = "".join(
            f'{{"v": "{word[at : at + 400]}", "id": "{line * FILES + file:032x}"}}\n'
            for line, at in enumerate(range(file, file + 61 * LINES, 61))
        ).encode()
        size += len(text)
        store.put(f"run/changes/{file}.gz", gzip.compress(text, 1))
    settings = store.settings()
    assert settings.credentials is not None
    given = {"endpoint_url": settings.endpoint_url, "region": settings.region}
    environment = {
        "AWS_ACCESS_KEY_ID": settings.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": settings.credentials.secret_access_key,
    }
    done = subprocess.run(
        [
            sys.executable, "-c", PROGRAM, store.uri("run/"), str(FILES * LINES),
            store.uri("changes.jsonl"), json.dumps(given),
        ],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["bytes"] == size
    assert facts["over"] <= LIMIT_BYTES
