"""What an object in S3 is given besides its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Encryption = Literal["AES256", "aws:kms", "aws:kms:dsse"]


@dataclass(frozen=True, kw_only=True)
class ObjectOptions:
    """Headers of the object that is written. What is left out is the bucket's default.

    `kms_key_id` (an ARN if the key is another account's) and `bucket_key` belong to "aws:kms". At
    most 10 `tags`. `metadata` are ASCII, at most 2 KB together. The reject file of a copy has its
    encryption only.
    """

    content_type: str | None = None
    encryption: Encryption | None = None
    kms_key_id: str | None = None
    bucket_key: bool = False
    storage_class: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    def native(self) -> dict[str, Any]:
        """The binding's options."""
        return {
            "content_type": self.content_type,
            "encryption": self.encryption,
            "kms_key_id": self.kms_key_id,
            "bucket_key": self.bucket_key,
            "storage_class": self.storage_class,
            "tags": _encoded(self.tags),
            "metadata": _encoded(self.metadata),
        }


def _encoded(pairs: Mapping[str, str]) -> str | None:
    if not pairs:
        return None
    from urllib.parse import quote, urlencode

    return urlencode(pairs, quote_via=quote, safe="")
