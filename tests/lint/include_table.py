"""Reads csrc/layers.toml, who may include whom, against every #include of a folder like csrc/.

`python tests/lint/include_table.py` names each breach and ends with 1 if there is one.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

CSRC = Path(__file__).resolve().parents[2] / "csrc"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
PUBLIC = "include/scoop"


@dataclass(frozen=True)
class Folder:
    may: tuple[str, ...]
    open: tuple[str, ...]
    libraries: tuple[str, ...]

    def shows(self, header: str) -> bool:
        """Whether other folders may include the header."""
        if header.endswith("_internal.h"):
            return False
        return "*" in self.open or header in self.open


@dataclass(frozen=True)
class Table:
    folders: dict[str, Folder]  # in their order, from above
    never: tuple[str, ...]
    pure_folders: tuple[str, ...]
    pure_files: tuple[str, ...]

    def is_pure(self, file: str) -> bool:
        return file in self.pure_files or folder_of(file) in self.pure_folders

    def fences(self, library: str) -> list[str]:
        """The folders that the library is kept to; none: it is everybody's."""
        return [
            name
            for name, folder in self.folders.items()
            if any(fnmatch(library, pattern) for pattern in folder.libraries)
        ]


def read_table(root: Path) -> Table:
    text = (root / "layers.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    pure = data.pop("pure")
    folders = {
        name: Folder(
            may=tuple(entry["may"]),
            open=tuple(entry["open"]),
            libraries=tuple(entry.get("libraries", ())),
        )
        for name, entry in data.items()
    }
    return Table(folders, tuple(pure["never"]), tuple(pure["folders"]), tuple(pure["files"]))


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def resolved(include: str) -> str:
    """The file that #include "…" names, from the root: the public headers are those of scoop/."""
    return f"include/{include}" if include.startswith("scoop/") else include


def sources(root: Path) -> dict[str, list[tuple[str, str]]]:
    """Each file with its includes: (the bracket it is written with, the name)."""
    files = sorted(path for path in root.rglob("*") if path.suffix in (".c", ".h"))
    return {
        path.relative_to(root).as_posix(): INCLUDE.findall(path.read_text(encoding="utf-8"))
        for path in files
    }


def table_breaches(table: Table) -> Iterator[str]:
    above: list[str] = []
    for name, folder in table.folders.items():
        for other in folder.may:
            if other not in above:
                yield f"layers.toml: {name} may include {other}, which does not stand above it"
        above.append(name)


def own_breaches(root: Path, table: Table, file: str, include: str) -> Iterator[str]:
    target, here = resolved(include), folder_of(file)
    there = folder_of(target)
    if ".." in Path(include).parts:
        yield f'{file}: "{include}" is not written from the root'
    elif not (root / target).exists():
        yield f'{file}: "{include}" is no file of the root'
    elif there in (here, PUBLIC):
        return
    elif here == PUBLIC:
        yield f'{file}: a public header includes "{include}", which is not public'
    elif there not in table.folders[here].may:
        yield f"{file}: {here} may not include {there} ({include})"
    elif not table.folders[there].shows(Path(target).name):
        yield f'{file}: "{include}" is for {there} alone'


def library_breaches(table: Table, file: str, include: str) -> Iterator[str]:
    fences = table.fences(include)
    if fences and folder_of(file) not in fences:
        yield f"{file}: <{include}> is for {' and '.join(fences)} alone"


def reached(includes: dict[str, list[tuple[str, str]]], start: str) -> set[str]:
    """All files that `start` includes, and what these include."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for bracket, include in includes.get(waiting.pop(), []):
            target = resolved(include)
            if bracket == '"' and target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def breaches(root: Path) -> list[str]:
    """What the sources below `root` do that its table forbids, a sentence each."""
    table, includes = read_table(root), sources(root)
    found = list(table_breaches(table))
    for file, its in includes.items():
        if folder_of(file) not in table.folders:
            found.append(f"{file}: its folder is not in layers.toml")
            continue
        found += [
            f"{file}: includes {include} twice"
            for include, times in Counter(include for _, include in its).items()
            if times > 1
        ]
        for bracket, include in its:
            if bracket == '"':
                found += own_breaches(root, table, file, include)
            else:
                found += library_breaches(table, file, include)
        if table.is_pure(file):
            impure = sorted(
                each for each in reached(includes, file) if folder_of(each) in table.never
            )
            found += [f"{file}: it is pure, but reaches {each}" for each in impure]
    missing = [name for name in (*table.folders, *table.pure_files) if not (root / name).exists()]
    return found + [f"layers.toml: there is no {name}" for name in missing]


def main() -> int:
    found = breaches(CSRC)
    for each in found:
        print(f"csrc/{each}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
