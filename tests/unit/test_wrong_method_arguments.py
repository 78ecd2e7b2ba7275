"""Methods of public objects with wrong but plausible arguments: each is refused, in our words.

All methods of an object are found by themselves; a public class whose methods take something, and
that is not in the table, fails a test.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

import airscoop
from airscoop import errors
from airscoop.aws.dynamodb import DynamoTable
from airscoop.exports.last_done import LastDone
from airscoop.exports.model import Export, ExportObject
from airscoop.exports.registry import ChangesFile, ExportRecord, Registry
from airscoop.exports.steps.working import ExportLock
from airscoop.receipts import Receipt
from airscoop.resume import FileResumeStore, TaskStateResumeStore
from support.hostile_values import VALUES

EXPORT = Export(
    bucket="b", tenant="t", table="x", version="V1",
    objects=(ExportObject(uri="s3://b/t/x/V1/f", etag='"e"', size=1),),
)  # fmt: skip


@functools.cache
def nobody() -> Any:
    """A client of a service that is not there."""
    return botocore.session.Session().create_client(
        "dynamodb", region_name="us-east-1", endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a", aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def registry(folder: Path) -> Registry:
    found = Registry("t", client=nobody())
    found.table = DynamoTable("t", nobody(), 0)
    return found


class States:
    """Airflow's store of the state of a task."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        return self.kept.get(name)

    def set(self, name: str, value: Any) -> None:
        self.kept[name] = value

    def delete(self, name: str) -> None:
        self.kept.pop(name, None)


def opened(mode: str, **options: Any) -> Callable[[Path], Any]:
    return lambda folder: airscoop.open(
        folder / ("new.csv" if "r" in mode else "out"), mode, **options
    )


def sought(folder: Path) -> Any:
    file = airscoop.open(folder / "new.csv", "rb")
    file.seek(1)
    return file


def in_one_direction(folder: Path) -> Any:
    return airscoop.open(folder / "new.csv.gz", "rb")


GROUP_BY = {"a": ["a"]}
MADE: dict[str, Callable[[Path], Any]] = {
    "a reader": opened("rb"),
    "a reader after a seek": sought,
    "a reader of text": opened("r"),
    "what is below a reader": lambda folder: airscoop.open(folder / "new.csv", "rb").raw,
    "a writer": opened("wb"),
    "a writer of several files": opened("wb", split_bytes=5 * 2**20),
    "a writer of text": opened("w"),
    "Upload": lambda folder: airscoop.Upload(folder / "out"),
    "Registry": registry,
    "TaskStateResumeStore": lambda folder: TaskStateResumeStore(States()),
    "FileResumeStore": lambda folder: FileResumeStore(folder / "state"),
    "CopyJob": lambda folder: airscoop.CopyJob(folder / "new.csv", folder / "out"),
    "AggregateJob": lambda folder: airscoop.AggregateJob(folder / "new.csv", group_by=GROUP_BY),
    "Aggregation": lambda folder: airscoop.aggregate(folder / "new.csv", group_by=GROUP_BY),
    "Groups": lambda folder: airscoop.aggregate(folder / "new.csv", group_by=GROUP_BY)["a"],
    "DeltaJob": lambda folder: airscoop.DeltaJob(None, folder / "new.csv"),
    "Delta": lambda folder: airscoop.delta(None, folder / "new.csv"),
    "PublishJob": lambda folder: airscoop.PublishJob(
        folder / "new.csv",
        "s",
        kinesis=airscoop.KinesisSettings(
            endpoint_url="http://127.0.0.1:9", region="us-east-1",
            credentials=airscoop.Credentials(access_key_id="a", secret_access_key="b"),
        ),
        retry_seconds=0,
    ),
    "Warehouse": lambda folder: airscoop.Warehouse("host=127.0.0.1 port=9", dialect="postgres"),
    "ExportLock": lambda folder: ExportLock(export="t/x/V1", previous=None, owner="m", fence=1),
    "CsvDialect": lambda folder: airscoop.CsvDialect(),
}  # fmt: skip
# What the methods cannot be called without.
NEEDED: dict[str, Any] = {
    "export": EXPORT,
    "record": ExportRecord(export=EXPORT, state="failed", registered_at="1", updated_at="1"),
    "changes": ChangesFile(uri="s3://b/c", etag='"e"', count=1),
    "last": LastDone.among("t/x", []),
    "value": {"export": "t/x/V1", "previous": None, "owner": "m", "fence": 1},
    "export_id": "t/x/V1", "dataset": "t/x", "state": {"a": 1}, "receipt": {}, "error": "e",
    "message": "m", "table": "a.b", "offset": 0, "delete_ratio": 0.5, "sql": "SELECT 1",
    "view": "a.b", "path": "no such file", "key": ["x"], "source": "a.b", "target": "a.c",
    "columns": ["x"], "partitions": [], "destination": "out2", "previous": None, "before": "V1",
    "prefix": "out3/", "seconds": 1.0, "data": b"x", "text": "x", "dialect": None, "lease": None,
}  # fmt: skip

