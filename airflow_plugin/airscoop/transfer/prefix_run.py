"""One run of copy_prefix: many copies side by side, within one memory limit."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from airscoop.aws import storage
from airscoop.aws.settings import S3Settings
from airscoop.aws.storage import ObjectInfo
from airscoop.errors import (
    AccessDenied,
    AirscoopError,
    Cancelled,
    FileError,
    NotFound,
    UsageError,
)
from airscoop.receipts.prefix import CopyFailure, PrefixReceipt
from airscoop.system_errors import told
from airscoop.transfer import places
from airscoop.transfer.job import Progress, TransferJob
from airscoop.transfer.options import Checksum, TransferOptions
from airscoop.transfer.prefix_entries import Entry, files, make_room, objects
from airscoop.transfer.prefix_equal import are_equal
from airscoop.transfer.prefix_overlap import Overlap, overlap_of
from airscoop.transfer.prefix_tally import Tally

JOBS = 8
JOB_MEMORY = 32 * 2**20  # enough for any transfer
SMALL_MEMORY = 3 * 2**20  # what it touches beside the object's own bytes
SECONDS_BETWEEN_REPORTS = 1.0


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


class PrefixCopy:
    """Copies what it is given; `options` are those of each, its destination is the prefix."""

    DRY_RUN = False

    def __init__(
        self, options: TransferOptions, *, sources_in_s3: bool, jobs: int, memory_limit: int
    ) -> None:
        self._options = options
        self._destination = options.destination or ""
        self._to_s3 = places.is_s3(self._destination)
        self._same_access = options.source_s3 == options.destination_s3
        self._resolve(sources_in_s3)
        self._jobs = jobs
        self._limit = memory_limit
        self._by_server = (  # until the server refuses one
            self._same_access
            and sources_in_s3
            and self._to_s3
            and self._keeps_bytes()
            and options.server_side
            and options.overwrite
        )
        self._memory = _Memory(self._limit)
        self._lock = threading.Lock()
        self._running: dict[TransferJob, int] = {}
        self._stopped = threading.Event()
        self._tally = Tally()

    def _resolve(self, sources_in_s3: bool) -> None:
        """Endpoints and credentials, found once for all objects."""
        self._source_s3 = self._options.source_s3
        self._destination_s3 = self._options.destination_s3
        if sources_in_s3:
            self._source_s3 = self._source_s3.resolved()
        if self._to_s3:
            same = sources_in_s3 and self._same_access
            self._destination_s3 = self._source_s3 if same else self._destination_s3.resolved()

    def below(self, source: str, is_chosen: Callable[[str], bool]) -> Iterator[Entry]:
        """What there is to copy below a prefix or folder; markers are counted on the way."""
        if not places.is_s3(source):
            return files(source, is_chosen)
        return objects(
            source,
            to_files=not self._to_s3,
            s3=self._source_s3,
            overlap=self._overlap(source),
            is_chosen=is_chosen,
            skip_marker=self._skip_marker,
        )

    def _skip_marker(self) -> None:
        """An empty object that stands for a folder."""
        self._tally.markers += 1

    def _overlap(self, source: str) -> Overlap | None:
        """How the two prefixes lie in each other, if both are in S3."""
        if not self._to_s3:
            return None
        return overlap_of(
            source,
            self._source_s3,
            self._destination,
            self._destination_s3,
            rejects=self._options.max_rejected > 0,
        )

    # --- the options of one object ---

    def _keeps_bytes(self) -> bool:
        return (
            self._options.format == "raw"
            and self._options.compression in ("auto", "keep")
            and self._options.compression_level is None
        )

    def _job_memory(self) -> int:
        return max(min(JOB_MEMORY, self._limit), self._limit // self._jobs)

    def _need(self, entry: Entry) -> int:
        """What a copy touches; a small object does not fill what it may use."""
        if entry.size is None or not self._keeps_bytes():
            return self._job_memory()
        return min(self._job_memory(), SMALL_MEMORY + 2 * entry.size)

    def _job(self, entry: Entry, destination: str, limit: int) -> TransferJob:
        checksum = self._options.checksum
        source = entry.info
        if checksum == "crc32c" and source is not None and source.checksum is not None:
            checksum = cast(Checksum, source.checksum.partition(":")[0].lower())
        return TransferJob(
            dataclasses.replace(
                self._options,
                source=entry.uri,
                destination=destination,
                source_s3=self._source_s3,
                destination_s3=self._destination_s3,
                memory_limit=limit,
                checksum=checksum,
                slash_key=True,
            )
        )

    # --- one object, on a thread of its own ---

    def _there(self, destination: str) -> ObjectInfo | Path | None:
        """What stands where the object goes."""
        if not places.is_s3(destination):
            path = Path(destination)
            return path if path.is_file() else None
        try:
            return self._head(destination, self._destination_s3)
        except (NotFound, AccessDenied):
            return None

    def _head(self, uri: str, s3: S3Settings) -> ObjectInfo:
        """A server that does not answer must not hold up who stops the run."""
        return storage.head(uri, s3=s3, check=self._check_stopped)

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise Cancelled("the copy of the prefix was stopped")

    def _told(self, entry: Entry) -> Entry:
        """With the object's checksum, which a listing does not tell."""
        if entry.info is None:
            return entry
        info = self._head(entry.uri, self._source_s3)
        return dataclasses.replace(entry, info=info, size=info.size)

    def _destination_of(self, entry: Entry) -> str:
        """Where it goes; a file's folder is made."""
        destination = self._destination + entry.name
        if self._to_s3:
            places.native(destination)  # refuses what is no key
            return destination
        make_room(Path(self._destination), entry.name)
        return self._destination + places.path_of(entry.name)

    def _copy(self, entry: Entry, limit: int) -> None:
        destination = self._destination_of(entry)
        compares = entry.size is not None and self._keeps_bytes()
        there = self._there(destination) if compares else None
        if there is not None or not self._same_access:
            entry = self._told(entry)
        if there is not None and are_equal(entry.info or Path(entry.uri), there):
            self._tally.note_equal(entry.size or 0)
            return
        self._transfer(entry, destination, limit)

    def _transfer(self, entry: Entry, destination: str, limit: int) -> None:
        """Copies what the destination does not have."""
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
        self._tally.note_copy(receipt)

    def _note(self, job: TransferJob, progress: Progress) -> None:
        with self._lock:
            self._running[job] = progress.source_bytes

    def _work(self, entry: Entry) -> None:
        try:
            if entry.refused is not None:
                raise UsageError(entry.refused)
            if not self._copied_by_server(entry):
                self._copy_within(entry, self._need(entry), self._job_memory())
        except (AirscoopError, OSError, UnicodeError) as error:
            self._fail(entry, error)

    def _copied_by_server(self, entry: Entry) -> bool:
        """A copy by the server takes no memory; one that turns out to go through here, which takes
        more than it was given, is made again."""
        if not self._by_server or not places.is_s3(entry.uri):
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

    def _fail(self, entry: Entry, error: Exception) -> None:
        """Keeps one object's error; the others go on."""
        known = isinstance(error, AirscoopError)
        self._tally.note_failure(
            CopyFailure(
                source=places.printable(places.displayed(entry.uri)),
                destination=places.printable(self._destination + entry.name),
                error=error.code if isinstance(error, AirscoopError) else "IO",
                message=places.printable(told(error)),
                retryable=known and bool(getattr(error, "retryable", False)),
                committed=getattr(error, "committed", False),
            )
        )

    # --- all of them ---

    def run(
        self,
        source: str,
        entries: Iterator[Entry],
        on_progress: Callable[[Progress], object] | None,
    ) -> PrefixReceipt:
        """Copies the entries as they come; `source` is their name in the receipt."""
        start = last = time.monotonic()
        pending: set[concurrent.futures.Future[None]] = set()
        pool = concurrent.futures.ThreadPoolExecutor(self._jobs, "airscoop-copy")
        try:
            for entry in entries:
                self._tally.found += 1
                pending.add(self._submit(pool, source, entry))
                while len(pending) >= 2 * self._jobs:
                    pending = self._wait(pending)
                if on_progress is not None and time.monotonic() - last > SECONDS_BETWEEN_REPORTS:
                    on_progress(self._progress())
                    last = time.monotonic()
            while pending:
                pending = self._wait(pending)
                if on_progress is not None:
                    on_progress(self._progress())
        except BaseException as error:
            self._stopped.set()
            with self._lock:
                for job in self._running:
                    job.cancel()
            pool.shutdown(wait=True, cancel_futures=True)
            vars(error)["committed"] = None if self._tally.may_be_there else False
            raise
        pool.shutdown()
        return self._tally.receipt(
            source, self._destination, time.monotonic() - start, dry_run=self.DRY_RUN
        )

    def _submit(
        self, pool: concurrent.futures.ThreadPoolExecutor, source: str, entry: Entry
    ) -> concurrent.futures.Future[None]:
        try:
            return pool.submit(self._work, entry)
        except RuntimeError as error:  # "can't start new thread"
            raise FileError(
                f"{source}: the system gives no further thread to copy objects side by side "
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

    def _progress(self) -> Progress:
        tally = self._tally
        with self._lock, tally.lock:
            return Progress(
                source_bytes=tally.source_bytes + tally.equal_bytes + sum(self._running.values()),
                total_bytes=None,
                records=tally.records_in,
                rejected=tally.records_rejected,
                objects=tally.copied + tally.to_copy + tally.equal + tally.failed,
                total_objects=tally.found,
            )
