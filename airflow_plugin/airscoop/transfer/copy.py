"""The verbs that move the bytes of one source: copy, check, read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Unpack

from airscoop._native import Transfer
from airscoop.aws.settings import S3Settings
from airscoop.errors import UsageError
from airscoop.receipts.transfer import CopyReceipt
from airscoop.signatures import refuse_unknown, showing
from airscoop.transfer import places
from airscoop.transfer.arguments import COPY_DEFAULTS, CopyOptions, SourceOptions
from airscoop.transfer.job import Progress, TransferJob
from airscoop.transfer.naming import destination_for, format_to_check
from airscoop.transfer.options import Format, TransferOptions, place

if TYPE_CHECKING:
    from airscoop.transfer.resume import ResumeStore


class CopyJob(TransferJob):
    """A copy that can be cancelled from another thread (or a signal handler) while it runs.

    It takes what `copy` takes.
    """

    @showing(CopyOptions, COPY_DEFAULTS)
    def __init__(
        self,
        source: str | os.PathLike[str],
        destination: str | os.PathLike[str],
        *,
        resume: ResumeStore | None = None,
        **options: Unpack[CopyOptions],
    ) -> None:
        refuse_unknown("CopyJob.__init__", options, COPY_DEFAULTS)
        where = place(source, "source")
        if places.is_prefix(where):
            raise UsageError(
                f"{where} stands for all that is below it, and copy takes one: use copy_prefix"
            )
        to = destination_for(where, place(destination, "destination"))
        super().__init__(TransferOptions.of(source=where, destination=to, **options), resume=resume)


@showing(CopyOptions, COPY_DEFAULTS)
def copy(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    resume: ResumeStore | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[CopyOptions],
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
    `on_trailing_garbage` is "ignore": then they are cut where the text is read, and kept where the
    file is.

    `format` "auto" is "raw", bytes as they are, or "csv" with `csv`. With "jsonl" every record is
    checked to be strict JSON, with "python-literal" it is made JSON; "json-array" takes the
    elements of a document's array (with `records`, a path such as "result.items", of one inside
    it), "json-values" values that follow one another over any lines. "csv" is read as `csv` says
    and written as RFC 4180 says: commas, double quotes where they are needed, UTF-8; of a text
    without a header `columns` names the columns. A bad record ends the copy, unless `max_rejected`
    allows for it: then it goes to `rejects` (by default `_rejects/` at the root of the
    destination's prefix). Where fewer than `min_records` would be written, nothing is, and
    TooFewRecords is raised; copy_prefix asks that of each object.

    A record in which two keys of one object, at any depth, are equal but for case (A to Z equal a
    to z) is bad, because warehouses fold them; `on_key_case` "rename" numbers the later ones
    (`Name`, `name_2`), "keep" lets them pass.

    An object is written with a `checksum` of each part and of the whole, which S3 compares:
    "crc32c", "crc64nvme", or "none" for servers that know neither. `object_options` give it
    encryption, storage class, tags and more. With `overwrite` False a destination that is there
    already, object or file, is kept and PlaceExists is raised.

    `s3` says how S3 is reached, and `source_s3` and `destination_s3`, in its place, how each end is
    where they differ. From S3 to S3 with the same settings, format "raw" and bytes that stay as
    they are, the server copies by itself, with the source's metadata, and the bytes are not looked
    at; `server_side` False reads and checks them.

    `version_id` is a version of a source in S3, instead of the newest.

    With `resume`, a store of airscoop.resume, a copy to S3 that was killed, or failed in a way that
    another try may mend, leaves its upload; the next copy with the same store, source and options
    goes on with it.

    With `split_bytes` the output goes to several files of about that size each (of what is written,
    so compressed), cut at line ends and named x-00000.json.gz and so on for x.json.gz. All are sent
    before the first appears, and appear one after the other; files of an earlier run that are too
    many are removed then. The receipt lists both. A file under such a name, or under x.json.gz
    itself, of which nothing proves that such a run wrote it raises PlaceExists before
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
    refuse_unknown("copy", options, COPY_DEFAULTS)
    return CopyJob(source, destination, resume=resume, **options).run(on_progress=on_progress)


def check(
    source: str | os.PathLike[str],
    *,
    format: Format = "auto",
    max_rejected: int = 0,
    s3: S3Settings | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[SourceOptions],
) -> CopyReceipt:
    """Reads a source to its proven end and checks every record; writes nothing.

    `format` "auto" is "csv" for a name that ends in .csv (.csv.gz), and with `csv`; else "jsonl".
    """
    refuse_unknown("check", options, SourceOptions.__annotations__)
    where = place(source, "source")
    job = TransferJob(
        TransferOptions.of(
            source=where,
            format=format_to_check(where, format, options.get("csv")),
            max_rejected=max_rejected,
            s3=s3,
            **options,
        ),
        verb="check",
    )
    return job.run(on_progress=on_progress)


def read(
    source: str | os.PathLike[str],
    *,
    format: Format = "auto",
    s3: S3Settings | None = None,
    **options: Unpack[SourceOptions],
) -> Iterator[bytes]:
    """Yields the source's bytes, inflated and checked, in blocks of some 256 KiB.

    `format` "auto" is "raw", bytes as they are, or "csv" with `csv`.

    The blocks are true only once the iterator has ended: an error may come after any of them.
    Leaving the iteration early closes the connection.
    """
    refuse_unknown("read", options, SourceOptions.__annotations__)
    given = TransferOptions.of(source=place(source, "source"), format=format, s3=s3, **options)
    return _blocks(Transfer(given.native(), to_memory=True))


def _blocks(transfer: Transfer) -> Iterator[bytes]:
    with transfer:
        while block := transfer.read():
            yield block
