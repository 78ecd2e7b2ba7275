"""One transfer under way: how far it is, its end, and how it is cancelled."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airscoop import kinds
from airscoop._native import Transfer, default_memory_limit
from airscoop.errors import UsageError
from airscoop.receipts.transfer import CopyReceipt
from airscoop.transfer import places
from airscoop.transfer.options import TransferOptions
from airscoop.transfer.outcome import note_commit, receipt_of

if TYPE_CHECKING:
    from airscoop._native import TransferFacts
    from airscoop.transfer.resume import ResumeStore, Resumption
    from airscoop.transfer.split import SplitUpload


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a transfer is. `total_bytes` is the source's size, None when unknown.

    `objects` counts those that a copy of a prefix is done with, of `total_objects` known so far.
    """

    source_bytes: int
    total_bytes: int | None
    records: int
    rejected: int
    objects: int | None = None
    total_objects: int | None = None


class TransferJob:
    """One transfer, of a verb of this package, that another thread can cancel while it runs."""

    def __init__(
        self,
        options: TransferOptions,
        *,
        verb: str = "copy",
        resume: ResumeStore | None = None,
        last_try: bool = False,
        show_rejects: int = 0,
    ) -> None:
        self._options = options
        self._verb = verb
        native = options.native() if options.split_bytes is None else reading(options).native()
        native["show_rejects"] = self._show_rejects = show_rejects
        self._start = time.monotonic()
        self._transfer: Transfer = Transfer(native, to_memory=options.split_bytes is not None)
        self._resumption = None
        whole = options.split_bytes is None
        if resume is not None and not hasattr(resume, "save"):
            raise UsageError(
                "resume takes a store, such as airscoop.resume.FileResumeStore(path),"
                f" not {type(resume).__name__}"
            )
        if whole and resume is not None and places.is_s3(options.destination or ""):
            from airscoop.transfer.resume import Resumption

            self._resumption = Resumption(resume, options, native, last_try=last_try)

    def rejected(self) -> list[dict[str, Any]]:
        """Once it has ended, well or not: the first `show_rejects` bad records, as a reject file
        has them, but for one that ended it."""
        import json

        lines = self._transfer.rejected().splitlines()[: self._show_rejects]
        return [json.loads(line) for line in lines]

    def receipt_so_far(self) -> CopyReceipt:
        """What the receipt would be by now, or at the end that an error was."""
        seconds = time.monotonic() - self._start
        return receipt_of(self._verb, self._options, self._transfer.facts(), seconds)

    def left_behind(self) -> dict[str, str]:
        """The upload that is there as long as this runs, or after an error for a later try; empty
        where there is none, or where no store was given."""
        return {} if self._resumption is None else self._resumption.left_behind()

    def cancel(self) -> None:
        """Makes `run` take everything back and end in Cancelled, within about 3 s."""
        self._transfer.cancel()

    def run(self, *, on_progress: Callable[[Progress], object] | None = None) -> CopyReceipt:
        """Runs to the end; `on_progress` is called about once a second, on this thread."""
        if on_progress is not None:
            kinds.FUNCTION.read(on_progress, "on_progress")
        if self._options.split_bytes is not None:
            return self._run_split(time.monotonic(), on_progress)
        try:
            return self._run_whole(time.monotonic(), on_progress)
        except BaseException as error:
            note_commit(error, self._transfer)
            raise

    def _run_whole(
        self, start: float, on_progress: Callable[[Progress], object] | None
    ) -> CopyReceipt:
        resumption = self._resumption

        def report() -> None:
            if resumption is not None:
                resumption.progress(self._transfer)
            if on_progress is not None:
                on_progress(_progress(self._transfer.facts()))

        if resumption is None:
            facts = self._transfer.run(report if on_progress is not None else None)
        else:
            facts = self._run_resumable(resumption, report)
        return receipt_of(self._verb, self._options, facts, time.monotonic() - start)

    def _run_split(
        self, start: float, on_progress: Callable[[Progress], object] | None
    ) -> CopyReceipt:
        last = start
        upload = writing(self._options)
        try:
            while block := self._transfer.read():
                upload.write(block)
                if on_progress is not None and time.monotonic() - last > 1:
                    last = time.monotonic()
                    on_progress(_progress(self._transfer.facts()))
            written = upload.commit()
        except BaseException as error:
            vars(error).setdefault("committed", upload.receipt is not None)
            self._transfer.abort()
            upload.abort()
            raise
        read = receipt_of(
            self._verb, self._options, self._transfer.facts(), time.monotonic() - start
        )
        return dataclasses.replace(
            read,
            destination_bytes=written.destination_bytes,
            compression="packed" if written.compression == "packed" else read.compression,
            parts=written.parts,
            retries=read.retries + written.retries,
            etag=None,
            checksum=None,
            unchanged=False,
            files=written.files,
            removed=written.removed,
        )

    def _run_resumable(self, resumption: Resumption, report: Callable[[], object]) -> TransferFacts:
        resumption.begin(self._transfer)
        try:
            facts = self._transfer.run(report, resumption.on_upload)
        except BaseException as error:
            resumption.failed(self._transfer, error)
            raise
        resumption.committed(facts["resumed"])
        facts["resumed"] = facts["resumed"] or resumption.outcome
        return facts


READING_MEMORY = 12 * 2**20  # of a copy to several files; the rest is the writing side's


def reading(options: TransferOptions) -> TransferOptions:
    """The half of a copy to several files that reads and checks."""
    if options.max_rejected > 0 or options.rejects is not None:
        raise UsageError("max_rejected and split_bytes do not go together")
    return dataclasses.replace(
        options,
        destination=None,
        text_for=options.destination,
        compression_level=None,
        memory_limit=READING_MEMORY,
        overwrite=True,
    )


def writing(options: TransferOptions) -> SplitUpload:
    """The half that cuts, compresses and writes."""
    from airscoop.transfer.split import SplitUpload, refuse_source

    refuse_source(options)
    return SplitUpload(
        TransferOptions(
            source="",
            destination=options.destination or "-",
            split_bytes=options.split_bytes or 0,
            split_replace=options.split_replace,
            compression=options.compression,
            compression_level=options.compression_level,
            checksum=options.checksum,
            destination_s3=options.destination_s3,
            object_options=options.object_options,
            overwrite=options.overwrite,
            memory_limit=int(options.memory_limit or default_memory_limit()) - READING_MEMORY,
        )
    )


def _progress(facts: TransferFacts) -> Progress:
    total = facts["source_total_bytes"]
    return Progress(
        source_bytes=facts["source_bytes"],
        total_bytes=None if total < 0 else total,
        records=facts["records_in"],
        rejected=facts["records_rejected"],
    )
