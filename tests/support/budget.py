"""`--budget`: how long each file of tests took, beside its share in tests/budget.toml.

It names files that took longer and fails nothing: a busy machine is no fault of a test.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict

import pytest

from support.paths import TESTS

SHARES = TESTS / "budget.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("airscoop")
    group.addoption("--budget", action="store_true", help="print seconds per file of tests")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--budget"):
        config.pluginmanager.register(Budget(SHARES.read_text()), "airscoop-budget")


class Budget:
    """Adds up set-up, call and teardown by file."""

    def __init__(self, text: str) -> None:
        given = tomllib.loads(text)
        self._shares: dict[str, float] = given["seconds"]
        self._default: float = given["default_seconds"]
        self._total: float = given["total_seconds"]
        self._taken: defaultdict[str, float] = defaultdict(float)

    def share(self, file: str) -> float:
        return self._shares.get(file, self._default)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.partition("::")[0].removeprefix("tests/")
        self._taken[file] += report.duration

    def lines(self) -> list[str]:
        """The slowest file first."""
        total = sum(self._taken.values())
        late = "  OVER ITS SHARE" if total > self._total else ""
        rows = [f"{total:9.1f} of {self._total:5.0f} s  all of them{late}"]
        for file, seconds in sorted(self._taken.items(), key=lambda taken: -taken[1]):
            over = "  OVER ITS SHARE" if seconds > self.share(file) else ""
            rows.append(f"{seconds:9.1f} of {self.share(file):5.0f} s  {file}{over}")
        return rows

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("seconds per file, and its share")
        for line in self.lines():
            terminalreporter.line(line)
