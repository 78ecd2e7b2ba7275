"""Copies of whole prefixes and folders, object by object, several at once."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from airscoop._native import default_memory_limit
from airscoop.aws import storage
from airscoop.aws.settings import S3Settings
from airscoop.aws.storage import ObjectInfo
from airscoop.errors import AccessDenied, AirscoopError, FileError, NotFound, UsageError
from airscoop.receipts.prefix import CopyFailure, PrefixReceipt
from airscoop.receipts.transfer import CopyReceipt
from airscoop.transfer import places
from airscoop.transfer.copy import CopyJob, Progress
from airscoop.transfer.options import Checksum, TransferOptions, place
from airscoop.transfer.prefix_entries import Entry, chooser, files, make_room, objects
from airscoop.transfer.prefix_equal import are_equal
from airscoop.transfer.prefix_overlap import Overlap, overlap_of

if TYPE_CHECKING:
    from airscoop.transfer.arguments import ObjectCopyOptions

JOBS = 8
JOB_MEMORY = 32 * 2**20  # enough for any transfer
SMALL_MEMORY = 3 * 2**20  # what it touches beside the object's own bytes
MOST_NAMED = 5  # in the words of an error; the receipt names all
SECONDS_BETWEEN_REPORTS = 1.0


class PrefixIncomplete(AirscoopError):
    """Some objects of a prefix were not copied; `receipt` names them and counts the others."""

    receipt: PrefixReceipt

    def __init__(self, receipt: PrefixReceipt) -> None:
        super().__init__(
            f"{receipt.source} -> {receipt.destination}: {len(receipt.failures)} of "
            f"{receipt.objects} objects were not copied: "
            + "; ".join(f"{one.source}: {one.message}" for one in receipt.failures[:MOST_NAMED])
            + (" …" if len(receipt.failures) > MOST_NAMED else "")
        )
        self.receipt = receipt
        self.code = "INCOMPLETE"
        self.retryable = all(failure.retryable for failure in receipt.failures)
        any_there = len(receipt.failures) < receipt.objects or any(
            map(_may_be_there, receipt.failures)
        )
        self.committed = None if any_there else False
        self.http_status = self.os_errno = self.sqlstate = self.request_id = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.receipt,)


def _may_be_there(failure: CopyFailure) -> bool:
    return failure.committed is not False


class _Memory:
    """Shares the memory limit: an object waits until what it needs is free."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._changed = threading.Condition()

    def take(self, count: int, stopped: threading.Event) -> bool:
        with self._changed:
            while self._free < count and not stopped.is_set():
                self._changed.wait(0.2)
            if stopped.is_set():
                return False
            self._free -= count
            return True

    def give(self, count: int) -> None:
        with self._changed:
            self._free += count
            self._changed.notify_all()


def _resolved(
    source: str, destination: str, source_s3: S3Settings, destination_s3: S3Settings
) -> tuple[S3Settings, S3Settings, bool]:
    """Endpoints and credentials, found once for all objects; whether both ends have the same."""
    same = source_s3 == destination_s3
    if places.is_s3(source):
        source_s3 = source_s3.resolved()
    if places.is_s3(destination):
        destination_s3 = source_s3 if same else destination_s3.resolved()
    return source_s3, destination_s3, same


