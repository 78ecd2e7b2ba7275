"""What the command says is in the command's own words, whoever of the engine or Python says it."""

from __future__ import annotations

import argparse
import ast
import contextlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import airscoop
from airscoop.cli.command import parser
from airscoop.cli.wording import flags_of, spoken
from support.paths import PACKAGE_ROOT, ROOT

STRINGS = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+')
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
SQL = re.compile(r"\b(VARCHAR|VALUES|SET|SHOW|SELECT)\b|statement_timeout TO|^bytes=")
# What no line of the command can lead to: it is only Python's, Airflow's, or checked before.
UNREACHABLE = (
    "key=value pairs",
    "credentials_provider",
    "expires_at",
    "max_in_flight",
    "if_match",
    'engine="athena" ',
    'compression="keep") as file',
    "field order_by",
    "as {1}",
)


def verbs(
    of: argparse.ArgumentParser, *names: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every parser of the command with its words."""
    yield " ".join(names), of
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, verb in action.choices.items():
                yield from verbs(verb, *names, name)


VERBS = dict(verbs(parser()))
ALL_FLAGS = {name: action for verb in VERBS.values() for name, action in flags_of(verb).items()}


def arguments() -> set[str]:
    """The names that Python's callers know."""
    found: set[str] = set()
    for name in (*airscoop.__all__, "open"):
        public = getattr(airscoop, name)
        for one in (public, *(vars(public).values() if inspect.isclass(public) else ())):
            with contextlib.suppress(ValueError, TypeError):  # an error, a type of Python's
                found |= set(inspect.signature(one).parameters)
    return found | {"compression_level"}


def raised(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def texts() -> Iterator[str]:
    """What the engine and the package may say."""
    for path in sorted((ROOT / "csrc").rglob("*.c")):
        for strings in STRINGS.findall(path.read_text()):
            yield "".join(STRING.findall(strings)).replace('\\"', '"')
    for path in sorted((PACKAGE_ROOT / "airscoop").rglob("*.py")):
        if not {"cli", "local", "hooks", "operators", "systems"} & set(path.parts):
            yield from raised(path)


def test_no_message_of_the_command_has_the_name_of_an_argument_of_python() -> None:
    names = "|".join(sorted(arguments(), key=len, reverse=True))
    mention = re.compile(rf"\b(?:{names})\b")
    found = []
    seen = 0
    for text in texts():
        if " " not in text or SQL.search(text) or any(one in text for one in UNREACHABLE):
            continue
        seen += any("_" in one for one in mention.findall(text))
        said = spoken(text, ALL_FLAGS)
        found += [said for one in mention.findall(said) if "_" in one or f" {one}=" in said]
    assert seen > 50
    assert found == []


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("longer than max_record_bytes, 4194304", "longer than --max-record-bytes, 4M"),
        ("memory_limit 1000 is less than the least, 3145728",
         "--memory-limit 1000 is less than the least, 3M"),
        ("max_record_bytes is at most 2147483648", "--max-record-bytes is at most 2G"),
        ("a row (byte 4096) has more than max_record_bytes, 1025",
         "a row (byte 4096) has more than --max-record-bytes, 1025"),
        ('say on_key_case="rename", or on_key_case="keep"',
         "say --on-key-case rename, or --on-key-case keep"),
        ("split it (split_bytes=, --split-bytes)", "split it (--split-bytes)"),
        ("split_replace=True (--split-replace)", "--split-replace"),
        ("overwrite=False needs a file", "--no-overwrite needs a file"),
        ("compression_level is for gzip", "--level is for gzip"),
        ("that endpoint_url and region are those of its server",
         "that --endpoint-url and --region are those of its server"),
        ("allow_plain accepts it", "--allow-plain accepts it"),
    ],
)  # fmt: skip
def test_arguments_are_flags_and_sizes_have_units(message: str, said: str) -> None:
    assert spoken(message, flags_of(VERBS["copy"])) == said


@pytest.mark.parametrize(
    "text",
    [
        "/data/max_rejected/x",
        "my_max_rejected",
        '"max_rejected"',
        "s3://b/max_rejected=1/x",
        "x.jobs=2/y",
    ],
)
def test_names_of_the_users_stay(text: str) -> None:
    assert spoken(f"{text}: not found", flags_of(VERBS["copy"])) == f"{text}: not found"
    flags, words = flags_of(VERBS["copy"]), ["copy", "max_rejected", "max_rejected=1"]
    assert spoken("opening max_rejected: no", flags, words) == "opening max_rejected: no"


@pytest.mark.parametrize("words", [words for words in VERBS if words])
def test_every_verb_and_every_flag_has_help(words: str) -> None:
    verb = VERBS[words]
    assert verb.description
    actions = [one for one in verb._actions if not isinstance(one, argparse._SubParsersAction)]
    assert [one.option_strings or one.dest for one in actions if not one.help] == []
