"""README says what is true elsewhere in the repository: versions, figures, tests."""

from __future__ import annotations

import re
import tomllib

from support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEADINGS = (
    "See it", "Install", "Sixty seconds without AWS", "In a DAG", "In a notebook",
    "What it guarantees", "How fast", "What it is not", "The systems", "Deploy", "Documentation",
    "Stability", "Security, contributing, licence",
)  # fmt: skip
FIRST_SCREEN = 20


def section(heading: str) -> str:
    return README.split(f"## {heading}\n")[1].split("\n## ")[0]


def badge(name: str) -> str:
    text = (ROOT / f"docs/images/badge-{name}.svg").read_text(encoding="utf-8")
    return str(re.findall(r">([^<>]+)</text>", text)[1])


def tables(text: str) -> list[list[list[str]]]:
    """The rows of each table, as cells."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip(" *") for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return found


def test_the_sections_are_in_their_order() -> None:
    assert tuple(re.findall(r"^## (.+)$", README, re.MULTILINE)) == HEADINGS


def test_the_two_commands_stand_in_the_first_screen() -> None:
    first = "\n".join(README.splitlines()[:FIRST_SCREEN])
    assert "$ ./run demo" in first
    assert "$ ./run test" in first


def test_versions_are_those_of_the_package() -> None:
    python = PROJECT["requires-python"].removeprefix(">=")
    (airflow,) = (
        each.partition("==")[2]
        for each in PROJECT["optional-dependencies"]["airflow"]
        if each.startswith("apache-airflow==")
    )
    assert badge("python").startswith(python)
    assert badge("airflow") == airflow
    assert PROJECT["license"] == badge("licence").replace(" ", "-")
    rows = {row[0]: row[1] for table in tables(section("Install")) for row in table}
    assert rows["Python"].startswith(python)
    assert rows["Apache Airflow"].startswith(airflow)


def test_systems_are_those_that_run_supports() -> None:
    run = (ROOT / "run").read_text(encoding="utf-8")
    (systems,) = re.findall(r"^supported='(.+)'$", run, re.MULTILINE)
    ((first, last),) = re.findall(r"^postgres_versions=\(\{(\d+)\.\.(\d+)\}\)$", run, re.MULTILINE)
    assert systems.replace(", and", " and on") in section("Install")
    assert f"PostgreSQL {first} to {last}" in section("Install")


def test_figures_are_those_of_the_benchmarks() -> None:
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    measured = tables(page)
    rows = tables(section("How fast"))[0][2:]
    assert len(rows) == 5
    for what, ours, theirs, *_ in rows:
        assert any(
            any("airscoop" in row[0] and ours in row for row in table)
            and any("airscoop" not in row[0] and theirs in row for row in table)
            for table in measured
        ), what
    (date,) = re.findall(r"Measured on (\S+) on", section("How fast"))
    assert f"| {date} |" in page


def test_it_names_what_it_loses() -> None:
    lost = [row for row in tables(section("How fast"))[0][2:] if int(row[1]) < int(row[2])]
    assert lost
    assert all(row[3].endswith("is faster") for row in lost)


def test_each_guarantee_has_a_limit_and_a_test() -> None:
    rows = tables(section("What it guarantees"))[0][2:]
    assert rows
    for guarantee, limit, shown in rows:
        assert limit, guarantee
        linked = re.findall(r"\]\((tests/[\w/.]+)\)", shown)
        assert linked and all((ROOT / path).is_file() for path in linked), guarantee
