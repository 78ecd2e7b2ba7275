"""Public functions with wrong but plausible arguments: each is refused in airscoop's words, before
anything is done, and no receipt tells of what is not there."""

from __future__ import annotations

import datetime
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors


class Silent:
    """What nobody may ask for its text."""

    def __repr__(self) -> str:
        raise AssertionError("the text of a foreign object was asked for")

    __str__ = __repr__


HUGE = 10**5000  # Python itself refuses to write it out
VALUES: dict[str, Any] = {
    "no": "no",
    "empty": "",
    "NUL": "\0",
    "no UTF-8": "\udcff",
    "long": "x" * 5000,
    "-1": -1,
    "2**70": 2**70,
    "-2**70": -(2**70),
    "huge": HUGE,
    "1.5": 1.5,
    "nan": math.nan,
    "infinite": math.inf,
    "complex": 3 + 4j,
    "object": Silent(),
    "list": [],
    "list of 1": [1],
    "list of None": [None],
    "mapping": {},
    "mapping of 1": {1: 2},
    "bytes": b"x",
    "tuple": ("a",),
    "function": len,
    "set": set(),
    "datetime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "class": airscoop.S3Settings,
    "iterator": iter(()),
    "...": ...,
}


def copy(folder: Path, **given: Any) -> None:
    receipt = airscoop.copy(
        **({"source": folder / "new.csv", "destination": folder / "out"} | given)
    )
    if receipt.destination == str(folder / "out"):
        assert (folder / "out").exists()


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


def settings_of(kind: type, **needed: Any) -> Callable[..., None]:
    def make(folder: Path, **given: Any) -> None:
        kind(**(needed | given))

    return make


CALLS: dict[str, tuple[Callable[..., None], Callable[..., Any]]] = {
    "copy": (copy, airscoop.copy),
    "check": (check, airscoop.check),
    "read": (read, airscoop.read),
    "open to read": (open_to_read, airscoop.open),
    "open to write": (open_to_write, airscoop.open),
    "Upload": (upload, airscoop.Upload),
    "Credentials": (credentials, airscoop.Credentials),
    "S3Settings": (settings_of(airscoop.S3Settings), airscoop.S3Settings),
    "KinesisSettings": (settings_of(airscoop.KinesisSettings), airscoop.KinesisSettings),
    "ObjectOptions": (settings_of(airscoop.ObjectOptions), airscoop.ObjectOptions),
    "CsvDialect": (settings_of(airscoop.CsvDialect), airscoop.CsvDialect),
    "Timeouts": (settings_of(airscoop.Timeouts), airscoop.Timeouts),
    "AthenaSettings": (
        settings_of(airscoop.AthenaSettings, database="d", results="s3://b/r/"),
        airscoop.AthenaSettings,
    ),
}


def arguments(function: Callable[..., Any]) -> list[str]:
    taken = inspect.signature(function).parameters
    return [name for name in taken if name not in ("self", "options")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where names such as "no" lead
    (tmp_path / "new.csv").write_text("PK,a\n1,x\n")
    return tmp_path


@pytest.mark.parametrize("name", CALLS)
def test_what_an_argument_cannot_be_is_an_error_of_airscoops(name: str, folder: Path) -> None:
    call, function = CALLS[name]
    refused = 0
    for argument in arguments(function):
        for described, value in VALUES.items():
            try:
                call(folder, **{argument: value})
            except errors.AirscoopError:
                refused += 1
            except Exception as error:
                pytest.fail(f"{name}({argument}={described}): {type(error).__name__}: {error}")
    assert refused > len(VALUES)


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
