"""CreateMultipartUpload is answered late: wherever parts wait meanwhile, all of them are sent."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airscoop._native import Transfer
from airscoop.transfer.options import TransferOptions
from support.fault_server import Fault, FaultProxy, Request, error
from support.s3 import MIB, Store, json_lines, noise

# Memory does not hold two of them.
PARTS_IN_FILES = {"part_first_bytes": 10 * MIB, "part_largest_bytes": 10 * MIB}
LOOKS = 30  # one about each second
DATA = noise(64 * MIB)


@dataclass
class Held:
    """Holds the answer to Create until the transfer has read nothing between two looks: then every
    place for a part is taken."""

    seen: int = -1
    still: int = 0
    idle: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def look(self, read: int) -> None:
        self.still = self.still + 1 if read == self.seen else 0
        if self.asked.is_set() and self.still > 0:
            self.idle.set()
        assert self.still < LOOKS, "the transfer does not move any more"
        self.seen = read

    def fault(self, then: Fault | None = None) -> Fault:
        def act(handler: Any, request: Request) -> None:
            self.asked.set()
            assert self.idle.wait(60)
            if then is not None:
                then(handler, request)
                return
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)

        return act


def run(source: Path, store: Store, proxy: FaultProxy, held: Held, **options: Any) -> Any:
    """Copies by the binding's own handle, which takes plans for parts; returns the facts."""
    plan = {name: options.pop(name) for name in list(options) if name.startswith("part_")}
    settings = store.settings(endpoint_url=proxy.url)
    wanted = TransferOptions(
        source=str(source), destination=store.uri(source.name), destination_s3=settings, **options
    )
    transfer = Transfer(wanted.native() | plan)
    return transfer.run(lambda: held.look(transfer.facts()["source_bytes"]))


PLACES: dict[str, dict[str, Any]] = {
    "source": {"memory_limit": 20 * MIB},
    "source, more memory": {"memory_limit": 100 * MIB},
    "memory": {"checksum": "none"},
    "memory, less of it": {"checksum": "none", "memory_limit": 20 * MIB},
    "file": {"checksum": "none", "memory_limit": 18 * MIB, **PARTS_IN_FILES},
}


@pytest.mark.parametrize("refused", [False, True], ids=["late", "refused once, late"])
@pytest.mark.parametrize("place", PLACES)
def test_every_part_that_waited_for_its_upload_is_sent(
    place: str, refused: bool, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(DATA)
    held = Held()
    proxy.on("create", held.fault(error("SlowDown", 503) if refused else None))
    facts = run(tmp_path / "f", store, proxy, held, **PLACES[place])
    assert facts["parts_kept"] == place.partition(",")[0]
    assert store.get("f") == DATA
    assert store.uploads() == []


def test_gzip_data_that_is_checked_beside_is_sent(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    data = gzip.compress(json_lines(700_000), 0, mtime=0)
    (tmp_path / "f.jsonl.gz").write_bytes(data)
    held = Held()
    proxy.on("create", held.fault())
    options: dict[str, Any] = {"format": "jsonl", "max_rejected": 1, "memory_limit": 29 * MIB}
    facts = run(tmp_path / "f.jsonl.gz", store, proxy, held, **options)
    assert facts["parts_kept"] == "source"
    assert store.get("f.jsonl.gz") == data
