"""A local Kinesis endpoint for ./run bench delta: takes PutRecords and counts.

moto's server needs minutes for 100,000 records. This one stores all that it is sent in four shards,
keeps a digest of each record, and tells at /count how many there were, and how many different ones.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHARDS = 4
DESCRIPTION = {"StreamDescriptionSummary": {"StreamStatus": "ACTIVE", "OpenShardCount": SHARDS}}


class Kept:
    """What has been stored since it was asked last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records = 0
        self._digests: set[bytes] = set()

    def store(self, records: list[dict[str, str]]) -> dict[str, Any]:
        told = []
        for one in records:
            key = hashlib.md5(one["PartitionKey"].encode(), usedforsecurity=False).digest()
            told.append(
                {
                    "SequenceNumber": f"4954346307654800757710509270303956035997522{key.hex()}",
                    "ShardId": f"shardId-{key[0] * SHARDS >> 8:012}",
                }
            )
        digests = {
            hashlib.md5(one["Data"].encode(), usedforsecurity=False).digest() for one in records
        }
        with self._lock:
            self._records += len(records)
            self._digests |= digests
        return {"FailedRecordCount": 0, "Records": told, "EncryptionType": "NONE"}

    def take_counts(self) -> dict[str, int]:
        with self._lock:
            counts = {"records": self._records, "different": len(self._digests)}
            self._records, self._digests = 0, set()
        return counts


def handler(kept: Kept) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            put = self.headers["X-Amz-Target"].endswith(".PutRecords")
            self._answer(kept.store(body["Records"]) if put else DESCRIPTION)

        def do_GET(self) -> None:
            self._answer(kept.take_counts())

        def _answer(self, told: dict[str, Any]) -> None:
            text = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            self.wfile.flush()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler(Kept())).serve_forever()
