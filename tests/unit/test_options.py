"""Options that are declared once: what functions take, and what they show of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

import airscoop
from airscoop.aws.settings import KinesisSettings, S3Settings
from airscoop.deltas import options as deltas
from airscoop.deltas.job import delta_job
from airscoop.errors import UsageError
from airscoop.kinds import Size
from airscoop.publishing import options as publishing
from airscoop.transfer import arguments
from airscoop.transfer.csv_dialect import CsvDialect
from airscoop.transfer.options import InvalidCharacters, KeyCase, TransferOptions

SETTINGS = {  # what the options import for their types alone
    "S3Settings": S3Settings,
    "KinesisSettings": KinesisSettings,
    "CsvDialect": CsvDialect,
    "Size": Size,
    "InvalidCharacters": InvalidCharacters,
    "KeyCase": KeyCase,
}
TAKING: list[tuple[Callable[..., Any], type, dict[str, Any]]] = [
    (airscoop.delta, deltas.DeltaOptions, {**deltas.DEFAULTS}),
    (airscoop.DeltaJob, deltas.DeltaOptions, {**deltas.DEFAULTS}),
    (delta_job, deltas.DeltaOptions, {**deltas.DEFAULTS}),
    (airscoop.copy, arguments.CopyOptions, {**arguments.COPY_DEFAULTS}),
    (airscoop.CopyJob, arguments.CopyOptions, {**arguments.COPY_DEFAULTS}),
    (airscoop.publish, publishing.PublishOptions, {**publishing.DEFAULTS}),
    (airscoop.PublishJob, publishing.PublishOptions, {**publishing.DEFAULTS}),
]
every_function = pytest.mark.parametrize(
    ("function", "types", "defaults"), TAKING, ids=[each[0].__name__ for each in TAKING]
)


@every_function
def test_every_option_has_a_type_and_a_default(
    function: object, types: type, defaults: dict[str, Any]
) -> None:
    assert get_type_hints(types, localns=SETTINGS).keys() == defaults.keys()


@every_function
def test_the_signature_shows_every_option(
    function: Callable[..., Any], types: type, defaults: dict[str, Any]
) -> None:
    shown = inspect.signature(function).parameters
    first, second, *others = shown.values()
    assert {first.kind, second.kind} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert {each.kind for each in others} == {inspect.Parameter.KEYWORD_ONLY}
    assert {name: shown[name].default for name in defaults} == defaults
    assert all(isinstance(each.annotation, str) for each in shown.values())
    assert shown["memory_limit"].annotation == "Size | None"


@every_function
def test_an_unknown_option_is_refused_as_python_refuses_it(
    function: Callable[..., Any], types: type, defaults: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match=r"\w\(\) got an unexpected keyword argument 'min_row'"):
        function("a", "b", min_row=3)


@pytest.mark.parametrize(
    "types",
    [
        arguments.SourceOptions,
        arguments.DestinationOptions,
        arguments.ObjectCopyOptions,
        arguments.CopyOptions,
    ],
)
def test_what_a_function_takes_of_a_transfers_options_has_their_types(types: type) -> None:
    def known(kinds: type) -> dict[str, set[Any]]:
        """Each option's types; None is the default of every one."""
        hints = get_type_hints(kinds)
        return {name: {*(get_args(hint) or [hint])} - {NoneType} for name, hint in hints.items()}

    taken = known(types)
    assert taken.pop("s3", {S3Settings}) == {S3Settings}  # for both ends: source_s3, destination_s3
    assert taken.items() <= known(TransferOptions).items()


WRONG: dict[str, Callable[[str], object]] = {
    "include is a list": lambda a: airscoop.copy_prefix(f"{a}/", f"{a}2/", include=5),  # type: ignore[arg-type]
    "exclude is a list": lambda a: airscoop.copy_prefix(f"{a}/", f"{a}2/", exclude=5),  # type: ignore[arg-type]
    "stream is None": lambda a: airscoop.publish(a, None),  # type: ignore[arg-type]
    "stream is True": lambda a: airscoop.publish(a, True),  # type: ignore[arg-type]
    "format cannot be 5": lambda a: airscoop.copy(a, f"{a}2", format=5),  # type: ignore[arg-type]
    "checksum cannot be list": lambda a: airscoop.copy(a, f"{a}2", checksum=["x"]),  # type: ignore[arg-type]
    "region has to be a text, not 5": lambda a: airscoop.S3Settings(region=5),  # type: ignore[arg-type]
    "endpoint_url has to be a text, not 5": lambda a: KinesisSettings(endpoint_url=5),  # type: ignore[arg-type]
    "conninfo is neither": lambda a: airscoop.Warehouse(None),  # type: ignore[arg-type]
    'dialect cannot be None; use "auto"': lambda a: airscoop.Warehouse("", dialect=None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_of_a_wrong_kind_is_named(said: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("{}\n")
    with pytest.raises(UsageError, match=f"^{said}"):
        WRONG[said](str(tmp_path / "a"))
