"""Timeouts, retries and restarts: what is understood, and what a wrong value is told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.cli.web import add_web, web_of
from airscoop.transfer import web

SECONDS = {"connect": 1.5, "first_byte": 2, "idle": 3, "whole": 4}


def native(**given: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"timeout": None, "retry_seconds": None, "restarts": None}
    said = web.native(**told | given)
    said.pop("retry_base_ms")  # the tests' own
    return {name: value for name, value in said.items() if value is not None}


def test_nothing_said_leaves_everything_to_the_engine() -> None:
    assert native() == {}


@pytest.mark.parametrize(
    "form", [airscoop.Timeouts(**SECONDS, min_rate=7), SECONDS | {"min_rate": 7}]
)
def test_a_timeout_is_said_by_names(form: Any) -> None:
    assert native(timeout=form) == {
        "connect_ms": 1500, "first_byte_ms": 2000, "idle_ms": 3000, "whole_ms": 4000,
        "least_rate": 7,
    }  # fmt: skip


def test_a_number_is_the_time_of_the_whole() -> None:
    assert native(timeout=90) == {"whole_ms": 90_000}
    assert native(timeout=0.0001) == {"whole_ms": 1}


def test_nought_is_no_retry_and_no_restart() -> None:
    assert native(retry_seconds=0, restarts=0) == {"retry_ms": -1, "restarts": -1}
    assert native(retry_seconds=0.25, restarts=5) == {"retry_ms": 250, "restarts": 5}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"timeout": "5"}, r"timeout cannot be '5': write a number of seconds .*Timeouts\("),
        ({"timeout": True}, "timeout cannot be True"),
        ({"timeout": (1, 2)}, "timeout cannot be"),
        ({"timeout": 0}, "timeout: whole has to be a number from above 0 to .*leave it out"),
        ({"timeout": -1}, "timeout: whole"),
        ({"timeout": float("nan")}, "timeout: whole"),
        ({"timeout": float("inf")}, "timeout: whole"),
        ({"timeout": {"first-byte": 1}}, "timeout knows connect, first_byte, .*not first-byte"),
        ({"timeout": {"idle": "1"}}, "timeout: idle has to be a number, not '1'"),
        ({"timeout": {"min_rate": 0.5}}, "timeout: min_rate has to be a whole number, not 0.5"),
        ({"timeout": {"min_rate": 0}}, "timeout: min_rate"),
        ({"retry_seconds": -1}, r"retry_seconds has to be .*\(0: no retry\)"),
        ({"retry_seconds": "30"}, "retry_seconds has to be a number, not '30'"),
        ({"retry_seconds": 1e12}, "retry_seconds has to be a number from 0 to 1,000,000"),
        ({"restarts": 1.0}, "restarts has to be a whole number, not 1.0"),
        ({"restarts": True}, "restarts has to be a whole number"),
        ({"restarts": 10**9}, r"restarts .*1,000.*\(0: none\)"),
    ],
)
def test_a_wrong_value_is_told_what_to_write(
    given: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(errors.UsageError, match=told):
        airscoop.copy("http://127.0.0.1:1/f", tmp_path / "f", **given)
    with pytest.raises(errors.UsageError, match=told):
        airscoop.open("http://127.0.0.1:1/f", "rb", **given).read()


def parsed(*words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_web(parser)
    return {**web_of(parser.parse_args(words))}


def test_flags_say_the_same() -> None:
    names = "connect=1.5,first-byte=2,idle=3,whole=4,min-rate=10K"
    request = {"headers": None, "body": None, "idempotent": False}
    assert parsed("--timeout", names, "--retry-seconds", "0", "--restarts", "0") == request | {
        "timeout": airscoop.Timeouts(**SECONDS, min_rate=10240),
        "retry_seconds": 0,
        "restarts": 0,
    }
    assert parsed("--timeout", "90")["timeout"] == airscoop.Timeouts(whole=90)
    assert parsed() == request | {"timeout": None, "retry_seconds": None, "restarts": None}


@pytest.mark.parametrize(
    "words",
    [
        "connect", "connect=", "=5", "connect=5,", "connect=5,7", "connect=5,connect=6", "first=5",
        "first_byte=5", "idle=x", "idle=0", "min-rate=x", "",
    ],
)  # fmt: skip
def test_a_timeout_that_cannot_be_read_is_refused(words: str) -> None:
    with pytest.raises(argparse.ArgumentError, match="--timeout"):
        parsed("--timeout", words)
