"""The demo's exports: always the same bytes, each a little later than the one before."""

from __future__ import annotations

from pathlib import Path

import airscoop
from airscoop.systems.snapshot_delta.made_data import KEY, KEYS, exports


def test_the_same_arguments_give_the_same_bytes() -> None:
    first, second = list(exports(500, 1)), list(exports(500, 1))
    assert first == second
    assert tuple(export.key for export in first) == KEYS
    assert list(exports(500, 2)) != first


def test_rows_are_inserted_updated_and_deleted_and_the_last_export_is_not_sorted(
    tmp_path: Path,
) -> None:
    paths = []
    for number, export in enumerate(exports(1000, 1)):
        paths.append(tmp_path / f"{number}.csv.gz")
        paths[-1].write_bytes(export.body)
    pairs = zip([None, *paths[:2]], paths, strict=True)
    receipts = [airscoop.delta(old, new, key=[KEY]).receipt for old, new in pairs]
    first, second, third = receipts
    assert (first.inserted, first.sorted, second.sorted, third.sorted) == (1000, True, True, False)
    for receipt in (second, third):
        assert min(receipt.inserted, receipt.updated, receipt.deleted) > 0
        assert receipt.unchanged > 900
