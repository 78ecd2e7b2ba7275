"""Documents that hold arrays, and values one after another, agree with Python's json."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.stages import (
    JSON_TOKENS,
    NotJson,
    check_storable,
    chunks,
    json_values,
    run,
    same,
    strict_json,
    thorough,
)

pytestmark = pytest.mark.usefixtures("stage_tool")

spaces = st.sampled_from(["", " ", "\n", "\r\n\t "])
CUTS = ("1", "2", "5", "13")


def good(values: list[Any]) -> list[Any]:
    """Those that are good records."""
    kept = []
    for value in values:
        with contextlib.suppress(NotJson):
            kept.append(check_storable(strict_json(encoded(value))))
    return kept


def encoded(value: Any, indent: int | None = None) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text.encode("utf-8", "surrogatepass")


def decodable(value: Any) -> bool:
    """Whether it has a JSON text: no halves of pairs, which UTF-8 has not, and no NaN."""
    try:
        strict_json(encoded(value))
        encoded(value).decode()
    except (NotJson, UnicodeDecodeError):
        return False
    return True


well_formed = json_values.filter(decodable)


@thorough
@given(st.lists(well_formed, max_size=6), st.sampled_from([None, 0, 1]), chunks)
def test_the_elements_of_an_array_become_lines(
    values: list[Any], indent: int | None, chunk: str
) -> None:
    outcome = run("json_array", encoded(values, indent), chunk)
    wanted = good(values)
    assert outcome.code == "OK"
    assert same(outcome.values, wanted)
    assert outcome.counters["rejected"] == len(values) - len(wanted)


@thorough
@given(
    st.lists(well_formed, max_size=4),
    st.lists(st.tuples(st.sampled_from("xyz"), well_formed), max_size=3, unique_by=lambda e: e[0]),
    st.sampled_from(["a", "a.b", "a.b.c", "é.b"]),
    chunks,
)
def test_an_array_is_found_by_its_path(
    values: list[Any], around: list[tuple[str, Any]], path: str, chunk: str
) -> None:
    document: Any = values
    for step in reversed(path.split(".")):
        entries = [*around, (step, document)]
        document = dict(entries[len(around) % 2 :] + entries[: len(around) % 2])
    outcome = run(f"json_array:{path}", encoded(document), chunk)
    assert outcome.code == "OK"
    assert same(outcome.values, good(values))
    missing = run(f"json_array:{path}.q", encoded(document), chunk)
    assert missing.code == "BAD_RECORD"


@thorough
@given(st.lists(st.tuples(well_formed, spaces), max_size=6), chunks)
def test_values_one_after_another_become_lines(values: list[tuple[Any, str]], chunk: str) -> None:
    text = b""
    for value, space in values:
        bare = not isinstance(value, str | list | dict)
        text += (b" " if bare else b"") + encoded(value) + (b"\n" if bare else space.encode())
    outcome = run("json_values", text, chunk)
    wanted = good([value for value, _ in values])
    assert same(outcome.values, wanted)
    assert outcome.counters["rejected"] == len(values) - len(wanted)


def is_array(text: bytes) -> bool:
    try:
        return isinstance(strict_json(text.strip(b" \t\r\n")), list)
    except NotJson:
        return False


@thorough
@given(st.lists(st.sampled_from([*JSON_TOKENS, b",", b"]", b"\n"]), max_size=9).map(b"".join))
def test_a_document_that_python_refuses_is_never_accepted(soup: bytes) -> None:
    text = b"[" + soup + b"]"
    outcome = run("json_array", text)
    accepted = outcome.code == "OK" and outcome.counters["rejected"] == 0
    try:
        check_storable(json.loads(text.decode()))
    except (ValueError, NotJson):
        storable = False
    else:
        storable = True
    assert not accepted or is_array(text)
    if is_array(text) and storable:
        assert outcome.counters["out"] == len(json.loads(text))


@thorough
@given(
    st.sampled_from(["json_array", "json_array:a.b", "json_values"]),
    st.lists(
        st.sampled_from(
            [*JSON_TOKENS, b"\n", b"[", b"]", b",", b'{"a":', b'{"b":', b"}", b'"\xe2\x82\xac"']
        ),
        max_size=25,
    ).map(b"".join),
    st.sampled_from([(), ("replace",), ("rename",), ("keep",)]),
    st.sampled_from([b"", b"[", b'{"a":{"b":[', b"\xef\xbb\xbf["]),
)
def test_documents_do_not_depend_on_how_input_is_cut(
    stage: str, text: bytes, options: tuple[str, ...], start: bytes
) -> None:
    whole = run(stage, start + text, *options)
    for cut in CUTS:
        assert run(stage, start + text, cut, *options) == whole
