"""What the command says of wrong lines, and how it helps to write right ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "airscoop"]
TWO_BAD = '{"n": 1}\n{"n": }\n{"n": 3}\n{x\n'


def airscoop(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.jsonl"
    path.write_text(TWO_BAD)
    return path


@pytest.mark.parametrize(
    ("line", "usage", "meant"),
    [
        ("copy --jbos 3 a b", "airscoop copy", "there is no flag --jbos; did you mean --jobs?"),
        ("check --formt=csv", "airscoop check", "there is no flag --formt; did you mean --format?"),
        ("uploads clean --yess", "airscoop uploads clean", "did you mean --yes?"),
        ("partition ad t", "airscoop partition", "did you mean add?"),
        ("cpoy a b", "airscoop", "did you mean copy?"),
        ("copy a b --format jsnol", "airscoop copy", "did you mean jsonl?"),
    ],
)
def test_a_mistyped_word_is_told_with_its_verbs_usage_and_what_was_meant(
    line: str, usage: str, meant: str
) -> None:
    done = airscoop(*line.split())
    assert done.returncode == 2
    assert done.stderr.startswith(f"usage: {usage} [-h]")
    assert done.stderr.splitlines()[-1].endswith(meant)
    as_json = airscoop(*line.split(), "--json")
    assert len(as_json.stderr.splitlines()) == len(as_json.stdout.splitlines()) == 1
    assert json.loads(as_json.stdout)["error"] == "USAGE"


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("insert", "airscoop insert [-h] --columns A,B,… --key A,B,… source target"),
        ("copy --memory-limit x a b", "airscoop copy [-h] source [source ...] destination"),
        ("check --show -1 a", "airscoop check [-h] source"),
        ("local", "airscoop local [-h] VERB ..."),
        ("completion", "airscoop completion [-h] {bash,zsh,fish}"),
    ],
)
def test_a_wrong_line_is_told_in_three_lines_with_what_the_verb_needs(
    line: str, usage: str
) -> None:
    told = airscoop(*line.split()).stderr.splitlines()
    verb = usage.partition(" [-h]")[0]
    assert told[:2] == [f"usage: {usage}", f"{verb} -h names all flags"]
    assert told[2].startswith(f"{verb}: error: ")
    assert len(told) == 3


@pytest.mark.parametrize("flag", ["--json", "--overwrite=yes", "--quiet"])
def test_a_flag_before_the_verb_is_told_where_it_stands(flag: str) -> None:
    done = airscoop(flag, "copy", "a", "b")
    assert done.returncode == 2
    name = flag.partition("=")[0]
    where = "the flags of a verb stand behind it"
    assert done.stderr.splitlines()[-1] == f"airscoop: error: there is no flag {name} here: {where}"


def test_help_of_a_verb_is_asked_for_in_two_ways() -> None:
    for words in (["copy"], ["partition", "add"], []):
        done = airscoop("help", *words)
        assert (done.returncode, done.stdout) == (0, airscoop(*words, "--help").stdout)


def test_what_fails_in_the_local_stack_is_json_too(tmp_path: Path) -> None:
    for line in ("up --s3-endpoint garbage", "env"):
        done = airscoop("local", *line.split(), "--json", AIRSCOOP_LOCAL_DIR=str(tmp_path))
        assert done.returncode == 1
        assert json.loads(done.stdout)["error"] == "LOCAL_STACK"
        assert len(done.stdout.splitlines()) == 1


def test_a_bad_record_is_told_by_facts(bad: Path) -> None:
    facts = json.loads(airscoop("check", bad, "--json").stdout)
    told = {name: facts[name] for name in ("error", "source", "line", "byte_offset", "snippet")}
    assert told == {
        "error": "BAD_RECORD",
        "source": str(bad),
        "line": 2,
        "byte_offset": 9,
        "snippet": '{"n": }',
    }
    assert facts["reason"] in facts["message"]


def test_check_shows_as_many_bad_records_as_are_asked_for(bad: Path) -> None:
    done = airscoop("check", bad, "--show", "9")
    first, second = done.stdout.splitlines()
    assert first.startswith("line 2 (byte 9): ") and first.endswith('"{\\"n\\": }"')
    assert second.startswith("line 4 (byte 26): ")
    assert done.returncode == 3
    assert "2 of 4 records are bad, the first on line 2 (byte 9)" in done.stderr
    one = airscoop("check", bad, "--show", "1", "--max-rejected", "2")
    assert one.returncode == 0
    assert one.stdout.splitlines()[0] == first
    assert "4 records in = 2 out + 2 rejected" in one.stdout.splitlines()[1]
    as_json = airscoop("check", bad, "--show", "1", "--max-rejected", "2", "--json")
    assert json.loads(as_json.stdout)["records_rejected"] == 2
    assert json.loads(as_json.stderr)["line"] == 2


def test_the_summary_says_where_rejected_records_went(bad: Path, tmp_path: Path) -> None:
    done = airscoop("copy", bad, tmp_path / "out", "--format", "jsonl", "--max-rejected", "2")
    assert f"put aside in {tmp_path}/_rejects/out.jsonl" in done.stdout


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("airscoop co", {"copy", "completion"}),
        ("airscoop copy --max-rec", {"--max-record-bytes"}),
        ("airscoop check --format js", {"jsonl", "json-array", "json-values"}),
        ("airscoop partition a", {"add"}),
    ],
)
def test_the_shell_is_told_what_may_come_next(line: str, words: set[str], tmp_path: Path) -> None:
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "told"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    airscoop(**asked)
    assert {word.strip() for word in (tmp_path / "told").read_text().split("\n")} == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_completion(shell: str) -> None:
    done = airscoop("completion", shell)
    assert done.returncode == 0
    assert "airscoop" in done.stdout
