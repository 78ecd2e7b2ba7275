"""Names the symbols of libscoop and its binding that no other of their files uses.

Such a function is dead, or should be static. Those that only tests call stand, each with its
reason, in dead_symbols.allowed. Needs the objects of `make -C csrc FLAVOR=plain`; the binding is
compiled here.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = Path(__file__).with_suffix(".allowed")
ENTRY_POINTS = {"PyInit__native"}


@dataclass(kw_only=True)
class Symbols:
    defined: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)


def output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def symbols_of(path: Path) -> Symbols:
    """Of one object: what it offers to others, and what it wants of them."""
    symbols = Symbols()
    for line in output("nm", "--format=posix", str(path)).splitlines():
        name, kind = line.split()[:2]
        if kind == "U":
            symbols.wanted.add(name)
        elif kind.isupper():
            symbols.defined.add(name)
    return symbols


def standard() -> list[str]:
    found = re.search(r"^STANDARD := (.*)$", (ROOT / "csrc/flags.mk").read_text(), re.MULTILINE)
    return found[1].split() if found else []


def compile_binding(folder: Path) -> list[Path]:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    includes = [
        str(ROOT / "csrc"),
        str(ROOT / "csrc/include"),
        output("pg_config", "--includedir").strip(),
        sysconfig.get_path("include"),
    ]
    flags = [*standard(), "-O1", "-DPy_LIMITED_API=0x030b0000"]
    flags += [f"-I{include}" for include in includes]

    def build(source: Path) -> Path:
        target = folder / f"{source.stem}.o"
        output(*compiler, *flags, "-c", str(source), "-o", str(target))
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(build, sorted((ROOT / "csrc/binding").glob("*.c"))))


def unused(objects: list[Symbols]) -> set[str]:
    wanted = set().union(*(each.wanted for each in objects))
    return set().union(*(each.defined for each in objects)) - wanted - ENTRY_POINTS


def read_allowed(path: Path) -> set[str]:
    """Lines of a name and, after a colon, the reason."""
    names = set()
    for line in path.read_text().splitlines():
        name, _, reason = line.partition(":")
        if line and not line.startswith("#"):
            if not reason.strip():
                raise SystemExit(f"{path.name}: {name} has no reason")
            names.add(name)
    return names


def faults(found: set[str], allowed: set[str], tests: str) -> Iterator[str]:
    for name in sorted(found - allowed):
        yield f"{name} is used by no other file: make it static, or remove it"
    for name in sorted(allowed - found):
        yield f"{name} stands in {ALLOWED.name}, but is used, or gone: take it out"
    for name in sorted(allowed & found):
        if name not in tests:
            yield f"{name} stands in {ALLOWED.name}, but no test uses it: remove it"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--objects", type=Path, default=ROOT / "build/c/plain")
    options = parser.parse_args(arguments)
    sources = [path for path in (ROOT / "csrc").rglob("*.c") if path.parent.name != "binding"]
    paths = [
        (options.objects / path.relative_to(ROOT / "csrc")).with_suffix(".o") for path in sources
    ]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise SystemExit(f"{missing[0]} is not there: run make -C csrc FLAVOR=plain")
    with tempfile.TemporaryDirectory() as folder:
        objects = [symbols_of(path) for path in [*paths, *compile_binding(Path(folder))]]
    tests = "".join(
        path.read_text()
        for name in ("c", "fuzz")
        for path in (ROOT / "tests" / name).glob("*.[ch]")
    )
    found = list(faults(unused(objects), read_allowed(ALLOWED), tests))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
