"""The stages agree with CPython's ast, json and gzip on generated data, however input is cut."""

from __future__ import annotations

import ast
import gzip
import json
import warnings
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.stages import (
    JSON_TOKENS,
    NotJson,
    Outcome,
    any_text,
    check_storable,
    chunks,
    distinct,
    folded,
    json_values,
    run,
    same,
    storable,
    strict_json,
    thorough,
)

pytestmark = pytest.mark.usefixtures("stage_tool")


class Pairs(list[Any]):
    """An object as (key, escaped, value), so that keys may be equal."""


def only_value(outcome: Outcome) -> Any:
    """The one record's value; NotJson when it was rejected."""
    if outcome.counters["rejected"]:
        assert outcome.output == b""
        raise NotJson
    (value,) = outcome.values
    return value


def bytes_as_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def key_as_json(key: Any) -> str:
    if isinstance(key, bytes):
        key = bytes_as_text(key)
    if isinstance(key, tuple) or key != key or key in (float("inf"), float("-inf")):
        raise NotJson("key")
    if isinstance(key, str):
        return storable(key)
    (text,) = json.loads(json.dumps({key: 0}))
    return str(text)


def as_json(value: Any) -> Any:
    """The JSON value that the literal stage makes of a Python value."""
    if isinstance(value, dict):
        return distinct([(key_as_json(key), as_json(item)) for key, item in value.items()])
    if isinstance(value, list | tuple | set):
        return [as_json(item) for item in value]
    if isinstance(value, bytes):
        return storable(bytes_as_text(value))
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, bool | int):
        return value
    if not isinstance(value, float) or value != value or value in (float("inf"), -float("inf")):
        raise NotJson(repr(value))
    return value


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    any_text,
    st.binary(max_size=8),
    st.text("'\"\\\n\r\tÿ\x7f\x00é😀", max_size=6),
)
hashable = st.one_of(scalars, st.tuples(scalars), st.tuples())
python_values = st.recursive(
    hashable,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.sets(hashable, max_size=3),
        st.dictionaries(hashable, inner, max_size=4),
    ),
    max_leaves=12,
)


@thorough
@given(python_values, chunks)
@example({5.960464477539063e-08: None}, "1")  # printf's tie is not repr's
def test_a_repr_becomes_the_json_of_its_value(value: Any, chunk: str) -> None:
    outcome = run("literal", repr(value).encode() + b"\n", chunk)
    try:
        expected = as_json(value)
    except NotJson:
        assert outcome.counters["rejected"] == 1
    else:
        assert same(only_value(outcome), expected)


# Hexadecimal and the like stand in brackets: grown beyond 64 bits they are refused.
LITERAL_TOKENS = [
    *"{}[](),:",
    *[
        "'a'",
        '"b"',
        "b'c'",
        "u'd'",
        "rb'\\e'",
        "r'\\n'",
        "'''t'''",
        "''",
        "'\\x41'",
        "'\\xe9\\u00e9'",
    ],
    *[
        "'\\ud83d'",
        "'\\ude00'",
        "'\\400'",
        "'\\q'",
        "'it\\'s'",
        "b'\\xc3\\xa9'",
        "b'\\xff'",
        "bu'x'",
    ],
    *[
        "1",
        "-1",
        "+1",
        "- 1",
        "0",
        "00",
        "-0",
        "017",
        "[0x1F]",
        "[0o17]",
        "[0b11]",
        "0b2",
        "1_0",
        "1__0",
    ],
    *["1.", ".5", "1.5e3", "1e5", "00.5", "1e400", "-0.0", "1e22", "1j", "[0xffffffffffffffff]"],
    *[
        "True",
        "False",
        "None",
        "null",
        "set()",
        "{}",
        "()",
        "...",
        " ",
        "\t",
        "# c\n",
        "\n",
        "\\\n",
    ],
]
KNOWN_SUPERSET = (TypeError,)  # sets and keys that Python cannot hash


