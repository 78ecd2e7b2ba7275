"""Multipart uploads that nobody finished: listed, and cleaned."""

from __future__ import annotations

from airscoop.transfer.leftover_uploads import (
    ListedUpload,
    OpenUpload,
    UploadedPart,
    UploadsReceipt,
    abort,
    clean,
    list_parts,
    list_uploads,
    show,
)

__all__ = [
    "ListedUpload",
    "OpenUpload",
    "UploadedPart",
    "UploadsReceipt",
    "abort",
    "clean",
    "list_parts",
    "list_uploads",
    "show",
]
