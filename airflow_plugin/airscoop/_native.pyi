"""Types of the C engine's binding."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Self, TypedDict

from _typeshed import ReadableBuffer, WriteableBuffer

from airscoop.receipts.prefix import PrefixReceipt

Resumed = Literal["bytes", "parts", "restarted"]
Handling = Literal["kept", "inflated", "packed"]

class TransferFacts(TypedDict):
    source_bytes: int
    text_bytes: int
    destination_bytes: int
    records_in: int
    records_out: int
    records_rejected: int
    blank_lines: int
    gzip_members: int
    bom_stripped: bool
    source_etag: str
    etag: str
    checksum: str
    source_total_bytes: int
    parts: int
    retries: int
    rejects_written: bool
    unchanged: bool
    restarted: bool
    server_side: bool
    server_side_refused: str
    records_changed: int
    parts_kept: str
    resumed: Resumed | None
    resumed_bytes: int
    compression: Handling | None
    gzip_unnamed: bool
    gzip_inside: bool
    decoded: bool
    trailing_garbage_bytes: int
    source_identity: str
    source_seekable: bool
    restarts: int
    metadata_lost: str
    first_reject: str

class Transfer:
    def __init__(
        self,
        options: dict[str, Any],
        *,
        to_memory: bool = False,
        engine_of: Reader | None = None,
    ) -> None: ...
    def take_up(
        self,
        *,
        upload_id: str,
        source: str,
        parts: list[tuple[int, int, str, str]],
        kept_parts: int,
        kept_bytes: int,
        kept_checksum: int,
        keep: bool,
    ) -> None: ...
    def mark(self) -> tuple[int, int, int, str]: ...
    def rejected(self) -> bytes: ...
    def run(
        self,
        progress: Callable[[], object] | None,
        on_upload: Callable[[str, str, bool, bool], object] | None = None,
        /,
    ) -> TransferFacts: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes | bytearray | memoryview, /) -> int: ...
    def write_changes(self, changes: Changes, /) -> int: ...
    def seal(self) -> TransferFacts: ...
    def commit(self) -> TransferFacts: ...
    def abort(self) -> None: ...
    def cancel(self) -> None: ...
    def facts(self) -> TransferFacts: ...
    def committed(self) -> bool | None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool: ...

class Reader:
    def __init__(self, options: dict[str, Any], identity: str | None) -> None: ...
    def read_into(self, buffer: WriteableBuffer, offset: int, wanted: int, /) -> int: ...
    def expect(self, first: int, length: int, /) -> bool: ...
    def expect_nothing(self) -> None: ...
    def facts(self) -> tuple[int, bool, bool, str]: ...
    def close(self) -> None: ...

class DeltaSideFacts(TypedDict):
    rows: int
    duplicates: int
    source_bytes: int
    text_bytes: int
    etag: str
    retries: int

class DeltaFacts(TypedDict):
    old: DeltaSideFacts
    new: DeltaSideFacts
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    json: bool
    sorted: bool
    spilled_bytes: int

class SchemaChange(TypedDict):
    added: list[str]
    gone: list[str]

class ChangesReader:
    def read(self, at_least: int, /) -> bytes: ...

class Changes:
    def reader(self) -> ChangesReader: ...
    def updated_columns(self) -> list[tuple[str, int]]: ...
    def schema_change(self) -> SchemaChange: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

class Delta:
    def __init__(
        self,
        old: tuple[dict[str, Any], ...],
        new: tuple[dict[str, Any], ...],
        keys: tuple[str, ...],
        *,
        format: int,
        keep_last: bool,
        empty_keys: bool,
        schema_change: int,
        drop_gone: bool,
        any_case: bool,
        numbers_by_value: bool,
        max_delete_ratio: float,
        max_update_ratio: float | None,
        min_rows: int,
        memory_limit: int,
        temp_dir: str | None,
        version: str | None,
        stamp: str | None,
    ) -> None: ...
    def run(self, progress: Callable[[], object] | None, /) -> DeltaFacts: ...
    def facts(self) -> DeltaFacts: ...
    def changes(self) -> Changes: ...
    def cancel(self) -> None: ...

class AggregateFacts(TypedDict):
    records: int
    counted: int
    rejected: int
    missing: int
    other_type: int
    source_bytes: int
    text_bytes: int
    spilled_bytes: int
    retries: int
    first_reject: str

class CountedSourceFacts(TypedDict):
    records: int
    counted: int
    rejected: int
    source_bytes: int
    text_bytes: int
    retries: int
    etag: str

class GroupingFacts(TypedDict):
    name: str
    groups: int
    records: int
    other_groups: int
    other_records: int

class GroupsReader:
    def read(self, at_least: int, /) -> bytes: ...

class Aggregated:
    def facts(self) -> list[GroupingFacts]: ...
    def reader(self, grouping: int, /) -> GroupsReader: ...
    def arrow(self, grouping: int, /) -> object: ...

class Aggregate:
    def __init__(
        self,
        groupings: tuple[tuple[str, tuple[tuple[str, int, str], ...]], ...],
        measures: tuple[tuple[int, tuple[str | None, int, str]], ...],
        *,
        reject_missing: bool,
        reject_other_type: bool,
        top: int,
        max_rejected: int,
        keep_rejects: bool,
        memory_limit: int,
        temp_dir: str | None,
    ) -> None: ...
    def add(self, source: dict[str, Any], /) -> None: ...
    def count(self, progress: Callable[[], object] | None, /) -> CountedSourceFacts: ...
    def finish(self, progress: Callable[[], object] | None, /) -> Aggregated: ...
    def facts(self) -> AggregateFacts: ...
    def rejects(self) -> bytes: ...
    def cancel(self) -> None: ...

class PublishFacts(TypedDict):
    changes: int
    skipped: int
    acknowledged: int
    sent: int
    sent_bytes: int
    retried: int
    throttled: int
    calls: int
    in_flight: int
    window: int
    source_bytes: int
    source_total_bytes: int
    source_retries: int
    source_etag: str
    open_shards: int
    max_record_bytes: int
    shards: dict[str, int]

class Publish:
    def __init__(
        self,
        options: dict[str, Any],
        stream: str,
        *,
        start_at: int,
        any_order: bool,
        retry_ms: int,
        max_in_flight: int,
        max_age_ms: int,
    ) -> None: ...
    def run(self, progress: Callable[[], object] | None, /) -> PublishFacts: ...
    def facts(self) -> PublishFacts: ...
    def cancel(self) -> None: ...
    def allow_until(self, until_ms: int, /) -> None: ...

class InsertCounts(TypedDict):
    scanned: int
    duplicates: int
    already_there: int
    inserted: int
    replaced: int
    attempts: int

class ApplyFacts(TypedDict):
    changes: tuple[int, int, int]
    applied: tuple[int, int, int]
    already_applied: bool
    json_texts: Literal["value", "parse"]
    digest: str
    etag: str
    source_bytes: int
    text_bytes: int
    retries: int
    attempts: int

class Session:
    def __new__(
        cls,
        conninfo: dict[str, str] | str,
        *,
        dialect: str,
        ca_file: str | None,
        label: str | None,
        lock_timeout_ms: int,
        statement_timeout_ms: int,
        on_wait: Callable[[str], object],
    ) -> Self: ...
    def connect(self) -> None: ...
    def execute(
        self, sql: str, parameters: tuple[str | None, ...], /
    ) -> list[tuple[str | None, ...]]: ...
    def query_open(
        self, sql: str, parameters: tuple[str | None, ...], /
    ) -> tuple[int, list[tuple[str, int, int]]]: ...
    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def query_next(self, query: int, /) -> list[tuple[str | None, ...]]: ...
    def query_arrow(self, query: int, /) -> object: ...
    def query_failure(self) -> BaseException | None: ...
    def query_close(self, query: int, /) -> None: ...
    def partitions(self, table: str, /) -> list[tuple[dict[str, str], str]]: ...
    def add_partitions(
        self, table: str, partitions: list[tuple[dict[str, str], str]], /
    ) -> list[str]: ...
    def insert_distinct(
        self,
        *,
        source: str,
        target: str,
        columns: tuple[str, ...],
        key: tuple[str, ...],
        order_by: tuple[str, ...],
        replace: bool,
        partition: dict[str, str],
        expected_records: int,
        min_records: int,
        objects: tuple[str, ...],
        load_source: str | None,
        load_etag: str | None,
        load_object: str | None,
        dag_id: str | None,
        run_id: str | None,
        task_id: str | None,
        try_number: str | None,
        dry_run: bool,
    ) -> InsertCounts: ...
    def apply(
        self,
        *,
        changes: dict[str, Any],
        table: str,
        key: tuple[str, ...],
        ignored: tuple[str, ...],
        expected_changes: int,
        json_texts: int,
        again: bool,
        source: str | None,
        dag_id: str | None,
        run_id: str | None,
        task_id: str | None,
        try_number: str | None,
        before_commit: Callable[[], object] | None,
        dry_run: bool,
    ) -> ApplyFacts: ...
    def init(self, grantees: tuple[str, ...], /) -> tuple[list[tuple[str, int, int]], str]: ...
    def refresh(self, view: str, /) -> None: ...
    def run_script(self, path: str, variables: dict[str, str], /) -> int: ...
    def read_script(self, path: str, variables: dict[str, str], /) -> list[str]: ...
    def cancel(self) -> None: ...
    def close(self) -> bool: ...

def list_page(
    options: dict[str, Any],
    bucket: str,
    prefix: str,
    token: str | None,
    check: Callable[[], object] | None = None,
    /,
) -> tuple[list[tuple[str, int, str, str]], str | None]: ...
def list_uploads(
    options: dict[str, Any],
    bucket: str,
    prefix: str,
    key_marker: str | None,
    upload_marker: str | None,
    /,
) -> tuple[list[tuple[str, str, str]], tuple[str | None, str | None] | None]: ...
def list_parts(
    options: dict[str, Any], bucket: str, key: str, upload_id: str, after: int, /
) -> tuple[list[tuple[int, int, str, str, str]], int | None]: ...
def abort_upload(options: dict[str, Any], bucket: str, key: str, upload_id: str, /) -> None: ...
def head_object(
    options: dict[str, Any],
    bucket: str,
    key: str,
    check: Callable[[], object] | None = None,
    /,
) -> tuple[int, str, str, str]: ...
def delete_object(options: dict[str, Any], bucket: str, key: str, /) -> None: ...
def trace_to_descriptor(descriptor: int, /) -> None: ...
def displayed(place: bytes, /) -> str: ...
def same_bucket(
    bucket: str,
    endpoint_url: str | None,
    region: str | None,
    other_bucket: str,
    other_endpoint_url: str | None,
    other_region: str | None,
    /,
) -> bool | None: ...
def same_place(
    name: bytes,
    endpoint_url: str | None,
    region: str | None,
    other_name: bytes,
    other_endpoint_url: str | None,
    other_region: str | None,
    /,
) -> bool: ...
def web_object(address: bytes, endpoint_url: str | None, region: str | None, /) -> bytes: ...
def default_memory_limit() -> int: ...
def is_split_file(path: str, /) -> bool: ...
def checksum_add(algorithm: str, value: int, data: ReadableBuffer, /) -> int: ...

class AirscoopError(Exception):
    code: str
    retryable: bool
    committed: bool | None
    source_missing: bool
    http_status: int | None
    os_errno: int | None
    sqlstate: str | None
    request_id: str | None
    statements_committed: int | None
    source: str | None
    line: int | None
    byte_offset: int | None
    reason: str | None
    snippet: str | None
    key: str | None
    earlier_line: int | None
    limit_name: str | None
    limit: int | float | None
    old_rows: int | None
    new_rows: int | None
    deleted: int | None
    updated: int | None
    ratio: float | None
    counted: str | None
    expected: int | None
    found: int | None
    added: list[str] | None
    gone: list[str] | None
    holder: str | None
    published: int | None
    start_at: int | None

class AccessError(AirscoopError): ...
class ConflictError(AirscoopError): ...
class DataError(AirscoopError): ...
class TransientError(AirscoopError): ...
class AccessDenied(AccessError): ...
class AlreadyApplied(ConflictError): ...
class BadRecord(DataError): ...
class Cancelled(TransientError): ...
class ConnectionFailed(TransientError): ...
class CorruptData(DataError): ...
class CountMismatch(DataError): ...
class CredentialsExpired(AccessError): ...
class CredentialsMissing(AccessError): ...
class DestinationChanged(ConflictError): ...
class DuplicateKey(DataError): ...
class ExportConflict(ConflictError): ...
class FileError(AccessError): ...
class HttpError(TransientError): ...
class InflationLimit(DataError): ...
class InternalError(AirscoopError): ...
class LeftoverFiles(ConflictError): ...
class LengthUnknown(DataError): ...
class LocalStackFailed(ConflictError): ...
class LockLost(ConflictError): ...
class LockTimeout(TransientError): ...
class MemoryLimit(TransientError): ...
class NotFound(ConflictError): ...
class PartitionConflict(ConflictError): ...

class PrefixIncomplete(TransientError):
    receipt: PrefixReceipt

class ProtocolError(TransientError): ...
class SchemaChanged(DataError): ...
class SerializationConflict(TransientError): ...
class SourceChanged(TransientError): ...
class SqlError(ConflictError): ...
class StaleExport(ConflictError): ...
class StreamNotReady(ConflictError): ...
class SuspectExport(DataError): ...
class Throttled(TransientError): ...
class TimedOut(TransientError): ...
class TlsError(AccessError): ...
class TooFewRecords(DataError): ...
class TooLarge(DataError): ...
class TooManyRejected(DataError): ...
class TrailingGarbage(DataError): ...
class Truncated(DataError): ...
class UnsupportedFormat(DataError): ...
class UsageError(AirscoopError): ...
class WrongExportState(ConflictError): ...
class WrongVersion(ConflictError): ...
class PlaceNotFound(NotFound, FileNotFoundError): ...
class PlaceAccessDenied(AccessDenied, PermissionError): ...
class PlaceExists(ConflictError, FileExistsError): ...
