"""Which modules of a package import which, read from their text.

`python tests/lint/module_graph.py` names a circle, and what knows Airflow and should not; it ends
with 1 if there is one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "airflow_plugin" / "airscoop"
AIRFLOW_SIDE = ("operators", "notifications", "hooks", "links", "plugin", "provider")


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import statement's module, and where it stands: "top", "function" or "types"."""

    importer: str
    imported: str
    where: str


def modules(package: Path) -> dict[str, Path]:
    """The modules of a package, and the package itself, by their names."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(package: Path) -> list[Import]:
    """All imports that the modules of a package make."""
    known = modules(package)
    return [
        Import(importer=name, imported=imported, where=where)
        for name, path in known.items()
        for imported, where in _imported(ast.parse(path.read_text()), known, "top")
    ]


def _imported(node: ast.AST, known: dict[str, Path], where: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((each.name, where) for each in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0 and child.module is not None, "imports name the whole path"
            for each in child.names:
                member = f"{child.module}.{each.name}"
                yield member if member in known else child.module, where
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _imported(child, known, "types")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imported(child, known, "function")
        else:
            yield from _imported(child, known, where)


def circle(package: Path) -> list[str]:
    """A circle of modules that import each other, the first again at the end; [] without one."""
    known = modules(package)
    graph: dict[str, set[str]] = {name: set() for name in known}
    for each in imports(package):
        if each.where != "types" and each.imported.partition(".")[0] == package.name:
            parts = each.imported.split(".")
            above = {".".join(parts[: i + 1]) for i in range(len(parts))}
            graph[each.importer] |= above & known.keys() - {each.importer}
    finished: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in finished:
            return []
        path.append(name)
        found = next(filter(None, map(visit, sorted(graph[name]))), [])
        path.pop()
        finished.add(name)
        return found

    return next(filter(None, map(visit, graph)), [])


def lazy_imports(package: Path) -> set[str]:
    """The imports inside of functions, as "importer imported"; of others' packages the name."""
    found = set()
    for each in imports(package):
        if each.where == "function":
            top = each.imported.partition(".")[0]
            found.add(f"{each.importer} {each.imported if top == package.name else top}")
    return found


def knows_airflow(package: Path) -> list[str]:
    """The imports of Airflow, or of what knows it, outside of its side; types count as well."""
    side = tuple(f"{package.name}.{name}" for name in AIRFLOW_SIDE)

    def is_of_side(module: str) -> bool:
        return any(module == each or module.startswith(f"{each}.") for each in side)

    return [
        f"{each.importer} {each.imported}"
        for each in imports(package)
        if not is_of_side(each.importer)
        and each.importer != package.name  # the table of public names
        and (each.imported.partition(".")[0] == "airflow" or is_of_side(each.imported))
    ]


def main() -> int:
    found = [f"{each}, which knows Airflow" for each in knows_airflow(PACKAGE)]
    if around := circle(PACKAGE):
        found.append("a circle: " + " imports ".join(around))
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
