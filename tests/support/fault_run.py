"""Runs one schedule against a real S3 server, and judges what came of it."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import email.utils
import gzip
import hashlib
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import airscoop
from airscoop import errors
from support.fault_catalog import COMMITS
from support.fault_schedule import Data, Schedule, Step, Validator
from support.fault_server import FaultProxy, Request, fault_proxy
from support.s3 import BUCKET, OWNER, Store

EARLIER = b"the earlier object\n"


@dataclass
class Web:
    """One file over HTTP, with ranges, and a validator of some kind."""

    content: bytes
    validator: Validator
    started: float = field(default_factory=time.time)
    versions: int = 1

    def replace(self, content: bytes) -> None:
        self.content = content
        self.versions += 1

    def _validators(self) -> dict[str, str]:
        now, day = email.utils.formatdate(self.started, usegmt=True), 24 * 3600
        before = email.utils.formatdate(self.started - day / self.versions, usegmt=True)
        choices = {
            "etag": {"ETag": f'"{hashlib.md5(self.content).hexdigest()}"'},
            "date": {"Date": now, "Last-Modified": before},
            "young date": {"Date": now, "Last-Modified": now},
            "weak etag": {"Date": now, "Last-Modified": before, "ETag": 'W/"always the same"'},
            "none": {},
        }
        return choices[self.validator]

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        content, own = self.content, self._validators()
        headers = own | {"Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers["Range"] or "")
        if wanted is None or request.headers["If-Range"] not in own.values():
            return 200, headers, content
        start = int(wanted.group(1))
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return 206, headers, content[start:]


@dataclass
class Fired:
    """Which steps of a schedule came about."""

    steps: list[tuple[Step, Any]] = field(default_factory=list)
    changed: bool = False

    def any(self, *, kinds: tuple[str, ...] = (), hides: bool = False) -> bool:
        """Whether a fault came about on one of some kinds of requests to the destination."""
        return any(
            rule.fired
            and (not kinds or any(re.fullmatch(step.kind, kind) for kind in kinds))
            and (step.fault.hides or not hides)
            for step, rule in self.steps
            if step.side == "target"
        )

    @property
    def blind(self) -> bool:
        """Whether a fault may have kept later requests from the server."""
        return any(rule.fired and step.fault.blinds for step, rule in self.steps)

    @property
    def encoded(self) -> bool:
        """Whether other bytes were read than the source has."""
        return any(rule.fired and step.fault.encodes for step, rule in self.steps)

    @property
    def count(self) -> int:
        return sum(rule.fired for _, rule in self.steps)

    def only_passing(self, *, shown: bool) -> bool:
        """Whether each passes by itself; `shown`: what was read cannot be taken back."""
        return not self.changed and all(
            step.fault.passing or (step.fault.restarts and not shown)
            for step, rule in self.steps
            if rule.fired
        )


@dataclass
class Outcome:
    """How a transfer ended."""

    receipt: airscoop.CopyReceipt | None = None
    error: BaseException | None = None
    read: bytes = b""


class Run:
    """One schedule under way."""

    def __init__(self, plan: Schedule, store: Store, folder: Path) -> None:
        self.plan, self.store, self.folder = plan, store, folder
        self.fired = Fired()
        self.web = Web(plan.data.content, plan.validator)
        (folder / "to").mkdir()

    # --- setting up ---

    def _replace(self) -> None:
        assert self.plan.changed is not None
        self.fired.changed = True
        self.web.replace(self.plan.changed.content)
        if self.plan.source == "s3":
            self.store.put("source", self.plan.changed.content)

    def _cut_and_replace(self, handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        self._replace()
        handler.answer(code, body[: len(body) // 2], headers, length=len(body))
        handler.hang_up()

    def _arm(self, proxy: FaultProxy, side: str) -> None:
        for step in self.plan.steps:
            if step.side == side:
                fault = step.fault.make(random.Random(step.seed))
                rule = proxy.on(step.kind, fault, times=step.times, skip=step.skip)
                self.fired.steps.append((step, rule))
        if side == "source" and self.plan.changed is not None:
            later = self.plan.validator == "etag" and self.plan.seed % 2
            proxy.on("get", self._cut_and_replace, skip=int(later))

    def _source(self, proxy: FaultProxy) -> str:
        plan = self.plan
        if plan.source == "web":
            return f"{proxy.url}/files/data"
        if plan.source == "file":
            (self.folder / "in").write_bytes(plan.data.content)
            return str(self.folder / "in")
        extra = {"ChecksumCRC32C": crc32c(plan.data.content)} if plan.sum_of_source else {}
        self.store.client.put_object(
            Bucket=BUCKET, Key=self.store.key("source"), Body=plan.data.content, **extra
        )
        return self.store.uri("source")

    @property
    def _target(self) -> str:
        plan = self.plan
        if plan.target == "s3":
            return self.store.uri(plan.name)
        return str(self.folder / "to" / plan.name)

    def _occupy(self) -> None:
        if self.plan.occupied and self.plan.target == "s3":
            self.store.put(self.plan.name, EARLIER)
        elif self.plan.occupied and self.plan.target == "file":
            (self.folder / "to" / self.plan.name).write_bytes(EARLIER)

    @contextlib.contextmanager
    def _proxies(self) -> Iterator[tuple[FaultProxy, FaultProxy]]:
        local = self.web.answer if self.plan.source == "web" else None
        with fault_proxy(self.store.endpoint, local) as source, fault_proxy(
            self.store.endpoint
        ) as target:  # fmt: skip
            self._arm(source, "source")
            self._arm(target, "target")
            yield source, target

    # --- the transfer ---

    def _options(self, source: FaultProxy, target: FaultProxy) -> dict[str, Any]:
        plan = self.plan
        options: dict[str, Any] = {
            "format": plan.data.form,
            "memory_limit": plan.memory_limit,
        }
        if plan.data.form != "raw":
            options["max_record_bytes"] = 100_000
        if plan.source == "s3":
            end = "s3" if plan.target == "read" else "source_s3"
            options[end] = self.store.settings(endpoint_url=source.url)
        if plan.target == "read":
            return options
        options |= {"max_rejected": plan.max_rejected}
        options |= {"checksum": plan.checksum, "compression_level": plan.level}
        if plan.target == "s3":
            end = "s3" if plan.source == "write" else "destination_s3"
            options[end] = self.store.settings(
                endpoint_url=target.url, payload_signing=plan.signing
            )
        return options

    def _write(self, options: dict[str, Any]) -> airscoop.CopyReceipt:
        chance = random.Random(self.plan.seed)
        content = memoryview(self.plan.data.content)
        with airscoop.Upload(self._target, **options) as upload:
            at = 0
            while at < len(content):
                step = chance.choice([1, 1000, 100_000, 3_000_000])
                upload.write(content[at : at + step])
                at += step
        assert upload.receipt is not None
        return upload.receipt

    def transfer(self) -> Outcome:
        """Runs the transfer to its end."""
        outcome = Outcome()
        self._occupy()
        with self._proxies() as (source, target):
            options = self._options(source, target)
            name = "" if self.plan.source == "write" else self._source(source)
            try:
                if self.plan.target == "read":
                    outcome.read = b"".join(airscoop.read(name, **options))
                elif self.plan.source == "write":
                    outcome.receipt = self._write(options)
                else:
                    outcome.receipt = airscoop.copy(name, self._target, **options)
            except BaseException as error:
                outcome.error = error
        return outcome

    # --- what is there ---

    def found(self) -> bytes | None:
        """What stands at the destination."""
        if self.plan.target == "file":
            path = self.folder / "to" / self.plan.name
            return path.read_bytes() if path.exists() else None
        names = self.store.names()
        return self.store.get(self.plan.name) if self.plan.name in names else None

    def beside(self) -> list[str]:
        """What else is there that should not be."""
        if self.plan.target == "s3":
            names = self.store.names()
        else:
            to = self.folder / "to"
            names = [str(path.relative_to(to)) for path in to.rglob("*") if path.is_file()]
        return [
            name for name in names
            if name not in (self.plan.name, "source") and not name.startswith("_rejects/")
        ]  # fmt: skip


def crc32c(data: bytes) -> str:
    """As S3 writes it."""
    library = ctypes.CDLL("libisal.so.2")
    library.crc32_iscsi.restype = ctypes.c_uint32
    value = library.crc32_iscsi(data, ctypes.c_int(len(data)), ctypes.c_uint32(0xFFFFFFFF))
    return base64.b64encode((value ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


def _same(plan: Schedule, data: Data, found: bytes) -> bool:
    """Whether the destination is exactly what the source makes."""
    if not plan.packs:
        return found == (data.content if plan.keeps else data.expected)
    try:
        return gzip.decompress(found) == data.expected
    except (OSError, EOFError):
        return False


def _facts(run: Run, data: Data, receipt: airscoop.CopyReceipt) -> Iterator[str]:
    """What a receipt says about the data and is not so."""
    lines = data.form != "raw"
    wanted = {
        "source_bytes": len(data.content),
        "records_in": data.good + data.bad,
        "records_out": data.good,
        "records_rejected": data.bad,
        "blank_lines": data.blank,
        "bom_stripped": data.bom and lines,
        "gzip_members": 1 if data.packed else 0,
        "text_bytes": len(data.text),
    }
    if run.fired.encoded:
        del wanted["source_bytes"]
    if run.plan.keeps and receipt.gzip_members == 0:  # nobody looks into what is kept
        wanted |= {"gzip_members": 0, "text_bytes": len(data.content)}
    for name, value in wanted.items():
        said = getattr(receipt, name)
        if said != value:
            yield f"{name} is {value}, the receipt says {said}"
    if (receipt.rejects is not None) != (data.bad > 0):
        yield f"{data.bad} bad records, rejects are {receipt.rejects}"


def _object(run: Run, found: bytes, receipt: airscoop.CopyReceipt) -> Iterator[str]:
    """What a receipt says about the destination and is not so."""
    if receipt.destination_bytes != len(found):
        yield f"{len(found)} bytes stand there, the receipt says {receipt.destination_bytes}"
    if receipt.unchanged and found not in (
        run.plan.data.content, run.plan.changed and run.plan.changed.content
    ):  # fmt: skip
        yield "the receipt says unchanged, and it is not"
    if run.plan.target != "s3":
        return
    etag = run.store.head(run.plan.name)["ETag"]
    if receipt.etag != etag:
        yield f"the ETag is {etag}, the receipt says {receipt.etag}"
    count = re.search(r"-(\d+)\"$", etag)
    if receipt.parts != (int(count.group(1)) if count else 0):
        yield f"the ETag is {etag}, the receipt says {receipt.parts} parts"
    if run.plan.checksum == "none" and receipt.checksum is not None:
        yield f"no checksum was asked for, the receipt says {receipt.checksum}"
    if run.plan.checksum == "crc32c" and receipt.checksum != f"CRC32C:{crc32c(found)}":
        yield f"the checksum is {crc32c(found)}, the receipt says {receipt.checksum}"


def _about(run: Run, data: Data, receipt: airscoop.CopyReceipt) -> Iterator[str]:
    """What is wrong with a receipt if it is about these data."""
    if data.bad > run.plan.max_rejected:
        yield "a receipt in spite of too many bad records"
    yield from _facts(run, data, receipt)


def _judge_success(run: Run, outcome: Outcome) -> Iterator[str]:
    plan = run.plan
    sources = [plan.data, *([plan.changed] if plan.changed and run.fired.changed else [])]
    if plan.target == "read":
        if outcome.read not in [data.expected for data in sources]:
            yield "what was read is not what the source makes"
        return
    found = run.found()
    if found is None:
        yield "a receipt, and nothing stands there"
        return
    fitting = [data for data in sources if _same(plan, data, found)]
    if not fitting:
        yield f"a receipt, and what stands there ({len(found)} bytes) is not what the source makes"
        return
    assert outcome.receipt is not None
    receipt = outcome.receipt
    # Two versions may make the same: the receipt is about one of them.
    yield from min(([*_about(run, data, receipt)] for data in fitting), key=len)
    yield from _object(run, found, receipt)


def _judge_failure(run: Run, outcome: Outcome) -> Iterator[str]:
    plan, error = run.plan, outcome.error
    if not isinstance(error, errors.AirscoopError):
        yield f"not an AirscoopError: {error!r}"
        return
    if isinstance(error, errors.UsageError):
        yield f"the schedule itself is wrong: {error}"
    if OWNER.secret_access_key in str(error):
        yield "the error tells the secret"
    refused, shown = plan.data.bad > plan.max_rejected, plan.target == "read"
    fired = run.fired
    if not refused and not fired.changed and fired.count <= 2 and fired.only_passing(shown=shown):
        yield f"an error, though every fault passes: {error!r}"
    if plan.target == "read":
        return
    found = run.found()
    if found == (EARLIER if plan.occupied else None):
        if error.committed:
            yield f"the error says that it is committed, and it is not: {error!r}"
        return
    # Only a server that is silent before and after the commit can leave the client in doubt.
    committed = error.committed or (
        fired.any(kinds=COMMITS, hides=True) and (fired.any(kinds=("head",)) or fired.blind)
    )
    if found is None or not committed or not _same(plan, plan.data, found):
        yield f"an error, and something else stands there: {error!r}"


def judge(run: Run, outcome: Outcome) -> list[str]:
    """What is wrong with how a transfer ended; nothing, if nothing is."""
    problems = list(
        _judge_success(run, outcome) if outcome.error is None else _judge_failure(run, outcome)
    )
    if run.beside():
        problems.append(f"left beside: {run.beside()}")
    fired = run.fired
    excused = (
        fired.any(kinds=("abort", "parts"))
        or fired.any(kinds=("create",), hides=True)
        or fired.blind
    )
    if run.plan.target == "s3" and not excused and run.store.uploads():
        problems.append("an upload is left behind")
    return problems


def tidy(store: Store) -> None:
    """Removes what a run put into the bucket."""
    for upload in store.client.list_multipart_uploads(Bucket=BUCKET, Prefix=f"{store.prefix}/").get(
        "Uploads", []
    ):
        store.client.abort_multipart_upload(
            Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"]
        )
    for name in store.names():
        store.client.delete_object(Bucket=BUCKET, Key=store.key(name))
