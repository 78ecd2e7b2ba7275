"""The exceptions come from the engine's table, and Python knows them all."""

from __future__ import annotations

import re

import pytest

import airscoop
from airscoop import _native, errors
from support.paths import ROOT

TABLE = re.findall(
    r'X\((\w+), "(\w+)", (true|false),\s*"([^"]+)"\)',
    (ROOT / "csrc/include/scoop/error.h").read_text().replace("\\\n", "").replace("  ", " "),
)


def test_the_table_was_read() -> None:
    assert len(TABLE) > 25


@pytest.mark.parametrize(("code", "name", "retryable", "sentence"), TABLE)
def test_every_code_has_its_exception(code: str, name: str, retryable: str, sentence: str) -> None:
    exception = getattr(errors, name)
    assert issubclass(exception, airscoop.AirscoopError)
    assert name in errors.__all__
    if code != "OK":
        assert exception.code == code
        assert exception.retryable is (retryable == "true")
        assert exception.__doc__ == sentence


def test_the_type_stub_names_every_exception() -> None:
    stub = (ROOT / "airflow_plugin/airscoop/_native.pyi").read_text()
    declared = set(re.findall(r"^class (\w+)\((?:AirscoopError|Exception)\)", stub, re.MULTILINE))
    assert declared == {name for _, name, _, _ in TABLE}


def test_an_exception_made_in_python_has_the_attributes() -> None:
    error = errors.UsageError("wrong")
    facts = (error.http_status, error.os_errno, error.sqlstate, error.request_id)
    assert facts == (None, None, None, None)
    assert not error.retryable


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(errors.UsageError, match="there is no option sauce"):
        _native.Transfer({"sauce": "x"})


def test_a_wrong_choice_is_named() -> None:
    with pytest.raises(errors.UsageError, match='format cannot be "xml"'):
        _native.Transfer({"source": "a", "format": "xml"})


@pytest.mark.parametrize("value", [-1, 2**70, "many", 1.5])
def test_a_number_that_cannot_be_one_is_wrong_usage(value: object) -> None:
    with pytest.raises(errors.UsageError, match="max_rejected"):
        _native.Transfer({"source": "a", "max_rejected": value})
