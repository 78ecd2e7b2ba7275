"""Questions to S3: what lies under a prefix, the facts of an object."""

from __future__ import annotations

from airscoop.aws.storage import ObjectInfo, delete, head, list_objects

__all__ = ["ObjectInfo", "delete", "head", "list_objects"]