@thorough
@given(st.lists(st.sampled_from(LITERAL_TOKENS), max_size=9).map("".join), chunks)
@example("(1),", "1")
@example("{'a' 'b': 1,}", "1")
@example("{(1): 2, (1.50): 3, ('x'): ('y' 'z')}", "1")
@example("{1: 2} # c\n", "2")
def test_token_soup_is_read_as_literal_eval_reads_it(soup: str, chunk: str) -> None:
    text = f"[{soup}]"
    outcome = run("literal", text.encode(), chunk)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = as_json(ast.literal_eval(text))
    except KNOWN_SUPERSET:
        return
    except (NotJson, ValueError, SyntaxError, MemoryError):
        assert outcome.counters["rejected"] >= 1
    else:
        actual = only_value(outcome)
        if "{" not in soup:  # Python's sets lose order and duplicates, its dicts merge True and 1
            assert same(actual, expected)


@thorough
@given(st.lists(json_values, max_size=5), chunks, st.booleans(), st.sampled_from([None, 1]))
def test_json_passes_and_keeps_its_value(
    values: list[Any], chunk: str, ascii_only: bool, indent: int | None
) -> None:
    def dumps(value: Any) -> bytes:
        text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
        return text.encode("utf-8", "surrogatepass")

    expected = []
    for value in values:
        try:
            expected.append(check_storable(strict_json(dumps(value))))
        except NotJson:
            assert run("json_check", dumps(value), chunk).counters["rejected"] >= 1
    lines = b"".join(dumps(value) + b"\n" for value in expected)
    outcome = run("json_check", lines, chunk)
    assert same(outcome.values, expected)
    assert outcome.counters["in"] == len(expected)
    if indent is None:
        assert outcome.output == lines


keyed_values = st.recursive(
    st.integers(0, 9),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(
            st.tuples(
                st.text(st.sampled_from("aAbBéÉ_2[{@`\\/\n"), max_size=12), st.booleans(), inner
            ),
            max_size=30,
        ).map(Pairs),
    ),
    max_leaves=40,
)


