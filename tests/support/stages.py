"""The stages alone, by a tool that reads and writes pipes, and what Python's json says."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st

from support.building import make
from support.paths import ROOT
from support.properties import examples

TOOL = ROOT / "build" / "c" / "plain" / "tests" / "stage_tool"


thorough = examples(200, HealthCheck.too_slow)


class NotJson(Exception):
    """The value has no JSON form, or one that is refused."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    output: bytes
    code: str
    counters: dict[str, int]
    rejects: list[dict[str, Any]]

    @property
    def values(self) -> list[Any]:
        return [json.loads(line) for line in self.output.split(b"\n")[:-1]]


@pytest.fixture(scope="session")
def stage_tool() -> None:
    assert make() == ""


def run(stage: str, data: bytes, *options: str) -> Outcome:
    done = subprocess.run([TOOL, stage, *options], input=data, capture_output=True)
    *rejects, last = [json.loads(line) for line in done.stderr.decode("latin-1").splitlines()]
    counters = {name: value for name, value in last.items() if isinstance(value, int)}
    assert counters["in"] == counters["out"] + counters["rejected"]
    assert (done.returncode == 0) == (last["code"] == "OK")
    return Outcome(output=done.stdout, code=last["code"], counters=counters, rejects=rejects)


def refuse_constant(name: str) -> Any:
    raise NotJson(name)


def storable(text: str) -> str:
    """Surrogate pairs joined, as every JSON reader does; NUL and lone halves refused."""
    try:
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise NotJson("lone surrogate") from None
    if "\0" in joined:
        raise NotJson("NUL")
    return joined


def folded(key: str) -> str:
    """The key as keys are compared: A to Z as a to z."""
    return "".join(chr(ord(c) | 0x20) if "A" <= c <= "Z" else c for c in key)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; NotJson when keys are equal but for case."""
    if len({folded(key) for key, _ in pairs}) < len(pairs):
        raise NotJson("key")
    return dict(pairs)


def check_storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [check_storable(item) for item in value]
    if isinstance(value, dict):
        return distinct([(storable(key), check_storable(item)) for key, item in value.items()])
    return value


def joined_distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The same of keys as json.loads finds them, which may hold halves of surrogate pairs."""
    texts = [key.encode("utf-16-le", "surrogatepass") for key, _ in pairs]
    keys = [text.decode("utf-16-le", "replace") for text in texts]
    distinct([(key, None) for key in keys])
    return dict(pairs)


def strict_json(line: bytes) -> Any:
    """What json.loads gives, without what it lets pass beyond the standard."""
    try:
        return json.loads(
            line.decode(), parse_constant=refuse_constant, object_pairs_hook=joined_distinct
        )
    except (ValueError, RecursionError):
        raise NotJson from None


def same(actual: Any, expected: Any) -> bool:
    """Equal, with 1, 1.0 and True told apart, and -0.0 from 0.0."""
    return json.dumps(actual) == json.dumps(expected)


any_text = st.text(st.characters(), max_size=20)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), any_text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(any_text, inner, max_size=4)
    ),
    max_leaves=12,
)


chunks = st.sampled_from(["1", "2", "3", "7", "64", "4096"])


JSON_TOKENS = [
    *(part.encode() for part in "{}[],: \t\r"),
    *[
        b'"a"',
        b'""',
        b'"\\u00e9"',
        b'"\\ud83d\\ude00"',
        b'"\\ud83d"',
        b'"\\u0000"',
        b'"\\x"',
        b"'a'",
    ],
    *[
        b"1",
        b"-1",
        b"01",
        b"1.5",
        b"1.",
        b".5",
        b"1e5",
        b"1e",
        b"-",
        b"+1",
        b"1E+2",
        b"NaN",
        b"-Infinity",
    ],
    *[
        b"true",
        b"false",
        b"null",
        b"nul",
        b"True",
        b'"\xc3\xa9"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\x01"',
    ],
    *[b"\x0b", b"\x0c", b"\x00", b"\xc2\xa0", b'"', b"\\", b"/", b"//"],
]