# io's own methods, which are as fast as io's because they are io's: they answer as those of the
# built-in open do, also a number beyond an index.
OF_IO = ("peek", "read", "read1", "readline", "readlines", "readinto", "readinto1", "writelines")


def taken(method: Any) -> list[inspect.Parameter]:
    try:
        found = inspect.signature(method).parameters.values()
    except ValueError:  # of C, which does not say
        return []
    return [each for each in found if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]


def methods(kind: type) -> list[str]:
    """Those that take something; a mapping's own answer as a dict's."""
    found = []
    for name in sorted({*dir(kind)} - {*dir(Mapping)}):
        if name[0] != "_" and callable(getattr(kind, name)):
            names = {each.name for each in taken(getattr(kind, name))} - {"self"}
            found += [name] if names else []
    return found


def call(method: Any, wrong: str, value: Any) -> None:
    places, names = [], {}
    for each in taken(method):
        if each.name != wrong and each.default is not each.empty:
            continue
        given = value if each.name == wrong else NEEDED.get(each.name, 1)
        if each.kind is each.POSITIONAL_ONLY:
            places.append(given)
        else:
            names[each.name] = given
    found = method(*places, **names)
    if inspect.isgenerator(found):
        list(found)


def known(thing: Any, method: str) -> tuple[type[Exception], ...]:
    """Files end in what io's files end in: they stand where those stood."""
    if not isinstance(thing, io.IOBase):
        return (errors.AirscoopError,)
    of_files = (errors.AirscoopError, ValueError, TypeError)
    return (*of_files, OverflowError) if method in OF_IO else of_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text("PK,a\n1,x\n")
    return tmp_path


@pytest.mark.filterwarnings("ignore")  # of files that are dropped
@pytest.mark.parametrize("name", MADE)
def test_what_an_argument_of_a_method_cannot_be_is_an_error_of_airscoops(
    name: str, folder: Path
) -> None:
    naked = []
    first = MADE[name](folder)
    for method in methods(type(first)):
        for each in taken(getattr(first, method)):
            for described, value in VALUES.items():
                if callable(value) and "Callable" in str(each.annotation):
                    continue
                thing = MADE[name](folder)
                try:
                    call(getattr(thing, method), each.name, value)
                except known(thing, method):
                    continue
                except Exception as error:
                    naked.append(f"{method}({each.name}={described}): {type(error).__name__}")
                finally:
                    for end in {"abort", "close"} & set(dir(thing)):
                        with contextlib.suppress(errors.AirscoopError):
                            getattr(thing, end)()
    assert naked == []


def test_every_public_class_whose_methods_take_something_is_in_the_table(folder: Path) -> None:
    # Their methods take what Arrow gives, or nothing but settings that are read when they are made.
    apart = {airscoop.Rows, airscoop.AthenaSettings, airscoop.Change}
    tried = {type(make(folder)) for make in MADE.values()}
    for name in airscoop.__all__:
        public = getattr(airscoop, name)
        if inspect.isclass(public) and not issubclass(public, Receipt | Exception | dict):
            own = [each for each in methods(public) if each in vars(public)]
            assert not own or public in tried | apart, name


def test_a_lease_is_asked_for_by_every_step_of_the_registry(folder: Path) -> None:
    """A lock of another kind changes nothing."""
    steps = [
        each
        for each in methods(Registry)
        if "lease" in inspect.signature(getattr(Registry, each)).parameters
    ]
    assert len(steps) > 8
    for step in steps:
        with pytest.raises(errors.UsageError, match="lease has to be a Lease, not 'mine'"):
            call(getattr(registry(folder), step), "lease", "mine")
