"""Collects every cmocka case of tests/c/*_test.c as one pytest item per build flavor."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.building import make
from support.paths import ROOT

FLAVORS = ("plain", "sanitized")
CASE = re.compile(r"cmocka_unit_test(?:_setup_teardown)?\(\s*(\w+)")


@functools.cache
def threaded() -> set[str]:
    """The programs that csrc/Makefile also builds as flavor "threads"."""
    makefile = (ROOT / "csrc" / "Makefile").read_text().replace("\\\n", " ")
    (programs,) = re.findall(r"^TESTS_threads := (.+)$", makefile, re.MULTILINE)
    return set(programs.split())


@functools.cache
def build(flavor: str) -> str:
    """Builds library and tests once; returns the compiler's output when that failed."""
    return make(f"FLAVOR={flavor}")


@functools.cache
def run(flavor: str, program: str) -> tuple[dict[str, str | None], str]:
    """Runs one test program; returns each case's failure text (None: passed) and all output."""
    binary = ROOT / "build" / "c" / flavor / "tests" / program
    environment = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "XML", "AIRSCOOP_ROOT": str(ROOT)}
    done = subprocess.run([binary], capture_output=True, env=environment, cwd=ROOT)
    if b"unexpected memory mapping" in done.stderr:  # TSan, where addresses are too random for it
        command: list[str | Path] = ["setarch", "-R", binary]
        done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT)
    output = done.stdout.decode(errors="replace")
    everything = output + done.stderr.decode(errors="replace") + f"\nexit {done.returncode}"
    results: dict[str, str | None] = {}
    for document in re.findall(r"<testsuites>.*?</testsuites>", output, re.DOTALL):
        for case in ElementTree.fromstring(document).iter("testcase"):
            failure = case.find("failure")
            results[case.get("name", "")] = None if failure is None else (failure.text or "failed")
    return results, everything


class CaseFailed(Exception):
    """A cmocka case failed; the text is its report."""


class CmockaCase(pytest.Item):
    def __init__(self, *, flavor: str, program: str, case: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.flavor, self.program, self.case = flavor, program, case

    def runtest(self) -> None:
        problem = build(self.flavor)
        if problem:
            raise CaseFailed(problem)
        results, output = run(self.flavor, self.program)
        if self.case not in results:
            raise CaseFailed(f"{self.case} did not report:\n{output}")
        if results[self.case] is not None:
            raise CaseFailed(f"{results[self.case]}\n{output[-8000:]}")
        if not output.endswith("\nexit 0") and all(text is None for text in results.values()):
            raise CaseFailed(f"every case passed but the program failed:\n{output[-8000:]}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class CmockaFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        cases = CASE.findall(self.path.read_text())
        threads = ("threads",) if self.path.stem in threaded() else ()
        for flavor in FLAVORS + threads:
            for case in cases:
                yield CmockaCase.from_parent(
                    self,
                    name=f"{case}[{flavor}]",
                    flavor=flavor,
                    program=self.path.stem,
                    case=case,
                )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".c" and file_path.stem.endswith("_test"):
        return CmockaFile.from_parent(parent, path=file_path)
    return None
