"""Public functions with wrong but plausible arguments: each is refused in airscoop's words, before
anything is done, and no receipt tells of what is not there."""

from __future__ import annotations

import contextlib
import inspect
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import airscoop
from airscoop import errors
from airscoop.aggregation.options import AggregateOptions
from airscoop.exports.registry import Registry
from airscoop.receipts import Receipt
from airscoop.transfer.arguments import DestinationOptions, ObjectCopyOptions, SourceOptions
from airscoop.transfer.open import ReadOptions, WriteOptions
from support.hostile_values import VALUES


def copy(folder: Path, **given: Any) -> None:
    receipt = airscoop.copy(
        **({"source": folder / "new.csv", "destination": folder / "out"} | given)
    )
    if receipt.destination == str(folder / "out"):
        assert (folder / "out").exists()


def copy_job(folder: Path, **given: Any) -> None:
    airscoop.CopyJob(**({"source": folder / "new.csv", "destination": folder / "out"} | given))


def check(folder: Path, **given: Any) -> None:
    airscoop.check(**({"source": folder / "new.csv"} | given))


def read(folder: Path, **given: Any) -> None:
    for _ in airscoop.read(**({"source": folder / "new.csv"} | given)):
        pass


def open_to_read(folder: Path, **given: Any) -> None:
    opened: Any = {"uri": folder / "new.csv", "mode": "rb"} | given
    with airscoop.open(**opened) as file:
        file.read()


def open_to_write(folder: Path, **given: Any) -> None:
    opened: Any = {"uri": folder / "out", "mode": "wb"} | given
    with airscoop.open(**opened) as file:
        file.write(b"x")


def upload(folder: Path, **given: Any) -> None:
    with airscoop.Upload(**({"destination": folder / "out"} | given)) as file:
        file.write(b"{}\n")


def credentials(folder: Path, **given: Any) -> None:
    airscoop.Credentials(**({"access_key_id": "a", "secret_access_key": "b"} | given))


def no_keys() -> airscoop.Credentials:
    """Ends whatever needs the network before a byte is sent."""
    raise errors.CredentialsMissing("nobody asks a server here")


S3 = airscoop.S3Settings(
    endpoint_url="http://127.0.0.1:9", region="us-east-1", credentials_provider=no_keys
)
KINESIS = airscoop.KinesisSettings(
    endpoint_url="http://127.0.0.1:9", region="us-east-1", credentials_provider=no_keys
)
OPEN_UPLOAD = airscoop.uploads.OpenUpload(bucket="bucket", key="k", upload_id="u")


def delta(folder: Path, **given: Any) -> None:
    exports = {"old": folder / "old.csv", "new": folder / "new.csv"}
    airscoop.delta(**(exports | {"max_delete_ratio": 1} | given))


def delta_job(folder: Path, **given: Any) -> None:
    needed: Any = {"old": folder / "old.csv", "new": folder / "new.csv", "max_delete_ratio": 1}
    airscoop.DeltaJob(**(needed | given)).run()


def aggregate(folder: Path, **given: Any) -> None:
    needed: Any = {"sources": folder / "new.csv", "group_by": {"a": ["a"]}}
    airscoop.aggregate(**(needed | given))


def aggregate_job(folder: Path, **given: Any) -> None:
    needed: Any = {"sources": folder / "new.csv", "group_by": {"a": ["a"]}}
    airscoop.AggregateJob(**(needed | given)).run()


def run_aggregate(folder: Path, **given: Any) -> None:
    airscoop.AggregateJob(folder / "new.csv", group_by={"a": ["a"]}).run(**given)


def delta_write(folder: Path, **given: Any) -> None:
    changes = airscoop.delta(folder / "old.csv", folder / "new.csv", max_delete_ratio=1)
    receipt = changes.write(**({"destination": folder / "out"} | given))
    if receipt.destination == str(folder / "out"):
        assert (folder / "out").exists()


