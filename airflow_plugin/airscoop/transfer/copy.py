"""The verbs that move the bytes of one source: copy, check, read."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from airscoop._native import Transfer, default_memory_limit
from airscoop.aws.settings import S3Settings
from airscoop.errors import UsageError
from airscoop.receipts.transfer import CopyReceipt
from airscoop.transfer import places
from airscoop.transfer.csv_dialect import CsvDialect
from airscoop.transfer.login import Auth, Body
from airscoop.transfer.naming import destination_for, format_to_check
from airscoop.transfer.object_options import ObjectOptions
from airscoop.transfer.options import (
    Checksum,
    Compression,
    Format,
    InvalidCharacters,
    KeyCase,
    Nonfinite,
    TrailingGarbage,
    TransferOptions,
    place,
)
from airscoop.transfer.outcome import note_commit, receipt_of
from airscoop.transfer.web import TimeoutGiven

if TYPE_CHECKING:
    from airscoop._native import TransferFacts
    from airscoop.transfer.arguments import SourceOptions
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


class CopyJob:
    """A copy that can be cancelled from another thread (or a signal handler) while it runs."""

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
        native["show_rejects"] = show_rejects
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
        """Of what was checked, once it is: the first `show_rejects` bad records, as a reject file
        has them."""
        import json

        return [json.loads(line) for line in self._transfer.rejected().splitlines()]

    def cancel(self) -> None:
        """Makes `run` take everything back and end in Cancelled, within about 3 s."""
        self._transfer.cancel()

    def run(self, *, on_progress: Callable[[Progress], object] | None = None) -> CopyReceipt:
        """Runs to the end; `on_progress` is called about once a second, on this thread."""
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
        options.destination or "-",
        split_bytes=options.split_bytes or 0,
        split_replace=options.split_replace,
        compression=options.compression,
        compression_level=options.compression_level,
        checksum=options.checksum,
        destination_s3=options.destination_s3,
        object_options=options.object_options,
        overwrite=options.overwrite,
        memory_limit=(options.memory_limit or default_memory_limit()) - READING_MEMORY,
        ca_file=options.ca_file,
    )


def _progress(facts: TransferFacts) -> Progress:
    total = facts["source_total_bytes"]
    return Progress(
        source_bytes=facts["source_bytes"],
        total_bytes=None if total < 0 else total,
        records=facts["records_in"],
        rejected=facts["records_rejected"],
    )


def copy(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    format: Format = "raw",
    compression: Compression = "auto",
    compression_level: int | None = None,
    allow_plain: bool = False,
    trailing_garbage: TrailingGarbage = "reject",
    checksum: Checksum = "crc32c",
    max_rejected: int = 0,
    rejects: str | os.PathLike[str] | None = None,
    max_record_bytes: int | None = None,
    invalid_characters: InvalidCharacters = "reject",
    nonfinite: Nonfinite = "reject",
    key_case: KeyCase = "reject",
    records: str | None = None,
    csv: CsvDialect | None = None,
    columns: Sequence[str] | None = None,
    allow_unknown_length: bool = False,
    version_id: str | None = None,
    timeout: TimeoutGiven | None = None,
    retry_seconds: float | None = None,
    restarts: int | None = None,
    headers: Mapping[str, str] | None = None,
    auth: Auth | None = None,
    body: Body | None = None,
    idempotent: bool = False,
    server_side: bool = True,
    split_bytes: int | None = None,
    split_replace: bool = False,
    memory_limit: int | None = None,
    overwrite: bool = True,
    object_options: ObjectOptions | None = None,
    source_s3: S3Settings | None = None,
    destination_s3: S3Settings | None = None,
    ca_file: str | None = None,
    resume: ResumeStore | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> CopyReceipt:
    """Copies one source to one destination; the destination appears whole or not at all.

    Sources are http(s)://, s3://, a path or "-"; destinations s3://, a path or "-". A destination
    that ends in "/" takes the source's name.

    With `compression` "auto" the two names say what becomes of the bytes. Gzip data (.gz, .tgz,
    .svgz …) for a gzip name is kept; for another one it is inflated where the rest of its name has
    that one's suffix (x.json.gz to y.json), else kept. Anything else is packed where the
    destination's name ends in .gz, unless it is gzip data already, else kept. "keep" keeps the
    bytes unjudged, with "gzip" what arrives is gzip data, with "none" it is none. The receipt says
    "kept", "inflated" or "packed". A source whose name says gzip and whose content does not is
    refused, unless `allow_plain`. Bytes behind the end of gzip data end the copy, unless
    `trailing_garbage` is "ignore": then they are cut where the text is read, and kept where the
    file is.

    With `format` "jsonl" every record is checked to be strict JSON, with
    "python-literal" it is made JSON; "json-array" takes the elements of a document's array (with
    `records`, a path such as "result.items", of one inside it), "json-values" values that follow
    one another over any lines. "csv" is read as `csv` says and written as RFC 4180 says: commas,
    double quotes where they are needed, UTF-8; of a text without a header `columns` names the
    columns. A bad record ends the copy, unless `max_rejected` allows for it: then it goes to
    `rejects` (by default `_rejects/` at the root of the destination's prefix).

    A record in which two keys of one object, at any depth, are equal but for case (A to Z equal a
    to z) is bad, because warehouses fold them; `key_case` "rename" numbers the later ones (`Name`,
    `name_2`), "keep" lets them pass.

    An object is written with a `checksum` of each part and of the whole, which S3 compares:
    "crc32c", "crc64nvme", or "none" for servers that know neither. `object_options` give it
    encryption, storage class, tags and more. With `overwrite` False a destination that is there
    already, object or file, is kept and PreconditionFailed is raised.

    From S3 to S3 with the same settings, format "raw" and bytes that stay as they are, the server
    copies by itself, with the source's metadata, and the bytes are not looked at; `server_side`
    False reads and checks them.

    `version_id` is a version of a source in S3, instead of the newest.

    With `resume`, a store of airscoop.resume, a copy to S3 that was killed, or failed in a way that
    another try may mend, leaves its upload; the next copy with the same store, source and options
    goes on with it.

    With `split_bytes` the output goes to several files of about that size each (of what is written,
    so compressed), cut at line ends and named x-00000.json.gz and so on for x.json.gz. All are sent
    before the first appears, and appear one after the other; files of an earlier run that are too
    many are removed then. The receipt lists both. A file under such a name, or under x.json.gz
    itself, of which nothing proves that such a run wrote it raises PreconditionFailed before
    anything appears; with `split_replace` it is replaced or removed.

    `timeout` is a number of seconds for the whole, or Timeouts. A web source that answers 429, 500,
    502, 503 or 504, or whose connection is lost, is tried again after 1, 2, 4 … s, which together
    are at most `retry_seconds` (30; 0: none) of one outage; Retry-After is obeyed up to 60 s. Where
    the rest of a broken answer cannot be asked for, the source is read from its start again,
    `restarts` times (2), as long as nothing of it is visible.

    `headers` and `auth` (("user", "password"), "Bearer TOKEN" or "netrc") are sent to the scheme,
    host and port of a web source's address alone, also where it redirects elsewhere. With a `body`
    (a text, or what becomes JSON) it is asked for by a POST, which is sent once: after its first
    byte went out nothing is tried again, unless it is `idempotent`.

    Raises a subclass of airscoop.errors.AirscoopError; nothing is left behind then.
    """
    where = place(source, "source")
    options = TransferOptions(
        source=where,
        destination=destination_for(where, place(destination, "destination")),
        format=format,
        compression=compression,
        compression_level=compression_level,
        allow_plain=allow_plain,
        trailing_garbage=trailing_garbage,
        checksum=checksum,
        max_rejected=max_rejected,
        rejects=rejects,
        max_record_bytes=max_record_bytes,
        invalid_characters=invalid_characters,
        nonfinite=nonfinite,
        key_case=key_case,
        records=records,
        csv=csv,
        columns=columns,
        allow_unknown_length=allow_unknown_length,
        version_id=version_id,
        timeout=timeout,
        retry_seconds=retry_seconds,
        restarts=restarts,
        headers=headers,
        auth=auth,
        body=body,
        idempotent=idempotent,
        server_side=server_side,
        split_bytes=split_bytes,
        split_replace=split_replace,
        memory_limit=memory_limit,
        overwrite=overwrite,
        object_options=object_options or ObjectOptions(),
        source_s3=source_s3 or S3Settings(),
        destination_s3=destination_s3 or S3Settings(),
        ca_file=ca_file,
    )
    return CopyJob(options, resume=resume).run(on_progress=on_progress)


def check(
    source: str | os.PathLike[str],
    *,
    format: Format | None = None,
    max_rejected: int = 0,
    source_s3: S3Settings | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[SourceOptions],
) -> CopyReceipt:
    """Reads a source to its proven end and checks every record; writes nothing.

    `format` None is "csv" for a name that ends in .csv (.csv.gz), and with `csv`; else "jsonl".
    """
    where = place(source, "source")
    job = CopyJob(
        TransferOptions(
            source=where,
            format=format or format_to_check(where, options.get("csv")),
            max_rejected=max_rejected,
            source_s3=source_s3 or S3Settings(),
            **options,
        ),
        verb="check",
    )
    return job.run(on_progress=on_progress)


def read(
    source: str | os.PathLike[str],
    *,
    format: Format = "raw",
    source_s3: S3Settings | None = None,
    **options: Unpack[SourceOptions],
) -> Iterator[bytes]:
    """Yields the source's bytes, inflated and checked, in blocks of some 256 KiB.

    The blocks are true only once the iterator has ended: an error may come after any of them.
    Leaving the iteration early closes the connection.
    """
    transfer = Transfer(
        TransferOptions(
            source=place(source, "source"),
            format=format,
            source_s3=source_s3 or S3Settings(),
            **options,
        ).native(),
        to_memory=True,
    )
    with transfer:
        while block := transfer.read():
            yield block