def text_of(value: Any) -> str:
    """JSON of values with pairs, each key written as it is or with escapes."""
    if isinstance(value, Pairs):
        return (
            "{"
            + ", ".join(
                (
                    "".join(f"\\u{ord(c):04x}" for c in key) if escaped else json.dumps(key)[1:-1]
                ).join('""')
                + ":"
                + text_of(item)
                for key, escaped, item in value
            )
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    return str(value)


def renamed(value: Any) -> Any:
    """What "rename" makes of it: the first keeps its name, the others get the next free number."""
    if not isinstance(value, Pairs):
        return [renamed(item) for item in value] if isinstance(value, list) else value
    taken = {folded(key) for key, _, _ in value}
    seen: dict[str, int] = {}
    names = []
    for key, _, _ in value:
        name, number = key, seen.get(folded(key), 0)
        if number:
            number = max(number, 1) + 1
            while folded(f"{key}_{number}") in taken:
                number += 1
            name = f"{key}_{number}"
        seen[folded(key)] = number or 1
        names.append(name)
    return [(name, renamed(item)) for name, (_, _, item) in zip(names, value, strict=True)]


def pairs_of(line: bytes) -> Any:
    return json.loads(line, object_pairs_hook=lambda pairs: [(key, item) for key, item in pairs])


@thorough
@given(keyed_values, chunks)
def test_keys_equal_but_for_case_are_found_at_any_depth(value: Any, chunk: str) -> None:
    line = text_of(value).encode() + b"\n"
    try:
        json.loads(line, object_pairs_hook=distinct)
    except NotJson:
        clash = True
    else:
        clash = False
    assert run("json_check", line, chunk).counters["rejected"] == clash
    assert run("json_check", line, chunk, "keep").output == line
    named = run("json_check", line, chunk, "rename")
    assert named.counters["out"] == 1
    json.loads(named.output, object_pairs_hook=distinct)  # no two are equal any more
    if not clash:
        assert named.output == line
    elif b"_" not in line and b"u005f" not in line:
        assert pairs_of(named.output) == renamed(value)


def assert_checked_like_python(line: bytes, chunk: str) -> None:
    outcome = run("json_check", line, chunk)
    if not line.strip(b" \t\r"):
        assert outcome.counters["in"] == 0
        return
    try:
        expected = check_storable(strict_json(line))
    except NotJson:
        assert outcome.counters["out"] == 0
    else:
        assert same(only_value(outcome), expected)
        assert outcome.output == line + b"\n"


@thorough
@given(st.lists(st.sampled_from(JSON_TOKENS), max_size=8).map(b"".join), chunks)
@example(b"012", "1")
@example(b"truefalse", "1")
@example(b"1 2", "1")
@example(b'[1,2]"a"', "1")
def test_json_soup_is_judged_as_json_loads_judges_it(line: bytes, chunk: str) -> None:
    assert_checked_like_python(line, chunk)


@thorough
@given(json_values, st.data(), chunks)
def test_damaged_json_is_judged_as_json_loads_judges_it(
    value: Any, data: st.DataObject, chunk: str
) -> None:
    line = bytearray(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    at = data.draw(st.integers(0, len(line)))
    byte = data.draw(st.sampled_from(b'\x00\x1f "\\{}[],:0-.eEtu\x7f\x80\xc0\xed\xf4\xff'))
    cut = data.draw(st.integers(0, 2))
    line[at : at + cut] = bytes([byte])
    assert_checked_like_python(bytes(line), chunk)


@thorough
@given(
    st.sampled_from(["json_check", "literal"]),
    st.lists(
        st.one_of(st.sampled_from(JSON_TOKENS), st.sampled_from(LITERAL_TOKENS).map(str.encode)),
        max_size=30,
    ).map(b"".join),
    st.sampled_from([(), ("replace",), ("null",)]),
)
def test_results_do_not_depend_on_how_input_is_cut(
    stage: str, text: bytes, options: tuple[str, ...]
) -> None:
    text = text.replace(b"\t", b"\n")
    whole = run(stage, text, *options)
    for chunk in ("1", "2", "5", "13"):
        assert run(stage, text, chunk, *options) == whole


@thorough
@given(
    st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 9), st.integers(0, 5)), max_size=4),
    st.integers(0, 2000),
    chunks,
)
def test_gunzip_reads_what_was_written_and_sees_every_cut(
    members: list[tuple[bytes, int, int]], cut: int, chunk: str
) -> None:
    data, inside, text = b"", set(), b""
    for content, level, padding in members:
        member = gzip.compress(content, level)
        inside |= set(range(len(data) + 1, len(data) + len(member)))
        data += member + (b"\0" * padding)
        text += content
    outcome = run("gunzip", data, chunk)
    assert (outcome.code, outcome.output) == ("OK", text)
    assert outcome.counters["members"] == len(members)
    cut = min(cut, len(data))
    outcome = run("gunzip", data[:cut], chunk)
    assert outcome.code == ("TRUNCATED" if cut in inside else "OK")
    assert text.startswith(outcome.output)


@thorough
@given(st.binary(max_size=200), st.integers(0, 250), st.integers(1, 255), chunks)
def test_gunzip_never_takes_damaged_data_for_other_data(
    content: bytes, at: int, flip: int, chunk: str
) -> None:
    data = bytearray(gzip.compress(content))
    data[at % len(data)] ^= flip
    outcome = run("gunzip", bytes(data), chunk)
    assert outcome.code != "OK" or outcome.output == content


@thorough
@given(st.binary(max_size=5000), chunks)
def test_gzip_writes_what_gzip_reads_and_the_same_bytes_however_cut(
    content: bytes, chunk: str
) -> None:
    outcome = run("gzip", content, chunk)
    assert gzip.decompress(outcome.output) == content
    assert run("gzip", content).output == outcome.output