def copy_prefix(folder: Path, **given: Any) -> None:
    needed: Any = {"source": f"{folder}/", "destination": "s3://bucket/p/", "destination_s3": S3}
    airscoop.copy_prefix(**(needed | given))


def publish(folder: Path, **given: Any) -> None:
    needed: Any = {"changes": folder / "changes.jsonl", "stream": "s", "kinesis": KINESIS}
    airscoop.publish(**(needed | given))


def publish_job(folder: Path, **given: Any) -> None:
    needed: Any = {"changes": folder / "changes.jsonl", "stream": "s", "kinesis": KINESIS}
    airscoop.PublishJob(**(needed | given)).run()


def run_publishing(folder: Path, **given: Any) -> None:
    job = airscoop.PublishJob(folder / "changes.jsonl", "s", kinesis=KINESIS)
    job.run(**given)


def run_copy(folder: Path, **given: Any) -> None:
    airscoop.CopyJob(folder / "new.csv", folder / "out").run(**given)
    assert (folder / "out").exists()


def run_delta(folder: Path, **given: Any) -> None:
    airscoop.DeltaJob(folder / "old.csv", folder / "new.csv", max_delete_ratio=1).run(**given)


def refuse_destination(folder: Path, **given: Any) -> None:
    job = airscoop.DeltaJob(folder / "old.csv", folder / "new.csv")
    job.refuse_destination(**({"destination": folder / "out"} | given))


def asked(function: Callable[..., Any], **needed: Any) -> Callable[..., None]:
    """A question to S3, which ends before it is sent."""

    def ask(folder: Path, **given: Any) -> None:
        found = function(**(needed | {"s3": S3} | given))
        if hasattr(found, "__next__"):
            list(found)

    return ask


def write_upload(folder: Path, **given: Any) -> None:
    with airscoop.Upload(folder / "out") as upload:
        upload.write(**given)


def store(folder: Path, **given: Any) -> None:
    found = airscoop.resume.FileResumeStore(**given)
    airscoop.copy(folder / "new.csv", folder / "out", resume=found)


def default_file(folder: Path, **given: Any) -> None:
    airscoop.resume.default_file(**given)


def registry(folder: Path, **given: Any) -> None:
    needed: Any = {"client": object()}
    Registry(**(needed | given))


def warehouse(folder: Path, **given: Any) -> None:
    airscoop.Warehouse(**({"conninfo": "host=127.0.0.1 port=9", "dialect": "postgres"} | given))


def verb(name: str, **needed: Any) -> Callable[..., None]:
    """Of a warehouse that nobody reaches: what is well ends in ConnectionFailed."""

    def call(folder: Path, **given: Any) -> None:
        needed_here = {
            each: folder / value if isinstance(value, Path) else value
            for each, value in needed.items()
        }
        session = airscoop.Warehouse("host=127.0.0.1 port=9", dialect="postgres")
        with pytest.raises(errors.ConnectionFailed):
            getattr(session, name)(**(needed_here | given))

    return call


PARTITION = airscoop.Partition(values={"a": "b"}, location="s3://bucket/k/")
VERBS: dict[str, dict[str, Any]] = {
    "execute": {"sql": "SELECT 1"},
    "query": {"sql": "SELECT 1"},
    "partitions": {"table": "a.b"},
    "add_partitions": {"table": "a.b", "partitions": [PARTITION]},
    "insert_distinct": {
        "source": "a.b", "target": "a.c", "columns": ["x"], "key": ["x"],
    },
    "apply_changes": {"changes": Path("changes.jsonl"), "table": "a.b", "key": ["PK"]},
    "init": {},
    "refresh": {"view": "a.b"},
    "run_script": {"path": Path("script.sql")},
}  # fmt: skip


def settings_of(kind: type, **needed: Any) -> Callable[..., None]:
    def make(folder: Path, **given: Any) -> None:
        kind(**(needed | given))

    return make


