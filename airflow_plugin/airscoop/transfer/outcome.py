"""What became of a transfer: its receipt, and what an error says of the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airscoop.errors import UsageError
from airscoop.receipts.transfer import CopyReceipt
from airscoop.transfer import places

if TYPE_CHECKING:
    from airscoop._native import Transfer, TransferFacts
    from airscoop.transfer.options import TransferOptions


def receipt_of(
    verb: str, options: TransferOptions, facts: TransferFacts, seconds: float
) -> CopyReceipt:
    return CopyReceipt(
        verb=verb,
        seconds=seconds,
        source=places.displayed(options.source),
        destination=places.displayed(options.destination or ""),
        format=options.format,
        source_bytes=facts["source_bytes"],
        text_bytes=facts["text_bytes"],
        destination_bytes=facts["destination_bytes"],
        records_in=facts["records_in"],
        records_out=facts["records_out"],
        records_rejected=facts["records_rejected"],
        first_reject=facts["first_reject"] or None,
        records_changed=facts["records_changed"],
        blank_lines=facts["blank_lines"],
        unchanged=facts["unchanged"],
        restarted=facts["restarted"],
        server_side=facts["server_side"],
        server_side_refused=facts["server_side_refused"] or None,
        gzip_members=facts["gzip_members"],
        compression=facts["compression"] if options.destination or options.text_for else None,
        trailing_garbage_bytes=facts["trailing_garbage_bytes"],
        notes=_notes(facts),
        bom_stripped=facts["bom_stripped"],
        rejects=places.displayed(options.rejects_place() or "")
        if facts["rejects_written"]
        else None,
        etag=facts["etag"] or None,
        checksum=facts["checksum"] or None,
        source_etag=facts["source_etag"] or None,
        parts=facts["parts"],
        parts_kept=facts["parts_kept"] or None,
        resumed=facts["resumed"],
        resumed_bytes=facts["resumed_bytes"],
        metadata_lost=facts["metadata_lost"].splitlines(),
        retries=facts["retries"],
        version_id=options.version_id,
        restarts=facts["restarts"],
    )


def _notes(facts: TransferFacts) -> list[str]:
    notes = []
    if facts["gzip_unnamed"]:
        notes.append(
            "it is gzip data, which its name does not say: "
            'compression="none" (--compression none) inflates it'
        )
    if facts["gzip_inside"]:
        notes.append("what is inside of the gzip data is gzip data again")
    if facts["decoded"]:
        notes.append("the server had encoded it as gzip, which was undone")
    return notes


def note_commit(error: BaseException, transfer: Transfer) -> None:
    """Has an error tell what became of the transfer: it may have come when the engine had ended."""
    try:
        committed = transfer.committed()
    except UsageError:  # in a forked child: the transfer is its parent's
        return
    if committed is False and hasattr(error, "committed"):
        return
    if committed and getattr(error, "committed", False) is not True:
        error.add_note("airscoop: it came when the destination was committed already")
    vars(error)["committed"] = committed
