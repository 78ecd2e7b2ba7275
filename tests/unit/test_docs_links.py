"""Links, anchors and paths in the documents lead somewhere; docs/index.md leads to every page."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.paths import ROOT

FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FOLDERS = ("csrc", "airflow_plugin", "tests", "dags", "sql", "terraform", "docs")
SOURCE = re.compile(r"`([\w./*]+\.(?:c|h|py))`")
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[^`\s]*)`")


def documents(root: Path) -> list[Path]:
    beside = [root / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*filter(Path.exists, beside), *sorted((root / "docs").rglob("*.md"))]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    found: Counter[str] = Counter()
    names = set()
    for heading in HEADING.findall(prose(page)):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """A page's links within the repository: as written, the file, the anchor."""
    for link in LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            yield link, (page.parent / path).resolve() if path else page, anchor


def broken_links(root: Path) -> list[str]:
    return [
        f"{page.relative_to(root)}: {link}"
        for page in documents(root)
        for link, target, anchor in links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]


def unreached(root: Path) -> list[str]:
    """The pages of docs/ that no way of links from its index leads to; a link to a folder leads to
    the pages in it."""
    reached, new = set(), {root / "docs" / "index.md"}
    while new:
        reached |= new
        targets = {target for page in new for _, target, _ in links(page)}
        targets |= {page for each in targets if each.is_dir() for page in each.glob("*.md")}
        new = {each for each in targets if each.suffix == ".md" and each.is_file()} - reached
    below = [page for page in documents(root) if page.is_relative_to(root / "docs")]
    return [str(page.relative_to(root)) for page in below if page not in reached]


def missing_paths(root: Path) -> list[str]:
    """Paths that a page names and nobody has; NAME stands for any, and ::CASE is in the file."""
    missing = []
    for page in documents(root):
        for named in PATH.findall(prose(page)):
            path, _, case = named.partition("::")
            found = list(root.glob(path.replace("NAME", "*").rstrip("/")))
            if not found or (case and case not in found[0].read_text(encoding="utf-8")):
                missing.append(f"{page.relative_to(root)}: {named}")
    return missing


def sources(root: Path) -> dict[str, set[str]]:
    """The paths of all files of code, by their names."""
    found: dict[str, set[str]] = {}
    for folder in (*FOLDERS, "benchmarks", "examples"):
        for path in (root / folder).rglob("*.*"):
            found.setdefault(path.name, set()).add(f"/{path.relative_to(root).as_posix()}")
    return found


def missing_sources(root: Path) -> list[str]:
    """Files of code that a page names, by the end of their paths, and nobody has."""
    known = sources(root)
    missing = []
    for page in documents(root):
        for named in SOURCE.findall(prose(page)):
            pattern = f"*/{named.replace('NAME', '*')}"
            names = fnmatch.filter(known, pattern.rpartition("/")[2])
            if not any(fnmatch.filter(known[name], pattern) for name in names):
                missing.append(f"{page.relative_to(root)}: {named}")
    return missing


def test_every_link_leads_somewhere() -> None:
    assert broken_links(ROOT) == []


def test_every_page_is_reached_from_the_index() -> None:
    assert unreached(ROOT) == []


def test_every_path_that_a_page_names_exists() -> None:
    assert missing_paths(ROOT) == []


def test_every_file_of_code_that_a_page_names_exists() -> None:
    assert missing_sources(ROOT) == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Documents in which everything is as it should be."""
    root = tmp_path.resolve()
    (root / "docs" / "internals").mkdir(parents=True)
    (root / "csrc").mkdir()
    (root / "csrc" / "copy.c").write_text("static void commits_once(void) {}\n")
    (root / "README.md").write_text("[start](docs/index.md#a-start)\n")
    (root / "docs" / "index.md").write_text("# A start\n\n[a copy](internals/copy.md)\n")
    (root / "docs" / "internals" / "copy.md").write_text(
        "# A copy\n\n[back](../index.md) [above](#a-copy) [out](https://example.org/none.md)\n"
        "`csrc/copy.c::commits_once`, `csrc/NAME.c`, `csrc/`, `copy.c`, `*y.c`\n"
        "```\n[no link](none.md) `csrc/none.c`\n```\n"
    )
    return root


def test_documents_without_fault_pass(root: Path) -> None:
    assert broken_links(root) == unreached(root) == missing_paths(root) == []
    assert missing_sources(root) == []


@pytest.mark.parametrize(
    "link", ["none.md", "../none.md#a-start", "../index.md#none", "#none", "../../docs/none/"]
)
def test_a_broken_link_is_found(root: Path, link: str) -> None:
    page = root / "docs" / "internals" / "copy.md"
    page.write_text(page.read_text() + f"[planted]({link})\n")
    assert broken_links(root) == [f"docs/internals/copy.md: {link}"]


def test_a_page_that_nobody_links_is_found(root: Path) -> None:
    page = root / "docs" / "alone.md"
    page.write_text("# Alone\n\n[the start](index.md)\n")
    assert unreached(root) == ["docs/alone.md"]


@pytest.mark.parametrize("path", ["csrc/none.c", "tests/NAME.py", "csrc/copy.c::no_such_case"])
def test_a_path_that_is_not_there_is_found(root: Path, path: str) -> None:
    page = root / "docs" / "index.md"
    page.write_text(page.read_text() + f"It is in `{path}`.\n")
    assert missing_paths(root) == [f"docs/index.md: {path}"]


@pytest.mark.parametrize("name", ["none.c", "other/copy.c", "*none.c", "opy.c"])
def test_a_file_of_code_that_is_not_there_is_found(root: Path, name: str) -> None:
    page = root / "docs" / "index.md"
    page.write_text(page.read_text() + f"It is in `{name}`.\n")
    assert missing_sources(root) == [f"docs/index.md: {name}"]


def test_a_page_in_a_folder_that_is_linked_is_reached(root: Path) -> None:
    (root / "docs" / "systems").mkdir()
    (root / "docs" / "systems" / "new.md").write_text("# New\n")
    assert unreached(root) == ["docs/systems/new.md"]
    index = root / "docs" / "index.md"
    index.write_text(index.read_text() + "[systems](systems/)\n")
    assert unreached(root) == []