CALLS: dict[str, tuple[Callable[..., None], Callable[..., Any]]] = {
    "copy": (copy, airscoop.copy),
    "CopyJob": (copy_job, airscoop.CopyJob),
    "check": (check, airscoop.check),
    "read": (read, airscoop.read),
    "open to read": (open_to_read, airscoop.open),
    "open to write": (open_to_write, airscoop.open),
    "Upload": (upload, airscoop.Upload),
    "aggregate": (aggregate, airscoop.aggregate),
    "AggregateJob": (aggregate_job, airscoop.AggregateJob),
    "AggregateJob.run": (run_aggregate, airscoop.AggregateJob.run),
    "DeltaJob": (delta_job, airscoop.DeltaJob),
    "DeltaJob.run": (run_delta, airscoop.DeltaJob.run),
    "DeltaJob.refuse_destination": (refuse_destination, airscoop.DeltaJob.refuse_destination),
    "delta": (delta, airscoop.delta),
    "Delta.write": (delta_write, airscoop.Delta.write),
    "CopyJob.run": (run_copy, airscoop.CopyJob.run),
    "copy_prefix": (copy_prefix, airscoop.copy_prefix),
    "publish": (publish, airscoop.publish),
    "PublishJob": (publish_job, airscoop.PublishJob),
    "PublishJob.run": (run_publishing, airscoop.PublishJob.run),
    "Upload.write": (write_upload, airscoop.Upload.write),
    "storage.head": (asked(airscoop.storage.head, uri="s3://bucket/k"), airscoop.storage.head),
    "storage.delete": (
        asked(airscoop.storage.delete, uri="s3://bucket/k"),
        airscoop.storage.delete,
    ),
    "storage.list_objects": (
        asked(airscoop.storage.list_objects, prefix="s3://bucket/k"),
        airscoop.storage.list_objects,
    ),
    "uploads.list_uploads": (
        asked(airscoop.uploads.list_uploads, prefix="s3://bucket/k"),
        airscoop.uploads.list_uploads,
    ),
    "uploads.show": (asked(airscoop.uploads.show, prefix="s3://bucket/k"), airscoop.uploads.show),
    "uploads.clean": (
        asked(airscoop.uploads.clean, prefix="s3://bucket/k"),
        airscoop.uploads.clean,
    ),
    "uploads.abort": (asked(airscoop.uploads.abort, upload=OPEN_UPLOAD), airscoop.uploads.abort),
    "uploads.list_parts": (
        asked(airscoop.uploads.list_parts, upload=OPEN_UPLOAD),
        airscoop.uploads.list_parts,
    ),
    "uploads.OpenUpload": (
        settings_of(airscoop.uploads.OpenUpload, bucket="b", key="k", upload_id="u"),
        airscoop.uploads.OpenUpload,
    ),
    "resume.FileResumeStore": (store, airscoop.resume.FileResumeStore),
    "resume.default_file": (default_file, airscoop.resume.default_file),
    "Registry": (registry, Registry),
    "Warehouse": (warehouse, airscoop.Warehouse),
    **{
        f"Warehouse.{name}": (verb(name, **needed), getattr(airscoop.Warehouse, name))
        for name, needed in VERBS.items()
    },
    "Partition": (settings_of(airscoop.Partition, values={"a": "b"}), airscoop.Partition),
    "LoadContext": (settings_of(airscoop.LoadContext), airscoop.LoadContext),
    "Credentials": (credentials, airscoop.Credentials),
    "S3Settings": (settings_of(airscoop.S3Settings), airscoop.S3Settings),
    "KinesisSettings": (settings_of(airscoop.KinesisSettings), airscoop.KinesisSettings),
    "ObjectOptions": (settings_of(airscoop.ObjectOptions), airscoop.ObjectOptions),
    "CsvDialect": (settings_of(airscoop.CsvDialect), airscoop.CsvDialect),
    "Timeouts": (settings_of(airscoop.Timeouts), airscoop.Timeouts),
    "AthenaSettings": (
        settings_of(airscoop.AthenaSettings, database="d", results="s3://bucket/r/"),
        airscoop.AthenaSettings,
    ),
}


