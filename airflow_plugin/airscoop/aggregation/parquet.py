"""Groups as Parquet, by pyarrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airscoop.errors import UsageError

if TYPE_CHECKING:
    from airscoop.aggregation.result import Groups
    from airscoop.transfer.upload import OwnedUpload

ROW_GROUP_BYTES = 8 << 20  # as Arrow, before it is written


class _Sink:
    """What pyarrow writes to: the upload, which others commit."""

    closed = False

    def __init__(self, upload: OwnedUpload) -> None:
        self._upload = upload

    def write(self, data: Any) -> int:
        return self._upload.write(memoryview(data))

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self.closed = True


def write_parquet(groups: Groups, upload: OwnedUpload, check: Callable[[], object]) -> None:
    """Writes all groups, snappy-compressed, in row groups of some megabytes."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            "Parquet is written by pyarrow, which is not installed: pip install pyarrow, or give "
            'format="jsonl"'
        ) from error
    reader = pyarrow.RecordBatchReader.from_stream(groups)
    with parquet.ParquetWriter(_Sink(upload), reader.schema, compression="snappy") as writer:
        waiting: list[Any] = []
        for batch in reader:
            check()
            waiting.append(batch)
            if sum(each.nbytes for each in waiting) >= ROW_GROUP_BYTES:
                writer.write_table(pyarrow.Table.from_batches(waiting))
                waiting = []
        if waiting:
            writer.write_table(pyarrow.Table.from_batches(waiting))
