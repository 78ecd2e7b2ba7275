"""The last done export of a table, as an item of its own, and the form that the items have.

The item is written with the export's own *done*, in one transaction, and never moves back. A table
of schema 1 has none: it is derived from the records once, and written under the lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airscoop.aws.dynamodb import Action, DynamoTable, Item, Key
from airscoop.errors import UnsupportedFormat
from airscoop.exports.model import version_order

if TYPE_CHECKING:
    from airscoop.exports.registry import ExportRecord

LAST_DONE = "last_done"
# Of all items but what was seen of locks. 1 had no such attribute, and no item LAST_DONE.
SCHEMA = 2
NOT_NEWER = "(attribute_not_exists(#schema) OR #schema <= :schema)"


def refuse_newer(item: Item) -> Item:
    """The item; UnsupportedFormat where an airscoop that comes after this one has written it."""
    found = int(item.get("schema", 1))
    if found > SCHEMA:
        raise UnsupportedFormat(
            f"{item['pk']}: a newer airscoop has written this item of the registry (schema "
            f"{found}; this one knows {SCHEMA}): update airscoop here, too"
        )
    return item


@dataclass(frozen=True, kw_only=True)
class LastDone:
    """version: None where nothing is done."""

    dataset: str
    version: str | None

    @property
    def id(self) -> str:
        """TENANT/TABLE/VERSION."""
        return f"{self.dataset}/{self.version}"

    @property
    def order(self) -> str:
        """Where it stands among the versions; before all of them where nothing is done."""
        return "" if self.version is None else version_order(self.version)

    @property
    def key(self) -> Key:
        """Of the item."""
        return self.dataset, LAST_DONE

    @classmethod
    def kept(cls, table: DynamoTable, dataset: str) -> LastDone | None:
        """What the item says; None where there is no item."""
        item = table.get((dataset, LAST_DONE))
        return None if item is None else cls(dataset=dataset, version=refuse_newer(item)["version"])

    @classmethod
    def among(cls, dataset: str, records: Iterable[ExportRecord]) -> LastDone:
        """What the records say."""
        done = [one.export for one in records if one.state == "done"]
        last = max(done, key=lambda export: export.order, default=None)
        return cls(dataset=dataset, version=None if last is None else last.version)

    def write(self, fence: int, *, over: LastDone | None) -> Action:
        """The item, in place of what was seen; None: of nothing."""
        return Action(
            key=self.key,
            change="SET #version = :version, #order = :order, #fence = :fence, #schema = :schema",
            condition="attribute_not_exists(#pk)" if over is None else "#order = :seen",
            values={
                "version": self.version,
                "order": self.order,
                "fence": fence,
                "schema": SCHEMA,
                "seen": "" if over is None else over.order,
            },
        )

    def stays(self) -> Action:
        """That the item is what it was, whatever else is written."""
        return Action(key=self.key, condition="#order = :seen", values={"seen": self.order})