# What airscoop itself makes, or asks users for.
MADE = {
    airscoop.Change,
    airscoop.Progress,
    airscoop.storage.ObjectInfo,
    airscoop.uploads.ListedUpload,
    airscoop.uploads.UploadedPart,
    airscoop.resume.ResumeStore,
    airscoop.resume.TaskStateResumeStore,
}
CALLBACKS = ("on_progress", "check", "before_commit", "credentials_provider")


# What stands behind the `**options` of those whose signature does not show them.
FURTHER: dict[str, Any] = {
    "aggregate": AggregateOptions,
    "AggregateJob": AggregateOptions,
    "check": SourceOptions,
    "read": SourceOptions,
    "open to read": ReadOptions,
    "open to write": WriteOptions,
    "Upload": DestinationOptions,
    "Delta.write": DestinationOptions,
    "copy_prefix": ObjectCopyOptions,
}


def arguments(function: Callable[..., Any], further: Any = None) -> list[str]:
    taken = [*inspect.signature(function).parameters, *getattr(further, "__annotations__", ())]
    return [name for name in taken if name not in ("self", "options")]


def fill(folder: Path) -> None:
    """What the calls read."""
    (folder / "new.csv").write_text("PK,a\n1,x\n")
    (folder / "old.csv").write_text("PK,a\n1,y\n2,z\n")
    (folder / "script.sql").write_text("SELECT 1;")
    change = {"op": "INSERT", "key": {"PK": "1"}, "row": {"PK": "1"}, "id": "0"}
    (folder / "changes.jsonl").write_text(json.dumps(change) + "\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where names such as "no" lead
    fill(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CALLS)
def test_what_an_argument_cannot_be_is_an_error_of_airscoops(name: str, folder: Path) -> None:
    call, function = CALLS[name]
    refused, naked = 0, []
    for argument in arguments(function, FURTHER.get(name)):
        for described, value in VALUES.items():
            if argument in CALLBACKS and callable(value):
                continue
            try:
                call(folder, **{argument: value})
            except errors.UsageError:
                refused += 1
            except errors.AirscoopError:  # of what the value says: a file that is not there
                continue
            except Exception as error:
                naked.append(f"{argument}={described}: {type(error).__name__}: {error}")
    assert naked == []
    assert refused > len(VALUES) / 3


def test_every_public_function_is_in_the_table() -> None:
    tried = {function for _, function in CALLS.values()}
    of_a_file = {
        airscoop.Delta,
        airscoop.Rows,
        airscoop.Aggregation,
        airscoop.Groups,
    }  # which other functions make
    for module in (airscoop, airscoop.storage, airscoop.uploads, airscoop.resume):
        for name in (*module.__all__, *(["open"] if module is airscoop else [])):
            public = getattr(module, name)
            made = inspect.isclass(public) and (
                issubclass(public, Receipt | Exception) or public in of_a_file or public in MADE
            )
            if callable(public) and not made:
                assert public in tried, name


def has_signature(public: object) -> bool:
    """Exceptions and dicts of types have none to speak of."""
    return callable(public) and not (
        inspect.isclass(public) and issubclass(public, Exception | dict)
    )


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in sorted({*airscoop.__all__, "open"})
        if has_signature(getattr(airscoop, name))
    ],
)
def test_no_public_function_takes_options_that_its_signature_does_not_name(name: str) -> None:
    for parameter in inspect.signature(getattr(airscoop, name)).parameters.values():
        of_any = parameter.kind is parameter.VAR_KEYWORD
        assert not of_any or str(parameter.annotation).startswith("Unpack["), parameter


FLAGS = (
    "overwrite",
    "allow_plain",
    "server_side",
    "split_replace",
    "idempotent",
    "allow_unknown_length",
)


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("value", ["no", "false", "", 0, 1, [], "None"], ids=repr)
def test_a_flag_is_true_or_false_and_nothing_else(flag: str, value: object, folder: Path) -> None:
    (folder / "out").write_text("before")
    wrong: Any = {flag: value}
    with pytest.raises(errors.UsageError, match=f"^{flag} has to be True or False, not "):
        airscoop.copy(folder / "new.csv", folder / "out", **wrong)
    assert (folder / "out").read_text() == "before"


