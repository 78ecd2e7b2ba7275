"""What the local stack makes for it: the registry of exports, the stream, the queue of hints."""

from __future__ import annotations

from airscoop.local.resources import Queue, Resource, Stream, Table

RESOURCES: dict[str, Resource] = {
    "table": Table(name="registry"),
    "stream": Stream(name="changes", shards=2),
    "queue": Queue(name="exports"),
}
