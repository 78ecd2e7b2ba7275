"""Every block in README and docs says what it is; tests/services/docs runs those with code."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.doc_blocks import MARKS, NO_CODE, RUN, Block, blocks, commands, pages, same
from support.doc_reasons import REASONS, reason_of, starts_of
from support.paths import ROOT

BLOCKS = [block for page in pages() for block in blocks(page)]
CODE = ("$ ", "airscoop ", "import ", "from ", "./run ", "export ", "with ")


def faults(block: Block) -> list[str]:
    """What is wrong with a block's first line."""
    kind, _, mark = block.info.partition(" ")
    if block.info in NO_CODE:
        lines = block.text.splitlines()
        found = [line for line in lines if line.startswith(CODE) and block.info == "text"]
        return [f"{block.place}: it is called text, and has code: {found[0]}"] if found else []
    if kind not in RUN:
        return [f"{block.place}: ```{block.info} is none of {', '.join((*RUN, *NO_CODE))}"]
    if mark not in ("", *MARKS):
        return [f"{block.place}: ```{block.info}: a mark is one of {', '.join(MARKS)}"]
    if mark and reason_of(block) is None:
        return [f"{block.place}: support/doc_reasons.py does not say why it is not run"]
    if kind == "console" and not mark:
        return [] if list(commands(block.text)) else [f"{block.place}: it has no command"]
    return []


def test_every_block_is_run_or_says_why_not() -> None:
    assert [fault for block in BLOCKS for fault in faults(block)] == []


def test_no_reason_is_left_behind() -> None:
    marked = [each for each in BLOCKS if each.info.endswith(MARKS)]
    begun = {(each.page, start) for each in marked for start in starts_of(each)}
    assert {(page, start) for page, starts in REASONS.items() for start in starts} - begun == set()


def test_a_test_that_runs_a_block_is_there() -> None:
    reasons = [reason for starts in REASONS.values() for reason in starts.values()]
    tests = [reason for reason in reasons if reason.startswith("tests/")]
    assert [test for test in tests if not (ROOT / test).is_file()] == []


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("```console\n$ airscoop copy a b\n```", ""),
        ("```text\na drawing -> another\n```", ""),
        ("    $ airscoop copy a b", "indented"),
        ("- a list\n\n        airscoop copy a b", "indented"),
        ("```\nairscoop copy a b\n```", "is none of"),
        ("```bash\nairscoop copy a b\n```", "is none of"),
        ("```text\n$ airscoop copy a b\n```", "has code"),
        ("```text\nimport airscoop\n```", "has code"),
        ("```console some\n$ airscoop copy a b\n```", "a mark is one of"),
        ("```console aws\n$ airscoop copy a b\n```", "does not say why"),
        ("```python elsewhere\nairscoop.copy()\n```", "does not say why"),
        ("```console\n```", "no command"),
    ],
)
def test_a_block_that_nobody_would_run_is_found(tmp_path: Path, lines: str, fault: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{lines}\n\nMore.\n")
    (block,) = blocks(page, tmp_path)
    assert fault in "".join(faults(block)) if fault else faults(block) == []


def test_commands_are_told_from_what_they_print() -> None:
    text = "$ a \\\n    b\n$ for each in 1; do\n> c\n> done\n1\n$ d\nout\n\nmore"
    assert list(commands(text)) == [
        ("a \\\n    b", ""),
        ("for each in 1; do\nc\ndone", "1"),
        ("d", "out\n\nmore"),
    ]


@pytest.mark.parametrize(
    ("printed", "shown", "equal"),
    [
        ("2 records, 0.3 s\n", "2 records, 0.1 s", True),
        ("2 records, 0.3 s", "3 records, 0.3 s", False),
        ("a\nb\nc", "a\n…\nc", True),
        ("a\nb\nc\nd", "a\n…\nc", False),
        ("at 127.0.0.1:1234", "at 127.0.0.1:8333", True),
        ("", "a", False),
        ("[a] (b*)", "[a] (b*)", True),
    ],
)
def test_what_is_printed_is_compared_with_what_is_shown(
    printed: str, shown: str, equal: bool
) -> None:
    assert same(printed, shown) is equal
