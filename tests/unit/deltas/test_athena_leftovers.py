"""Which tables of the catalog a killed run has left, and that nothing else is removed."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from airscoop.deltas.athena_leftovers import MadeTable, remove_left
from airscoop.process_mark import has_ended, process_mark

RUN = f"airscoop_{'0' * 32}"


def mark_of_an_ended_process() -> str:
    program = "from airscoop.process_mark import process_mark; print(process_mark())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\n")


def test_a_process_is_known_to_have_ended_only_by_its_own_machine() -> None:
    ended = mark_of_an_ended_process()
    assert has_ended(ended)
    assert not has_ended(process_mark())
    assert not has_ended(f"another {ended}")
    for text in ("", "x", "x y z", f"{process_mark()}0 ", ended.replace(" ", "")):
        assert not has_ended(text)


def test_another_process_of_the_same_number_is_another_one() -> None:
    machine, number, start = process_mark().rsplit(" ", 2)
    assert number == str(os.getpid())
    assert has_ended(f"{machine} {number} {int(start) + 1}")


@pytest.mark.parametrize(
    ("name", "hours", "ended", "left"),
    [
        (f"{RUN}_new", 0, True, True),
        (f"{RUN}_old", 0, True, True),
        (f"{RUN}_new", 0, False, False),
        (f"{RUN}_new", 5.9, False, False),
        (f"{RUN}_new", 6.1, False, True),
        (f"{RUN}_newer", 99, True, False),
        ("airscoop_report", 99, True, False),
        (f"my_{RUN}_new", 99, True, False),
    ],
)
def test_tables_of_ended_runs_and_very_old_ones_are_left(
    name: str, hours: float, ended: bool, left: bool
) -> None:
    mark = mark_of_an_ended_process() if ended else process_mark()
    assert MadeTable(name=name, mark=mark, age_seconds=hours * 3600).is_left is left


def test_what_cannot_be_removed_is_told_and_the_others_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    removed: list[str] = []

    def drop(name: str) -> None:
        if name.endswith("old"):
            raise PermissionError("not yours")
        removed.append(name)

    tables = [MadeTable(name=f"{RUN}_{side}", mark="", age_seconds=1e6) for side in ("old", "new")]
    with caplog.at_level(logging.WARNING):
        remove_left(tables, drop=drop, discard=removed.append)
    assert removed == [RUN, RUN, f"{RUN}_new"]
    assert "not yours" in caplog.text