class _PrefixCopy:
    """One run of copy_prefix."""

    def __init__(self, options: TransferOptions, *, jobs: int, memory_limit: int) -> None:
        """`options` are those of each object; source and destination are the prefixes."""
        source, destination = options.source, options.destination or ""
        self.source, self.destination = source, destination
        self.source_s3, self.destination_s3, self._same_access = _resolved(
            source, destination, options.source_s3, options.destination_s3
        )
        self._options = options
        self._jobs = jobs
        self._limit = memory_limit
        self._by_server = (  # until the server refuses one
            self._same_access
            and places.is_s3(source)
            and places.is_s3(destination)
            and self._keeps_bytes()
            and options.server_side
            and options.overwrite
        )
        self._memory = _Memory(self._limit)
        self._lock = threading.Lock()
        self._running: dict[CopyJob, int] = {}
        self._stopped = threading.Event()
        self._found = self._markers = self._equal = self._equal_bytes = self._copied_bytes = 0
        self._copies: list[CopyReceipt] = []
        self._failures: list[CopyFailure] = []

    def objects(self, is_chosen: Callable[[str], bool]) -> Iterator[Entry]:
        """Those to copy; markers are counted on the way."""
        yield from objects(
            self.source,
            to_files=not places.is_s3(self.destination),
            s3=self.source_s3,
            ca_file=self._options.ca_file,
            overlap=self._overlap(),
            is_chosen=is_chosen,
            skip_marker=self._skip_marker,
        )

    def _overlap(self) -> Overlap | None:
        """How the two prefixes lie in each other, if both are in S3."""
        if not (places.is_s3(self.source) and places.is_s3(self.destination)):
            return None
        return overlap_of(
            self.source,
            self.source_s3,
            self.destination,
            self.destination_s3,
            rejects=self._options.max_rejected > 0,
        )

    # --- the options of one object ---

    def _keeps_bytes(self) -> bool:
        return (
            self._options.format == "raw"
            and self._options.compression == "auto"
            and self._options.compression_level is None
        )

    def _job_memory(self) -> int:
        return max(min(JOB_MEMORY, self._limit), self._limit // self._jobs)

    def _need(self, entry: Entry) -> int:
        """What a copy touches; a small object does not fill what it may use."""
        if not self._keeps_bytes():
            return self._job_memory()
        return min(self._job_memory(), SMALL_MEMORY + 2 * entry.size)

    def _job(self, entry: Entry, destination: str, limit: int) -> CopyJob:
        checksum = self._options.checksum
        source = entry.info
        if checksum == "crc32c" and source is not None and source.checksum is not None:
            checksum = cast(Checksum, source.checksum.partition(":")[0].lower())
        return CopyJob(
            dataclasses.replace(
                self._options,
                source=entry.uri,
                destination=destination,
                source_s3=self.source_s3,
                destination_s3=self.destination_s3,
                memory_limit=limit,
                checksum=checksum,
            )
        )

    # --- one object, on a thread of its own ---

    def _there(self, destination: str) -> ObjectInfo | Path | None:
        """What stands where the object goes."""
        if not places.is_s3(destination):
            path = Path(destination)
            return path if path.is_file() else None
        try:
            return storage.head(destination, s3=self.destination_s3, ca_file=self._options.ca_file)
        except (NotFound, AccessDenied):
            return None

    def _told(self, entry: Entry) -> Entry:
        """With the object's checksum, which a listing does not tell."""
        if entry.info is None:
            return entry
        info = storage.head(entry.uri, s3=self.source_s3, ca_file=self._options.ca_file)
        return dataclasses.replace(entry, info=info, size=info.size)

    def _copy(self, entry: Entry, limit: int) -> None:
        destination = self.destination + entry.name
        if not places.is_s3(self.destination):
            make_room(Path(self.destination), entry.name)
        there = self._there(destination) if self._keeps_bytes() else None
        if there is not None or not self._same_access:
            entry = self._told(entry)
        if there is not None and are_equal(entry.info or Path(entry.uri), there):
            with self._lock:
                self._equal += 1
                self._equal_bytes += entry.size
            return
        job = self._job(entry, destination, limit)
        with self._lock:
            self._running[job] = 0
        try:
            if self._stopped.is_set():
                job.cancel()
            receipt = job.run(on_progress=lambda progress: self._note(job, progress))
        finally:
            with self._lock:
                del self._running[job]
        with self._lock:
            self._copies.append(receipt)
            self._copied_bytes += receipt.source_bytes

    def _note(self, job: CopyJob, progress: Progress) -> None:
        with self._lock:
            self._running[job] = progress.source_bytes

    def _work(self, entry: Entry) -> None:
        try:
            if entry.refused is not None:
                raise UsageError(entry.refused)
            if not self._copied_by_server(entry):
                self._copy_within(entry, self._need(entry), self._job_memory())
        except (AirscoopError, OSError, UnicodeError) as error:
            self.fail(entry, error)

    def _copied_by_server(self, entry: Entry) -> bool:
        """A copy by the server takes no memory; one that turns out to go through here, which takes
        more than it was given, is made again."""
        if not self._by_server:
            return False
        try:
            self._copy_within(entry, SMALL_MEMORY, SMALL_MEMORY)
        except UsageError:
            self._by_server = False
            return False
        return True

    def _copy_within(self, entry: Entry, need: int, limit: int) -> None:
        if not self._memory.take(need, self._stopped):
            return
        try:
            self._copy(entry, limit)
        finally:
            self._memory.give(need)

    def fail(self, entry: Entry, error: Exception) -> None:
        """Keeps one object's error; the others go on."""
        known = isinstance(error, AirscoopError)
        failure = CopyFailure(
            source=entry.uri.encode(errors="backslashreplace").decode(),
            destination=(self.destination + entry.name).encode(errors="backslashreplace").decode(),
            error=error.code if isinstance(error, AirscoopError) else "IO",
            message=str(error).encode(errors="backslashreplace").decode(),
            retryable=known and bool(getattr(error, "retryable", False)),
            committed=getattr(error, "committed", False),
        )
        with self._lock:
            self._failures.append(failure)

    # --- all of them ---

    def run(
        self, entries: Iterator[Entry], on_progress: Callable[[Progress], object] | None
    ) -> PrefixReceipt:
        start = last = time.monotonic()
        pending: set[concurrent.futures.Future[None]] = set()
        pool = concurrent.futures.ThreadPoolExecutor(self._jobs, "airscoop-copy")
        try:
            for entry in entries:
                self._found += 1
                pending.add(self._submit(pool, entry))
                while len(pending) >= 2 * self._jobs:
                    pending = self._wait(pending)
                if on_progress is not None and time.monotonic() - last > SECONDS_BETWEEN_REPORTS:
                    on_progress(self.progress())
                    last = time.monotonic()
            while pending:
                pending = self._wait(pending)
                if on_progress is not None:
                    on_progress(self.progress())
        except BaseException as error:
            self._stopped.set()
            with self._lock:
                for job in self._running:
                    job.cancel()
            pool.shutdown(wait=True, cancel_futures=True)
            any_there = self._copies or any(map(_may_be_there, self._failures))
            vars(error)["committed"] = None if any_there else False
            raise
        pool.shutdown()
        return self._receipt(time.monotonic() - start)

    def _submit(
        self, pool: concurrent.futures.ThreadPoolExecutor, entry: Entry
    ) -> concurrent.futures.Future[None]:
        try:
            return pool.submit(self._work, entry)
        except RuntimeError as error:  # "can't start new thread"
            raise FileError(
                f"{self.source}: the system gives no further thread to copy objects side by side "
                "(ulimit -u, or the container's limit): take fewer jobs"
            ) from error

    def _wait(
        self, pending: set[concurrent.futures.Future[None]]
    ) -> set[concurrent.futures.Future[None]]:
        done, left = concurrent.futures.wait(
            pending, SECONDS_BETWEEN_REPORTS, concurrent.futures.FIRST_COMPLETED
        )
        for one in done:
            one.result()  # an exception that is not of one object ends the run
        return left

    def progress(self) -> Progress:
        with self._lock:
            return Progress(
                source_bytes=self._copied_bytes + self._equal_bytes + sum(self._running.values()),
                total_bytes=None,
                records=sum(copy.records_in for copy in self._copies),
                rejected=sum(copy.records_rejected for copy in self._copies),
                objects=len(self._copies) + self._equal + len(self._failures),
                total_objects=self._found,
            )

    def _skip_marker(self) -> None:
        """An empty object that stands for a folder."""
        self._markers += 1

    def _receipt(self, seconds: float) -> PrefixReceipt:
        return PrefixReceipt(
            seconds=seconds,
            source=self.source,
            destination=self.destination,
            objects=self._found,
            copied=len(self._copies),
            equal=self._equal,
            markers=self._markers,
            source_bytes=self._copied_bytes,
            destination_bytes=sum(copy.destination_bytes for copy in self._copies),
            equal_bytes=self._equal_bytes,
            copies=sorted(self._copies, key=lambda copy: copy.source),
            failures=sorted(self._failures, key=lambda failure: failure.source),
        )


def _check(source: str, destination: str, jobs: int) -> None:
    if not places.is_prefix(source):
        raise UsageError(f"{source} names no prefix or folder: it ends in /")
    if not destination.endswith("/"):
        raise UsageError(f"{destination} has to end in /, as what is copied below a prefix")
    if jobs < 1:
        raise UsageError(f"jobs {jobs} is not 1 or more")
    if not places.is_s3(source):
        if not Path(source).is_dir():
            raise NotFound(f"{source} is no folder")
        if not places.is_s3(destination):
            raise UsageError("from folder to folder airscoop does not copy: use cp or rsync")


def _name(name: str | os.PathLike[str]) -> str:
    """As the engine takes it; a Path has lost its slash at the end."""
    return place(name) if isinstance(name, str) else place(name) + "/"


def copy_prefix(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    jobs: int = JOBS,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    memory_limit: int | None = None,
    source_s3: S3Settings | None = None,
    destination_s3: S3Settings | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[ObjectCopyOptions],
) -> PrefixReceipt:
    """Copies all objects below a prefix, or files below a folder, each as `airscoop.copy` does.

    One of the two is in S3, or both; names end in "/". `jobs` objects are copied at once, as far as
    `memory_limit` (40 MiB), which they share, allows. What the destination has already, by size
    and checksum, is left alone; nothing is deleted. `include` and `exclude` are patterns
    ("*.json.gz") for what follows the prefix. `options` are those of `airscoop.copy`.

    An object that fails does not stop the others: in the end PrefixIncomplete names all that failed
    and has the receipt.
    """
    where, to = _name(source), _name(destination)
    _check(where, to, jobs)
    if options.get("split_bytes") is not None or options.get("split_replace"):
        raise UsageError("split_bytes is for one object at a time")
    if options.get("rejects") is not None:
        raise UsageError("the rejects of many objects do not go to one place: leave it out")
    copy = _PrefixCopy(
        TransferOptions(
            source=where,
            destination=to,
            source_s3=source_s3 or S3Settings(),
            destination_s3=destination_s3 or S3Settings(),
            **options,
        ),
        jobs=jobs,
        memory_limit=memory_limit or default_memory_limit(),
    )
    is_chosen = chooser(include, exclude)
    entries = copy.objects(is_chosen) if places.is_s3(where) else files(where)
    receipt = copy.run((entry for entry in entries if is_chosen(entry.name)), on_progress)
    if receipt.failures:
        raise PrefixIncomplete(receipt)
    return receipt
