"""The receipt of a grouped count."""

from __future__ import annotations

from dataclasses import dataclass

from airscoop.receipts import Receipt, megabytes

MOST_INPUTS = 1_000  # of a receipt, which goes to XCom


@dataclass(frozen=True, kw_only=True)
class CountedInput:
    """One object that was counted: records = counted + rejected, checked.

    etag: of a source that has one; last_modified: of an object in S3, as its listing says.
    """

    source: str
    records: int
    counted: int
    rejected: int
    source_bytes: int
    etag: str | None
    last_modified: str | None = None


@dataclass(frozen=True, kw_only=True)
class CountedGrouping:
    """One grouping: the records of its groups are all that were counted, checked.

    other_groups, other_records: what is one group beyond `top`.
    """

    name: str
    groups: int
    records: int
    other_groups: int
    other_records: int


@dataclass(frozen=True, kw_only=True, repr=False)
class AggregationReceipt(Receipt):
    """A grouped count: records = counted + rejected, of each object and of all.

    missing, other_type: values of counted records that were NULL because the field was missing or
    null, or was of another type than declared. inputs: the first 1,000 objects; the counts are of
    all. first_reject: where the first rejected record was, and what is wrong with it. rejects: the
    reject file, if one was written. spilled_bytes: written to temporary files.
    """

    MATTERS = (
        "source",
        "objects",
        "records",
        "counted",
        "rejected",
        "missing",
        "other_type",
        "groupings",
    )

    verb: str = "aggregate"
    source: str
    objects: int
    records: int
    counted: int
    rejected: int
    missing: int
    other_type: int
    groupings: list[CountedGrouping]
    inputs: list[CountedInput]
    first_reject: str | None
    rejects: str | None
    source_bytes: int
    text_bytes: int
    spilled_bytes: int
    retries: int

    def summary(self) -> str:
        groups = ", ".join(f"{one.name} {one.groups:,}" for one in self.groupings)
        rejected = ""
        if self.rejected:
            rejected = f", {self.rejected:,} rejected ({self.first_reject})"
        nulls = ""
        if self.missing + self.other_type:
            nulls = f"; NULL: {self.missing:,} missing, {self.other_type:,} of another type"
        return (
            f"{self.source}: {self.objects:,} objects ({megabytes(self.source_bytes)}), "
            f"{self.records:,} records, {self.counted:,} counted{rejected}{nulls}; "
            f"groups: {groups}, {self.seconds:.1f} s"
        )
