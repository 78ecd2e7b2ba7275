"""The exceptions come from the engine's table, and Python knows them all."""

from __future__ import annotations

import re

import pytest

import airscoop
from airscoop import _native, errors
from airscoop.cli import ending
from support.paths import ROOT

HEADER = re.sub(r"\s*\\\n\s*", " ", (ROOT / "csrc/include/scoop/error.h").read_text())
TABLE = re.findall(r'X\((\w+), "(\w+)", (?:"(\w+)"|NULL), (true|false), "([^"]+)"\)', HEADER)
BASES = ("UsageError", "DataError", "AccessError", "ConflictError", "TransientError")
ABSTRACT = {"AirscoopError", *BASES} - {"UsageError"}


def known(name: str) -> type[airscoop.AirscoopError]:
    found: type[airscoop.AirscoopError] = getattr(errors, name)
    return found


def test_the_table_was_read() -> None:
    assert len(TABLE) > 25
    assert {"USAGE", "TRUNCATED", "LOCAL_STACK", "INTERNAL"} <= {code for code, *_ in TABLE}


@pytest.mark.parametrize(("code", "name", "base", "retryable", "sentence"), TABLE)
def test_every_code_has_its_exception(
    code: str, name: str, base: str, retryable: str, sentence: str
) -> None:
    exception = known(name)
    assert issubclass(exception, airscoop.AirscoopError)
    assert name in errors.__all__
    if code != "OK":
        assert exception.__bases__[0] is getattr(errors, base)
        assert exception.code == code
        assert exception.retryable is (retryable == "true")
        assert exception.__doc__ == sentence


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - ABSTRACT))
def test_every_class_has_one_base_and_the_exit_code_of_it(name: str) -> None:
    bases = [each for each in BASES if issubclass(known(name), known(each))]
    assert len(bases) == 1 or (name, bases) == ("InternalError", [])
    expected = {"UsageError": 2, "DataError": 3}.get("".join(bases), 1)
    assert ending.exit_code(known(name)) == expected


def test_the_bases_are_under_nothing_else() -> None:
    assert {known(name).__bases__ for name in BASES} == {(airscoop.AirscoopError,)}


def test_what_is_transient_may_succeed_later_unless_it_says_otherwise_of_itself() -> None:
    final = {name for _, name, base, again, _ in TABLE if (base, again) == (BASES[4], "false")}
    assert final == {"HttpError", "PrefixIncomplete"}


def test_the_type_stub_names_every_exception_with_its_base() -> None:
    stub = (ROOT / "airflow_plugin/airscoop/_native.pyi").read_text()
    found = re.findall(r"^class (\w+)\((.*(?:Error|Exception))\):", stub, re.MULTILINE)
    assert {name for name, _ in found} == set(errors.__all__)
    for name, bases in found:
        assert [each.__name__ for each in known(name).__bases__] == bases.split(", ")


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
