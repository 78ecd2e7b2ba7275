# Public signatures, made from the code by `./run docs`; a test says when they are not current.
# A diff of this file is a change of what users may write: see upgrading.md and the changelog.


# airscoop

def aggregate(
    sources: Source,
    *,
    group_by: Mapping[str, Sequence[Any]] = {},
    measures: Mapping[str, str] = {'count': 'count'},
    format: RecordFormat = 'auto',
    on_missing: Missing = 'error',
    on_other_type: OtherType = 'error',
    top: int | None = None,
    max_rejected: int = 0,
    rejects: str | os.PathLike[str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    allow_empty: bool = False,
    on_invalid_characters: InvalidCharacters = 'error',
    on_nonfinite: Nonfinite = 'error',
    on_key_case: KeyCase = 'error',
    records: str | None = None,
    csv: CsvDialect | Mapping[str, Any] | None = None,
    columns: Sequence[str] | None = None,
    allow_unknown_length: bool = False,
    memory_limit: Size | None = None,
    max_record_bytes: Size | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    s3: S3Settings | None = None,
    on_progress: Callable[[AggregateFacts], object] | None = None,
) -> Aggregation: ...
class AggregateJob:
    def __init__(
        self,
        sources: Source,
        *,
        group_by: Mapping[str, Sequence[Any]] = {},
        measures: Mapping[str, str] = {'count': 'count'},
        format: RecordFormat = 'auto',
        on_missing: Missing = 'error',
        on_other_type: OtherType = 'error',
        top: int | None = None,
        max_rejected: int = 0,
        rejects: str | os.PathLike[str] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        allow_empty: bool = False,
        on_invalid_characters: InvalidCharacters = 'error',
        on_nonfinite: Nonfinite = 'error',
        on_key_case: KeyCase = 'error',
        records: str | None = None,
        csv: CsvDialect | Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        allow_unknown_length: bool = False,
        memory_limit: Size | None = None,
        max_record_bytes: Size | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        s3: S3Settings | None = None,
    ) -> None: ...
    def cancel(self) -> None: ...
    def run(
        self,
        *,
        on_progress: Callable[[AggregateFacts], object] | None = None,
    ) -> Aggregation: ...
class Aggregation:
    def __init__(
        self,
        result: Aggregated,
        receipt: AggregationReceipt,
        *,
        rejects: bytes,
        read: ReadPlaces,
        cancellation: Cancellation,
    ) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def rejects(self) -> bytes: ...
    def write(
        self,
        prefix: str | os.PathLike[str],
        *,
        format: GroupFormat = 'parquet',
        s3: S3Settings | None = None,
        before_commit: Callable[[], object] | None = None,
        **options: Unpack[DestinationOptions],
    ) -> dict[str, CopyReceipt]: ...
    def write_rejects(
        self,
        destination: str | os.PathLike[str],
        *,
        s3: S3Settings | None = None,
    ) -> CopyReceipt: ...
class AggregationReceipt:
    def __init__(
        self,
        *,
        verb: str = 'aggregate',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        source: str,
        objects: int,
        records: int,
        counted: int,
        rejected: int,
        missing: int,
        other_type: int,
        groupings: list[CountedGrouping],
        inputs: list[CountedInput],
        first_reject: str | None,
        rejects: str | None,
        source_bytes: int,
        text_bytes: int,
        spilled_bytes: int,
        retries: int,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class AirscoopError(Exception): ...
class ApplyReceipt:
    def __init__(
        self,
        *,
        verb: str = 'apply',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        changes_file: str,
        table: str,
        key: list[str],
        changes: int,
        inserted: int,
        updated: int,
        deleted: int,
        already_applied: bool,
        json_texts: Literal['value', 'parse'],
        digest: str,
        etag: str | None,
        source_bytes: int,
        text_bytes: int,
        retries: int,
        attempts: int,
        dry_run: bool = False,
    ) -> None: ...
    changed: bool
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class AthenaSettings:
    def __init__(
        self,
        *,
        database: str,
        results: str,
        workgroup: str = 'primary',
        aws_conn_id: str | None = None,
        empty_is_null: bool = False,
        poll_seconds: float = 5.0,
    ) -> None: ...
    def connect(self) -> AthenaConnection: ...
    def s3(self) -> S3Settings | None: ...
class Change(TypedDict):
    op: Literal['INSERT', 'UPDATE', 'DELETE']
    key: dict[str, Any]
    row: dict[str, Any]
    changed: NotRequired[list[str]]
    format: NotRequired[Literal['csv']]
    dataset: NotRequired[str]
    version: NotRequired[str]
    previous: NotRequired[str | None]
    changes: NotRequired[int]
    id: str
def check(
    source: str | os.PathLike[str],
    *,
    format: Format = 'auto',
    max_rejected: int = 0,
    s3: S3Settings | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[SourceOptions],
) -> CopyReceipt: ...
def copy(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    format: Format = 'auto',
    compression: Compression = 'auto',
    compression_level: int | None = None,
    allow_plain: bool = False,
    on_trailing_garbage: TrailingGarbage = 'error',
    checksum: Checksum = 'crc32c',
    max_rejected: int = 0,
    min_records: int = 0,
    rejects: str | os.PathLike[str] | None = None,
    max_record_bytes: Size | None = None,
    on_invalid_characters: InvalidCharacters = 'error',
    on_nonfinite: Nonfinite = 'error',
    on_key_case: KeyCase = 'error',
    records: str | None = None,
    csv: CsvDialect | None = None,
    columns: Sequence[str] | None = None,
    allow_unknown_length: bool = False,
    version_id: str | None = None,
    timeout: TimeoutGiven | None = None,
    retry_seconds: float | None = None,
    restarts: int | None = None,
    headers: Mapping[str, str] | None = None,
    auth: Auth | None = None,
    body: Body | None = None,
    idempotent: bool = False,
    server_side: bool = True,
    split_bytes: Size | None = None,
    split_replace: bool = False,
    memory_limit: Size | None = None,
    overwrite: bool = True,
    if_match: str | None = None,
    object_options: ObjectOptions | None = None,
    s3: S3Settings | None = None,
    source_s3: S3Settings | None = None,
    destination_s3: S3Settings | None = None,
    resume: ResumeStore | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> CopyReceipt: ...
def copy_prefix(
    source: Place | Sequence[Place],
    destination: Place,
    *,
    jobs: int = 8,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    filters: Sequence[Filter] = (),
    allow_empty: bool = False,
    dry_run: bool = False,
    memory_limit: kinds.Size | None = None,
    s3: S3Settings | None = None,
    source_s3: S3Settings | None = None,
    destination_s3: S3Settings | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[ObjectCopyOptions],
) -> PrefixReceipt: ...
class CopyJob:
    def __init__(
        self,
        source: str | os.PathLike[str],
        destination: str | os.PathLike[str],
        *,
        format: Format = 'auto',
        compression: Compression = 'auto',
        compression_level: int | None = None,
        allow_plain: bool = False,
        on_trailing_garbage: TrailingGarbage = 'error',
        checksum: Checksum = 'crc32c',
        max_rejected: int = 0,
        min_records: int = 0,
        rejects: str | os.PathLike[str] | None = None,
        max_record_bytes: Size | None = None,
        on_invalid_characters: InvalidCharacters = 'error',
        on_nonfinite: Nonfinite = 'error',
        on_key_case: KeyCase = 'error',
        records: str | None = None,
        csv: CsvDialect | None = None,
        columns: Sequence[str] | None = None,
        allow_unknown_length: bool = False,
        version_id: str | None = None,
        timeout: TimeoutGiven | None = None,
        retry_seconds: float | None = None,
        restarts: int | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        body: Body | None = None,
        idempotent: bool = False,
        server_side: bool = True,
        split_bytes: Size | None = None,
        split_replace: bool = False,
        memory_limit: Size | None = None,
        overwrite: bool = True,
        if_match: str | None = None,
        object_options: ObjectOptions | None = None,
        s3: S3Settings | None = None,
        source_s3: S3Settings | None = None,
        destination_s3: S3Settings | None = None,
        resume: ResumeStore | None = None,
    ) -> None: ...
    def cancel(self) -> None: ...
    def left_behind(self) -> dict[str, str]: ...
    def receipt_so_far(self) -> CopyReceipt: ...
    def rejected(self) -> list[dict[str, Any]]: ...
    def run(self, *, on_progress: Callable[[Progress], object] | None = None) -> CopyReceipt: ...
class CopyReceipt:
    def __init__(
        self,
        *,
        verb: str = 'copy',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        source: str,
        destination: str,
        format: str,
        source_bytes: int,
        text_bytes: int,
        destination_bytes: int,
        records_in: int,
        records_out: int,
        records_rejected: int,
        records_changed: int,
        blank_lines: int,
        unchanged: bool,
        restarted: bool,
        server_side: bool,
        server_side_refused: str | None,
        gzip_members: int,
        bom_stripped: bool,
        rejects: str | None,
        etag: str | None,
        checksum: str | None,
        source_etag: str | None,
        parts: int,
        parts_kept: str | None,
        retries: int,
        restarts: int = 0,
        resumed: Literal['bytes', 'parts', 'restarted'] | None = None,
        resumed_bytes: int = 0,
        files: list[WrittenFile] = ...,
        removed: list[str] = ...,
        version_id: str | None = None,
        metadata_lost: list[str] = ...,
        compression: Literal['kept', 'inflated', 'packed'] | None = None,
        trailing_garbage_bytes: int = 0,
        first_reject: str | None = None,
        notes: list[str] = ...,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class Credentials:
    def __init__(
        self,
        *,
        access_key_id: str,
        secret_access_key: str,
        session_token: str | None = None,
        expires_at: datetime | None = None,
    ) -> None: ...
class CsvDialect:
    def __init__(
        self,
        *,
        delimiter: str | None = None,
        quote: str | None = None,
        escape: str | None = None,
        header: bool = True,
        skip_rows: int = 0,
        encoding: str | None = None,
        null_values: Sequence[str] | None = None,
        comment: str | None = None,
    ) -> None: ...
    def of(cls, dialect: object) -> CsvDialect | None: ...
class Delta:
    def __init__(
        self,
        changes: Changes,
        receipt: DeltaReceipt,
        *,
        stamp: str = '',
        read: Sequence[ReadPlaces] = (),
        cancellation: Cancellation | None = None,
    ) -> None: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __iter__(self) -> Iterator[Change]: ...
    def __len__(self) -> int: ...
    def blocks(self) -> Iterator[bytes]: ...
    def discard(self) -> None: ...
    def write(
        self,
        destination: str | os.PathLike[str],
        *,
        s3: S3Settings | None = None,
        before_commit: Callable[[], object] | None = None,
        **options: Unpack[DestinationOptions],
    ) -> CopyReceipt: ...
def delta(
    old: Source | None,
    new: Source,
    *,
    key: Sequence[str] = ('PK',),
    format: TableFormat = 'auto',
    on_duplicates: Duplicates = 'error',
    on_empty_key: EmptyKey = 'error',
    on_schema_change: SchemaChange = 'error',
    gone_columns: GoneColumns = 'null',
    numbers: Numbers = 'digits',
    on_invalid_characters: InvalidCharacters = 'error',
    on_key_case: KeyCase = 'error',
    max_delete_ratio: float = 0.3,
    max_update_ratio: float | None = None,
    min_rows: int = 1,
    dataset: str | None = None,
    version: str | None = None,
    previous: str | None = None,
    memory_limit: Size | None = None,
    max_record_bytes: Size | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    csv: CsvDialect | Mapping[str, Any] | None = None,
    columns: Sequence[str] | None = None,
    allow_unknown_length: bool = False,
    s3: S3Settings | None = None,
    engine: Engine = 'local',
    athena: AthenaSettings | Mapping[str, Any] | None = None,
    on_progress: Callable[[Any], object] | None = None,
) -> Delta: ...
class DeltaJob:
    def __init__(
        self,
        old: Source | None,
        new: Source,
        *,
        key: Sequence[str] = ('PK',),
        format: TableFormat = 'auto',
        on_duplicates: Duplicates = 'error',
        on_empty_key: EmptyKey = 'error',
        on_schema_change: SchemaChange = 'error',
        gone_columns: GoneColumns = 'null',
        numbers: Numbers = 'digits',
        on_invalid_characters: InvalidCharacters = 'error',
        on_key_case: KeyCase = 'error',
        max_delete_ratio: float = 0.3,
        max_update_ratio: float | None = None,
        min_rows: int = 1,
        dataset: str | None = None,
        version: str | None = None,
        previous: str | None = None,
        memory_limit: Size | None = None,
        max_record_bytes: Size | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        csv: CsvDialect | Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        allow_unknown_length: bool = False,
        s3: S3Settings | None = None,
    ) -> None: ...
    def cancel(self) -> None: ...
    def refuse_destination(
        self,
        destination: str | os.PathLike[str],
        *,
        s3: S3Settings | None = None,
    ) -> None: ...
    def run(self, *, on_progress: Callable[[DeltaFacts], object] | None = None) -> Delta: ...
class DeltaReceipt:
    def __init__(
        self,
        *,
        verb: str = 'delta',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        old: str | None,
        new: str,
        key: list[str],
        columns_added: list[str] = ...,
        columns_gone: list[str] = ...,
        format: Literal['csv', 'jsonl'],
        old_rows: int,
        new_rows: int,
        inserted: int,
        updated: int,
        updated_columns: dict[str, int] | None = None,
        deleted: int,
        unchanged: int,
        old_duplicates: int,
        new_duplicates: int,
        sorted: bool,
        spilled_bytes: int,
        old_etag: str | None,
        new_etag: str | None,
        source_bytes: int,
        text_bytes: int,
        retries: int,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class Groups:
    def __init__(
        self,
        result: Aggregated,
        number: int,
        counted: CountedGrouping,
        *,
        read: ReadPlaces,
        cancellation: Cancellation,
    ) -> None: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __iter__(self) -> Iterator[dict[str, Any]]: ...
    def __len__(self) -> int: ...
    def begin(
        self,
        stack: ExitStack,
        destination: str | os.PathLike[str],
        *,
        format: GroupFormat | None = None,
        s3: S3Settings | None = None,
        **options: Unpack[DestinationOptions],
    ) -> OwnedUpload: ...
    def blocks(self) -> Iterator[bytes]: ...
    def write(
        self,
        destination: str | os.PathLike[str],
        *,
        format: GroupFormat | None = None,
        s3: S3Settings | None = None,
        **options: Unpack[DestinationOptions],
    ) -> CopyReceipt: ...
class InitReceipt:
    def __init__(
        self,
        *,
        verb: str = 'init',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        versions: dict[str, int],
        made: list[str],
        brought_forward: list[str],
        granted_to: list[str],
        left: list[str],
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class InsertReceipt:
    def __init__(
        self,
        *,
        verb: str = 'insert',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        source: str,
        target: str,
        partition: dict[str, str],
        mode: str,
        scanned: int,
        duplicates: int,
        already_there: int,
        inserted: int,
        replaced: int,
        attempts: int,
        dry_run: bool = False,
    ) -> None: ...
    changed: bool
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class KinesisSettings:
    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        credentials_provider: CredentialsProvider | None = None,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        proxies: Mapping[str, str | None] | None = None,
        ca_file: str | None = None,
        timeout: Timeouts | Mapping[str, Any] | None = None,
    ) -> None: ...
    needs_credentials: bool
    def resolved(self) -> Self: ...
class LoadContext:
    def __init__(
        self,
        *,
        source: str | None = None,
        etag: str | None = None,
        object: str | None = None,
        dag_id: str | None = None,
        run_id: str | None = None,
        task_id: str | None = None,
        try_number: int | None = None,
    ) -> None: ...
    def texts(self) -> dict[str, str | None]: ...
class ObjectOptions:
    def __init__(
        self,
        *,
        content_type: str | None = None,
        encryption: Encryption | None = None,
        kms_key_id: str | None = None,
        bucket_key: bool = False,
        storage_class: str | None = None,
        acl: str | None = None,
        cache_control: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_language: str | None = None,
        expires: datetime | str | None = None,
        tags: Mapping[str, str] = ...,
        metadata: Mapping[str, str] = ...,
    ) -> None: ...
    def native(self) -> dict[str, Any]: ...
def open(
    uri: str | os.PathLike[str] | int,
    mode: str = 'r',
    *,
    s3: S3Settings | None = None,
    closefd: bool = True,
    allow_unknown_length: bool = False,
    allow_plain: bool = False,
    on_trailing_garbage: TrailingGarbage = 'error',
    version_id: str | None = None,
    timeout: TimeoutGiven | None = None,
    retry_seconds: float | None = None,
    restarts: int | None = None,
    headers: Mapping[str, str] | None = None,
    auth: Auth | None = None,
    body: Body | None = None,
    idempotent: bool = False,
    compression_level: int | None = None,
    memory_limit: Size | None = None,
    overwrite: bool = True,
    object_options: ObjectOptions | None = None,
    split_bytes: Size | None = None,
    split_replace: bool = False,
    compression: Compression = 'auto',
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
) -> TextReader | Reader | TextWriter | Writer: ...
class Partition:
    def __init__(self, *, values: Mapping[str, str], location: str | None = None) -> None: ...
class PartitionReceipt:
    def __init__(
        self,
        *,
        verb: str = 'partition',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        table: str,
        partitions: list[PartitionResult],
        added: int,
        moved: int,
        unchanged: int,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class PrefixIncomplete(TransientError): ...
class PrefixReceipt:
    def __init__(
        self,
        *,
        verb: str = 'copy_prefix',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        source: str,
        destination: str,
        objects: int,
        copied: int,
        equal: int,
        failed: int,
        markers: int,
        source_bytes: int,
        destination_bytes: int,
        equal_bytes: int,
        copies: list[CopyReceipt],
        failures: list[CopyFailure],
        metadata_lost: int = 0,
        metadata_lost_examples: list[str] = ...,
        records_rejected: int = 0,
        reject_examples: list[str] = ...,
        dry_run: bool = False,
        to_copy: int = 0,
        to_copy_bytes: int = 0,
        planned: list[PlannedCopy] = ...,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class Progress:
    def __init__(
        self,
        *,
        source_bytes: int,
        total_bytes: int | None,
        records: int,
        rejected: int,
        objects: int | None = None,
        total_objects: int | None = None,
    ) -> None: ...
def publish(
    changes: str | os.PathLike[str],
    stream: str,
    *,
    start_at: int = 0,
    changes_etag: str | None = None,
    any_order: bool = False,
    on_invalid_characters: InvalidCharacters = 'error',
    on_key_case: KeyCase = 'error',
    retry_seconds: float | None = None,
    max_in_flight: int | None = None,
    max_age_seconds: float | None = None,
    memory_limit: Size | None = None,
    allow_unknown_length: bool = False,
    s3: S3Settings | None = None,
    kinesis: KinesisSettings | None = None,
    on_progress: Callable[[PublishFacts], object] | None = None,
) -> PublishReceipt: ...
class PublishJob:
    def __init__(
        self,
        changes: str | os.PathLike[str],
        stream: str,
        *,
        start_at: int = 0,
        changes_etag: str | None = None,
        any_order: bool = False,
        on_invalid_characters: InvalidCharacters = 'error',
        on_key_case: KeyCase = 'error',
        retry_seconds: float | None = None,
        max_in_flight: int | None = None,
        max_age_seconds: float | None = None,
        memory_limit: Size | None = None,
        allow_unknown_length: bool = False,
        s3: S3Settings | None = None,
        kinesis: KinesisSettings | None = None,
    ) -> None: ...
    acknowledged: int
    def allow_until(self, seconds: float) -> None: ...
    def cancel(self) -> None: ...
    def run(
        self,
        *,
        on_progress: Callable[[PublishFacts], object] | None = None,
    ) -> PublishReceipt: ...
class PublishReceipt:
    def __init__(
        self,
        *,
        verb: str = 'publish',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        source: str,
        stream: str,
        changes: int,
        skipped: int,
        sent: int,
        retried: int,
        throttled: int,
        shards: dict[str, int],
        bytes: int,
        calls: int,
        source_bytes: int,
        source_etag: str | None,
        source_retries: int,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
def read(
    source: str | os.PathLike[str],
    *,
    format: Format = 'auto',
    s3: S3Settings | None = None,
    **options: Unpack[SourceOptions],
) -> Iterator[bytes]: ...
class Receipt:
    def __init__(
        self,
        *,
        verb: str,
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class RefreshReceipt:
    def __init__(
        self,
        *,
        verb: str = 'refresh',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        view: str,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class Rows:
    def __init__(
        self,
        session: Session,
        query: int,
        columns: list[tuple[str, int, int]],
    ) -> None: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...
    def __enter__(self) -> Rows: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...
    def close(self) -> None: ...
    def to_pandas(self) -> Any: ...
class S3Settings:
    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        credentials_provider: CredentialsProvider | None = None,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        proxies: Mapping[str, str | None] | None = None,
        ca_file: str | None = None,
        timeout: Timeouts | Mapping[str, Any] | None = None,
        anonymous: bool = False,
        payload_signing: PayloadSigning = 'auto',
        requester_pays: bool = False,
        expected_bucket_owner: str | None = None,
        addressing_style: AddressingStyle | None = None,
    ) -> None: ...
    needs_credentials: bool
    def resolved(self) -> Self: ...
class ScriptReceipt:
    def __init__(
        self,
        *,
        verb: str = 'script',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        file: str,
        statements: int,
        dry_run: bool = False,
        planned: list[str] = ...,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...
class Timeouts:
    def __init__(
        self,
        *,
        connect: float | None = None,
        first_byte: float | None = None,
        idle: float | None = None,
        whole: float | None = None,
        min_rate: int | None = None,
    ) -> None: ...
class Upload:
    def __init__(
        self,
        destination: str | os.PathLike[str],
        *,
        format: Format = 'auto',
        s3: S3Settings | None = None,
        **options: Unpack[DestinationOptions],
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def abort(self) -> None: ...
    def cancel(self) -> None: ...
    def commit(self) -> CopyReceipt: ...
    def write(self, data: bytes | bytearray | memoryview) -> int: ...
    def written_bytes(self) -> int: ...
class Warehouse:
    def __init__(
        self,
        conninfo: Mapping[str, str] | str,
        *,
        dialect: Dialect = 'auto',
        label: str | None = None,
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
    ) -> None: ...
    def __enter__(self) -> Warehouse: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
    def add_partitions(self, table: str, partitions: Sequence[Partition]) -> PartitionReceipt: ...
    def apply_changes(
        self,
        changes: str | os.PathLike[str],
        table: str,
        *,
        key: Sequence[str],
        ignore_columns: Sequence[str] = (),
        expected_changes: int | None = None,
        json_texts: JsonTexts | None = None,
        again: bool = False,
        on_invalid_characters: InvalidCharacters = 'error',
        on_key_case: KeyCase = 'error',
        max_record_bytes: int | None = None,
        allow_unknown_length: bool = False,
        changes_etag: str | None = None,
        s3: S3Settings | None = None,
        load: LoadContext | None = None,
        before_commit: Callable[[], object] | None = None,
        dry_run: bool = False,
    ) -> ApplyReceipt: ...
    def cancel(self) -> None: ...
    def close(self) -> None: ...
    def execute(
        self,
        sql: str,
        parameters: Sequence[str | None] = (),
    ) -> list[tuple[str | None, ...]]: ...
    def init(self, *, grant_to: Sequence[str] = ()) -> InitReceipt: ...
    def insert_distinct(
        self,
        source: str,
        target: str,
        *,
        columns: Sequence[str],
        key: Sequence[str],
        order_by: Sequence[str] = (),
        mode: Mode = 'keep',
        partition: Mapping[str, str] | None = None,
        expected_records: int | None = None,
        min_records: int = 0,
        objects: Sequence[str] = (),
        load: LoadContext | None = None,
        dry_run: bool = False,
    ) -> InsertReceipt: ...
    def partitions(self, table: str) -> list[Partition]: ...
    def query(self, sql: str, parameters: Sequence[str | int | None] = ()) -> Rows: ...
    def refresh(self, view: str) -> RefreshReceipt: ...
    def run_script(
        self,
        path: str | os.PathLike[str],
        *,
        variables: Mapping[str, str] | None = None,
        dry_run: bool = False,
    ) -> ScriptReceipt: ...
    def transaction(self) -> Iterator[None]: ...

# airscoop.storage

def delete(uri: str, *, s3: S3Settings | None = None) -> None: ...
def head(
    uri: str,
    *,
    version_id: str | None = None,
    s3: S3Settings | None = None,
    check: Callable[[], object] | None = None,
) -> ObjectInfo: ...
def list_objects(
    prefix: str,
    *,
    s3: S3Settings | None = None,
    check: Callable[[], object] | None = None,
) -> Iterator[ObjectInfo]: ...
class ObjectInfo:
    def __init__(
        self,
        *,
        bucket: str,
        key: str,
        size: int,
        etag: str,
        checksum: str | None = None,
        split_mark: str | None = None,
        last_modified: str | None = None,
    ) -> None: ...
    uri: str

# airscoop.uploads

def abort(upload: OpenUpload, *, s3: S3Settings | None = None) -> None: ...
def clean(
    prefix: str,
    *,
    older_than: timedelta = datetime.timedelta(days=1),
    s3: S3Settings | None = None,
) -> UploadsReceipt: ...
def list_parts(upload: OpenUpload, *, s3: S3Settings | None = None) -> list[UploadedPart]: ...
def list_uploads(
    prefix: str,
    *,
    older_than: timedelta | None = None,
    s3: S3Settings | None = None,
) -> Iterator[OpenUpload]: ...
class ListedUpload:
    def __init__(self, *, uri: str, upload_id: str, initiated: str | None) -> None: ...
class OpenUpload:
    def __init__(
        self,
        *,
        bucket: str,
        key: str,
        upload_id: str,
        initiated: datetime | None = None,
    ) -> None: ...
    uri: str
def show(
    prefix: str,
    *,
    older_than: timedelta | None = None,
    s3: S3Settings | None = None,
) -> UploadsReceipt: ...
class UploadedPart:
    def __init__(
        self,
        *,
        number: int,
        size: int,
        etag: str,
        crc32c: str,
        crc64nvme: str,
    ) -> None: ...
class UploadsReceipt:
    def __init__(
        self,
        *,
        verb: str = 'uploads',
        seconds: float,
        id: str = ...,
        finished_at: str = ...,
        prefix: str,
        uploads: list[ListedUpload],
        found: int,
        aborted: int,
    ) -> None: ...
    started_at: str
    def summary(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_json(self) -> str: ...

# airscoop.resume

def default_file(destination: str) -> Path: ...
class FileResumeStore:
    def __init__(self, path: str | os.PathLike[str]) -> None: ...
    def clear(self) -> None: ...
    def load(self) -> dict[str, Any] | None: ...
    def save(self, state: dict[str, Any]) -> None: ...
class ResumeStore:
    def __init__(self, *args, **kwargs): ...
    def clear(self) -> None: ...
    def load(self) -> dict[str, Any] | None: ...
    def save(self, state: dict[str, Any]) -> None: ...
class TaskStateResumeStore:
    def __init__(self, accessor: Any, *, name: str = 'airscoop_upload') -> None: ...
    def clear(self) -> None: ...
    def load(self) -> dict[str, Any] | None: ...
    def save(self, state: dict[str, Any]) -> None: ...

# airscoop.errors

class AccessDenied(AccessError): ...
class AccessError(AirscoopError): ...
class AirscoopError(Exception): ...
class AlreadyApplied(ConflictError): ...
class BadRecord(DataError): ...
class Cancelled(TransientError): ...
class ConflictError(AirscoopError): ...
class ConnectionFailed(TransientError): ...
class CorruptData(DataError): ...
class CountMismatch(DataError): ...
class CredentialsExpired(AccessError): ...
class CredentialsMissing(AccessError): ...
class DataError(AirscoopError): ...
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
class PlaceAccessDenied(AccessDenied, PermissionError): ...
class PlaceExists(ConflictError, FileExistsError): ...
class PlaceNotFound(NotFound, FileNotFoundError): ...
class PrefixIncomplete(TransientError): ...
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
class TransientError(AirscoopError): ...
class Truncated(DataError): ...
class UnsupportedFormat(DataError): ...
class UsageError(AirscoopError): ...
class WrongExportState(ConflictError): ...
class WrongVersion(ConflictError): ...

# airscoop.operators

class AddPartitionOperator:
    def __init__(
        self,
        *,
        table: str,
        values: Mapping[str, str],
        location: str,
        warehouse_conn_id: str = 'redshift_default',
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('table', 'values', 'location', 'lock_timeout_seconds', 'statement_timeout_seconds')
class ApplyChangesOperator:
    def __init__(
        self,
        *,
        changes: str | None = None,
        table: str,
        key: Sequence[str] | XComArg,
        ignore_columns: Sequence[str] | XComArg = (),
        receipt: XComArg | ChangesDict | Sequence[XComArg | ChangesDict] | None = None,
        expected_changes: int | Literal['receipt'] | None = 'receipt',
        json_texts: JsonTexts | None = None,
        again: bool = False,
        on_invalid_characters: InvalidCharacters = 'error',
        on_key_case: KeyCase = 'error',
        aws_conn_id: str | None = 'aws_default',
        lock: XComArg | LockDict | None = None,
        publishes: bool = False,
        registry: str = 'registry',
        lease_seconds: float = 60.0,
        handover_seconds: float = 600.0,
        warehouse_conn_id: str = 'redshift_default',
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('changes', 'table', 'key', 'ignore_columns', 'receipt', 'lock', 'lock_timeout_seconds', 'statement_timeout_seconds', 'lease_seconds', 'handover_seconds', 'again', 'publishes', 'expected_changes')
class EventBridge:
    def __init__(
        self,
        *,
        source: str,
        detail_type: str = 'airscoop run failed',
        bus: str = 'default',
        aws_conn_id: str | None = 'aws_default',
        **kwargs: Any,
    ) -> None: ...
    def async_notify(self, context: Context) -> None: ...
    def notify(self, context: Context) -> None: ...
    def put(self, detail: str) -> None: ...
class FinishExportOperator:
    def __init__(
        self,
        *,
        receipt: XComArg | Mapping[str, object] | Sequence[XComArg | Mapping[str, object] | None] | None = None,
        state: Literal['done', 'failed'] | None = None,
        lock: XComArg | LockDict | None,
        lease_seconds: float = 60.0,
        handover_seconds: float = 600.0,
        registry: str = 'registry',
        aws_conn_id: str | None = 'aws_default',
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('lock', 'receipt', 'lease_seconds', 'handover_seconds')
class InsertDistinctOperator:
    def __init__(
        self,
        *,
        source: str,
        target: str,
        columns: Sequence[str] | XComArg,
        key: Sequence[str] | XComArg,
        order_by: Sequence[str] | XComArg = (),
        mode: Literal['keep', 'replace'] | str | XComArg = 'keep',
        partition: Mapping[str, str] | XComArg | None = None,
        receipt: XComArg | DownloadDict | Sequence[XComArg | DownloadDict] | None = None,
        expected_records: int | Literal['receipt'] | None = 'receipt',
        min_records: int = 0,
        warehouse_conn_id: str = 'redshift_default',
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('source', 'target', 'columns', 'key', 'order_by', 'mode', 'partition', 'receipt', 'lock_timeout_seconds', 'statement_timeout_seconds', 'expected_records', 'min_records')
class LockExportOperator:
    def __init__(
        self,
        *,
        export: str,
        registry: str = 'registry',
        aws_conn_id: str | None = 'aws_default',
        handover_seconds: float = 600.0,
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('export', 'handover_seconds')
class PublishChangesOperator:
    def __init__(
        self,
        *,
        stream: str,
        publish_options: Mapping[str, Any] | None = None,
        lock: XComArg | LockDict | None,
        lease_seconds: float = 60.0,
        handover_seconds: float = 600.0,
        registry: str = 'registry',
        aws_conn_id: str | None = 'aws_default',
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('lock', 'stream', 'publish_options', 'lease_seconds', 'handover_seconds')
class RefreshMaterializedViewOperator:
    def __init__(
        self,
        *,
        view: str,
        receipt: XComArg | InsertDict | Sequence[XComArg | InsertDict] | None = None,
        warehouse_conn_id: str = 'redshift_default',
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('view', 'receipt', 'lock_timeout_seconds', 'statement_timeout_seconds')
class RegisterExportsOperator:
    def __init__(
        self,
        *,
        bucket: str,
        datasets: Sequence[str] = (),
        object: str | None = None,
        complete_marker: str | None = None,
        registry: str = 'registry',
        aws_conn_id: str | None = 'aws_default',
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('bucket', 'datasets', 'object', 'complete_marker')
class SnapshotDeltaOperator:
    def __init__(
        self,
        *,
        changes: str,
        key: Sequence[str] = ('PK',),
        delta_options: Mapping[str, Any] | None = None,
        engine: Engine = 'local',
        athena: Mapping[str, Any] | None = None,
        approved_delete_ratio: float | XComArg | None = None,
        lock: XComArg | LockDict | None,
        lease_seconds: float = 60.0,
        handover_seconds: float = 600.0,
        registry: str = 'registry',
        aws_conn_id: str | None = 'aws_default',
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('lock', 'changes', 'key', 'delta_options', 'athena', 'approved_delete_ratio', 'lease_seconds', 'handover_seconds')
class StreamToS3Operator:
    def __init__(
        self,
        *,
        source: str,
        destination: str,
        format: Format | str | XComArg = 'auto',
        max_rejected: int = 0,
        min_records: int = 0,
        rejects: str | None = None,
        if_missing: IfMissing = 'retry',
        timeout: TimeoutGiven | None = None,
        retry_seconds: float | None = None,
        restarts: int | None = None,
        copy_options: Mapping[str, Any] | XComArg | None = None,
        payload_signing: PayloadSigning = 'auto',
        requester_pays: bool = False,
        expected_bucket_owner: str | None = None,
        resume: bool = True,
        aws_conn_id: str | None = 'aws_default',
        http_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None: ...
    template_fields = ('source', 'destination', 'format', 'rejects', 'copy_options', 'timeout', 'retry_seconds', 'restarts', 'max_rejected', 'min_records', 'if_missing', 'requester_pays', 'resume')
def watched(dag: DAG, *, notify: BaseNotifier | Sequence[BaseNotifier] | None = None) -> DAG: ...