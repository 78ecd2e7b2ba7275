"""What the methods of the registry take, by the names of their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from airscoop import kinds
from airscoop.exports.last_done import LastDone
from airscoop.exports.lease import Lease
from airscoop.exports.model import Export


def _where(value: Any, name: str) -> tuple[str, str | bool]:
    match value:
        case (str(), str() | bool()):
            return cast("tuple[str, str | bool]", value)
    kinds.refuse(name, "an attribute and its value", value)


_TEXTS = (
    *("table", "endpoint_url", "region", "profile", "export_id", "dataset", "after", "before"),
    *("previous", "message", "error", "code"),
)
OF_NAMES: kinds.Kinds = {
    **dict.fromkeys(_TEXTS, kinds.TEXT),
    **dict.fromkeys(("offset", "first"), kinds.whole()),
    "where": kinds.Kind(_where),
    "delete_ratio": kinds.number(0, 1),
    "export": kinds.instance(Export, "an Export"),
    "receipt": kinds.instance(Mapping, "a receipt as a mapping"),
    "lease": kinds.instance(Lease, "a Lease"),
    "last": kinds.instance(LastDone, "a LastDone"),
}