@pytest.mark.parametrize(
    "option", ["held", "head_lines", "split_part", "destination_fd", "text_for"]
)
@pytest.mark.parametrize("name", ["copy", "check", "read", "Upload"])
def test_what_is_the_engines_own_no_caller_sets(name: str, option: str, folder: Path) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{option}'"):
        CALLS[name][0](folder, **{option: 1})
    assert not (folder / "out").exists()


def test_check_has_no_destination_and_writes_none(folder: Path) -> None:
    with pytest.raises(TypeError, match="'destination'"):
        airscoop.check(folder / "new.csv", destination=str(folder / "out"))  # type: ignore[call-arg]
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("text", "count"),
    [("64M", 64 * 2**20), ("1.5G", 3 * 2**29), ("64MB", 64 * 2**20), ("64 MiB", 64 * 2**20)],
)
def test_a_size_is_a_number_of_bytes_or_a_text_with_a_unit(text: str, count: int) -> None:
    from airscoop.kinds import parsed_size

    assert parsed_size(text) == count


@pytest.mark.parametrize("text", ["", "M", "-1", "1e6", "64 megabytes", "1.5.2G", "٦٤M", "0x10"])
def test_what_is_no_size_is_refused_with_an_example(text: str, folder: Path) -> None:
    with pytest.raises(errors.UsageError, match=r'memory_limit has to be .* such as "64M"'):
        airscoop.copy(folder / "new.csv", folder / "out", memory_limit=text)


def test_none_is_the_default_of_every_option(folder: Path) -> None:
    options: dict[str, Any] = dict.fromkeys(
        set(arguments(airscoop.copy)) - {"source", "destination"}
    )
    receipt = airscoop.copy(folder / "new.csv", folder / "out", **options)
    assert (folder / "out").read_bytes() == (folder / "new.csv").read_bytes()
    assert receipt.compression == "kept"


class Raised(Exception):
    """Of a callback of the user's."""


def raising(*given: object) -> None:
    raise Raised


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("CopyJob.run", "on_progress"),
        ("copy", "on_progress"),
        ("check", "on_progress"),
        ("aggregate", "on_progress"),
        ("delta", "on_progress"),
        ("publish", "on_progress"),
        ("Delta.write", "before_commit"),
        ("storage.head", "check"),
        ("storage.list_objects", "check"),
    ],
)
def test_what_a_callback_raises_comes_out_and_nothing_is_made(
    name: str, argument: str, folder: Path
) -> None:
    try:
        CALLS[name][0](folder, **{argument: raising})
    except (Raised, errors.CredentialsMissing):  # the latter: no server is asked, and no callback
        assert not (folder / "out").exists()
    else:  # it was done before anybody could be told
        assert name in ("CopyJob.run", "copy", "check", "aggregate", "delta")


@settings(derandomize=True, deadline=None, max_examples=150, database=None)
@given(st.data())
def test_several_wrong_arguments_at_once_are_an_error_of_airscoops(data: st.DataObject) -> None:
    known = {
        name: [each for each in arguments(function, FURTHER.get(name)) if each not in CALLBACKS]
        for name, (_, function) in CALLS.items()
    }
    name = data.draw(st.sampled_from(sorted(filter(known.get, known))))
    call, _ = CALLS[name]
    chosen = data.draw(st.lists(st.sampled_from(known[name]), min_size=1, max_size=3, unique=True))
    wrong = {each: VALUES[data.draw(st.sampled_from(sorted(VALUES)))] for each in chosen}
    with tempfile.TemporaryDirectory() as made, contextlib.chdir(made):
        fill(Path(made))
        naked = None
        try:
            call(Path(made), **wrong)
        except errors.AirscoopError:
            pass
        except Exception as error:
            naked = f"{name}: {wrong}: {type(error).__name__}: {error}"
        assert naked is None
