"""Which lines of csrc/ and of the package the tests reach: see docs/internals/coverage.md.

The tests that the words name (pytest's words; without any, those that need no deployment) run in a
copy of the tree whose C is built for gcov. Prints two tables; build/coverage/ gets the lines that
nothing reached.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "coverage"
TESTS = ["tests/c", "tests/unit", "tests/services", "tests/systems"]
PACKAGE = "airflow_plugin/airscoop"
COUNTED = "--coverage -fprofile-update=atomic"
# Unoptimised, so that each line is itself.
BUILDS = {
    "csrc/flags.mk": [
        (r"(?m)^SHIPPED := -O2", f"SHIPPED := -O0 {COUNTED}"),
        (r" -D_FORTIFY_SOURCE=2", ""),
        (r"(?m)^LINKED :=", "LINKED := --coverage"),
    ],
    "csrc/Makefile": [(r"(?m)^(CFLAGS_(?:sanitized|threads)) :=", rf"\1 := {COUNTED}")],
}
Lines = dict[str, dict[int, bool]]  # by file and line: whether it was reached


def copy_tree(tree: Path) -> None:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in names.stdout.decode().split("\0"):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    (tree / ".venv").symlink_to(ROOT / ".venv")


def build(tree: Path) -> None:
    """The extension beside its package; the C tests build themselves by the same flags."""
    for name, changes in BUILDS.items():
        text = (tree / name).read_text()
        for pattern, new in changes:
            text, count = re.subn(pattern, new, text)
            assert count, f"{name} has no {pattern}"
        (tree / name).write_text(text)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=tree, check=True)


def run_tests(tree: Path, words: list[str]) -> int:
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "airflow_plugin"),
        "COVERAGE_FILE": str(tree / ".coverage"),
    }
    command = [sys.executable, "-m", "pytest", "-q", "--cov", "--cov-report=", *words]
    code = subprocess.run(command, cwd=tree, env=environment).returncode
    command = [sys.executable, "-m", "coverage", "json", "-q", "-o", "coverage.json"]
    subprocess.run(command, cwd=tree, env=environment, check=True)
    return code


def reached_in_c(tree: Path) -> tuple[Lines, dict[str, dict[str, bool]]]:
    """Lines, and functions by name; reached in any build."""
    lines: Lines = defaultdict(dict)
    functions: dict[str, dict[str, bool]] = defaultdict(dict)
    for file in report_by_gcov(tree):
        of_file, named = lines[file["file"]], functions[file["file"]]
        for line in file["lines"]:
            number = line["line_number"]
            of_file[number] = of_file.get(number, False) or line["count"] > 0
        for function in file["functions"]:
            name = function["name"]
            named[name] = named.get(name, False) or function["execution_count"] > 0
    return lines, functions


def report_by_gcov(tree: Path) -> Iterator[dict[str, Any]]:
    """What gcov tells of each file of csrc/ in each object."""
    for notes in sorted((tree / "build").rglob("*.gcno")):
        command = ["gcov", "--json-format", "--stdout", str(notes)]
        done = subprocess.run(command, cwd=tree, check=True, capture_output=True)
        for text in done.stdout.splitlines():
            report = json.loads(text)
            folder = Path(report["current_working_directory"])
            for file in report["files"]:
                path = Path(os.path.normpath(folder / file["file"]))
                if path.is_relative_to(tree / "csrc"):
                    yield {**file, "file": str(path.relative_to(tree))}


def reached_in_python(tree: Path) -> Lines:
    report = json.loads((tree / "coverage.json").read_text())
    return {
        name: dict.fromkeys(file["executed_lines"], True)
        | dict.fromkeys(file["missing_lines"], False)
        for name, file in report["files"].items()
    }


def table(title: str, lines: Lines) -> str:
    """A row a folder, and one for all."""
    counts: dict[str, list[bool]] = defaultdict(list)
    for file, reached in lines.items():
        counts[str(Path(file).parent)] += reached.values()
    rows = [f"| {title} | lines | reached |", "|---|---:|---:|"]
    everything = [one for values in counts.values() for one in values]
    for name, values in [*sorted(counts.items()), ("all", everything)]:
        if values:
            rows.append(f"| `{name}` | {len(values)} | {100 * sum(values) / len(values):.1f} % |")
    return "\n".join(rows)


def ranges(missing: Iterable[int], known: Iterable[int]) -> str:
    """Missing lines as "3-7, 9": a range ends before a line that was reached."""
    found: list[list[int]] = []
    absent = set(missing)
    last_reached = True
    for line in sorted(known):
        if line not in absent:
            last_reached = True
        elif last_reached:
            found.append([line, line])
            last_reached = False
        else:
            found[-1][1] = line
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def unreached(lines: Lines) -> dict[str, str]:
    return {
        file: ranges([line for line, is_reached in reached.items() if not is_reached], reached)
        for file, reached in lines.items()
    }


def refused(words: list[str]) -> int | None:
    """pytest's exit code where it has nothing to run, or is asked for help."""
    pytest = [sys.executable, "-m", "pytest"]
    if {"-h", "--help"} & set(words):
        return subprocess.run([*pytest, *words]).returncode
    looked = subprocess.run([*pytest, "-q", "--collect-only", *words], capture_output=True)
    if looked.returncode:
        sys.stdout.buffer.write(looked.stdout + looked.stderr)
    return looked.returncode or None


def main(words: list[str]) -> int:
    """The exit code of pytest."""
    words = words or TESTS
    if (code := refused(words)) is not None:
        return code
    with tempfile.TemporaryDirectory(prefix="airscoop-coverage-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        build(tree)
        code = run_tests(tree, words)
        report(tree)
    return code


def write(name: str, texts: dict[str, str]) -> None:
    """A line for each file of which something is missing."""
    lines = [f"{file}: {text}\n" for file, text in sorted(texts.items()) if text]
    (RESULTS / name).write_text("".join(lines))


def report(tree: Path) -> None:
    in_c, functions = reached_in_c(tree)
    in_python = reached_in_python(tree)
    RESULTS.mkdir(parents=True, exist_ok=True)
    uncalled = {
        file: ", ".join(sorted(name for name, is_reached in named.items() if not is_reached))
        for file, named in functions.items()
    }
    write("c.txt", unreached(in_c))
    write("c-functions.txt", uncalled)
    write("python.txt", unreached(in_python))
    tables = table("C", in_c) + "\n\n" + table("Python", in_python) + "\n"
    (RESULTS / "tables.md").write_text(tables)
    print(tables)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
