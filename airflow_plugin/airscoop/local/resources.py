"""What a system may have the local stack make for it in moto's server.

The module `resources` of a system names them in RESOURCES, each under its word in the stack's
status.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of DynamoDB, with the keys pk and sk."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A stream of Kinesis."""

    name: str
    shards: int


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue of SQS; its status is its address."""

    name: str


Resource = Table | Stream | Queue
