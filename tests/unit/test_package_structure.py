"""How the modules of airscoop may depend on each other.

No circles, counted with the imports inside of functions; which of those there are is in
lazy_imports.txt. Airflow is known to its side only. No package takes the name of a verb away.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import types
from pathlib import Path

import pytest

import airscoop
from lint.module_graph import circle, knows_airflow, lazy_imports, modules

PACKAGE = Path(airscoop.__file__).parent
LAZY_IMPORTS = Path(__file__).with_name("lazy_imports.txt")


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(PACKAGE) == []


def test_imports_inside_of_functions_are_those_of_the_list() -> None:
    lines = (line.partition("#")[0].strip() for line in LAZY_IMPORTS.read_text().splitlines())
    assert lazy_imports(PACKAGE) == set(filter(None, lines))


def test_the_core_knows_no_airflow() -> None:
    assert knows_airflow(PACKAGE) == []


def test_packages_do_nothing_when_they_are_imported() -> None:
    """The tables of public names, the command, and what all receipts share (decision 16), apart."""
    apart = [PACKAGE / name for name in ("cli", "operators", "receipts")]
    for path in PACKAGE.rglob("*/__init__.py"):
        if path.parent not in apart:
            (docstring,) = ast.parse(path.read_text()).body
            assert isinstance(docstring, ast.Expr), path


def test_no_module_of_airscoop_itself_has_a_public_name() -> None:
    """But for those that the public name stands for."""
    children = {name.split(".")[1] for name in modules(PACKAGE) if "." in name}
    same = {name for name in airscoop.__all__ if airscoop._HOMES.get(name) == f"airscoop.{name}"}
    assert children & set(airscoop.__all__) == same == set(airscoop._MODULES)


# --- the public names, whatever is imported first ---

# What is others' is loaded once; each module then in a process of its own, two at a time.
FIRST = """
import importlib, os, sys
package, others, *modules = sys.argv[1:]
for name in others.split():
    importlib.import_module(name)
for name in [name for name in sys.modules if name.partition(".")[0] == package]:
    del sys.modules[name]  # Airflow has asked for its provider

def broken(module):
    importlib.import_module(module)
    whole = importlib.import_module(package)
    for name in whole.__all__:
        value = getattr(whole, name)
        if name in whole._MODULES:
            good = value is sys.modules[whole._HOMES[name]]
        else:
            good = callable(value) or name == "__version__"
        if not good:
            yield f"{module} first: {package}.{name} is {value!r}"

def check(module):
    try:
        found = list(broken(module))
    except BaseException as error:
        found = [f"{module} first: {error!r}"]
    for line in found:
        os.write(1, f"{line}\\n".encode())  # whole, beside the other process

running = 0
for module in modules:
    if running == 2:
        os.wait()
        running -= 1
    if os.fork() == 0:
        check(module)
        os._exit(0)
    running += 1
for _ in range(running):
    os.wait()
print("all were tried")
"""


def broken_when_first(package: Path, others: str = "") -> list[str]:
    """What is wrong with public names when one module or the other is imported first.

    `others` are packages that some modules need and that take long to load.
    """
    names = [name for name in modules(package) if not name.startswith(f"{package.name}._")]
    done = subprocess.run(
        [sys.executable, "-c", FIRST, package.name, others, *names],
        capture_output=True,
        text=True,
        cwd=package.parent,
    )
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert last == "all were tried"
    return lines


def test_every_public_name_is_there_whatever_module_is_imported_first() -> None:
    assert broken_when_first(PACKAGE, "airflow.sdk botocore.session sqlglot") == []
    assert all(isinstance(getattr(airscoop, name), types.ModuleType) for name in airscoop._MODULES)


# --- that these tests see what they look for ---


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """A package with a verb, `delta`, in a module of its own."""
    package = tmp_path / "made_up"
    write(
        package,
        {
            "__init__.py": "_HOMES = {'delta': 'made_up.deltas.job'}\n"
            "_MODULES = ()\n"
            "__all__ = ['delta']\n"
            "def __getattr__(name):\n"
            "    from importlib import import_module\n"
            "    if name not in _HOMES:\n"
            "        raise AttributeError(name)\n"
            "    return getattr(import_module(_HOMES[name]), name)\n",
            "deltas/__init__.py": "",
            "deltas/job.py": "from made_up.deltas.options import KEY\ndef delta(): pass\n",
            "deltas/options.py": "KEY = 'PK'\n",
            "hooks/__init__.py": "",
            "hooks/aws.py": "from airflow.sdk import BaseHook\n",
        },
    )
    return package


def write(package: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)


def test_a_package_without_faults_has_none(made_up: Path) -> None:
    (made_up / "hooks/aws.py").write_text("")
    assert circle(made_up) == []
    assert knows_airflow(made_up) == []
    assert lazy_imports(made_up) == {"made_up importlib"}
    assert broken_when_first(made_up) == []


@pytest.mark.parametrize(
    "text",
    [
        "from made_up.deltas.job import delta\n",
        "import made_up.deltas.job\n",
        "def late():\n    from made_up.deltas import job\n",
        "class Options:\n    def late(self):\n        if self:\n"
        "            import made_up.deltas.job\n",
    ],
)
def test_a_planted_circle_is_found(text: str, made_up: Path) -> None:
    (made_up / "deltas/options.py").write_text(text)
    found = circle(made_up)
    assert found[0] == found[-1]
    assert set(found) == {"made_up.deltas.job", "made_up.deltas.options"}


def test_a_circle_of_types_alone_is_none(made_up: Path) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import made_up.deltas.job\n"
    (made_up / "deltas/options.py").write_text(text)
    assert circle(made_up) == []


def test_a_package_that_imports_its_module_is_a_circle(made_up: Path) -> None:
    (made_up / "deltas/__init__.py").write_text("from made_up.deltas.job import delta\n")
    (made_up / "deltas/options.py").write_text("import made_up.deltas\n")
    assert {"made_up.deltas", "made_up.deltas.job"} <= set(circle(made_up))


@pytest.mark.parametrize(
    "text",
    [
        "import airflow\n",
        "def late():\n    from airflow.sdk import Context\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import airflow.sdk\n",
        "def late():\n    from made_up.hooks import aws\n",
    ],
)
def test_a_core_that_knows_airflow_is_found(text: str, made_up: Path) -> None:
    (made_up / "deltas/options.py").write_text(text)
    (found,) = knows_airflow(made_up)
    assert found.startswith("made_up.deltas.options ")


def test_a_package_that_takes_a_verb_away_is_found(made_up: Path) -> None:
    (made_up / "hooks/aws.py").write_text("")
    write(made_up, {"delta/__init__.py": "", "delta/rows.py": ""})
    found = broken_when_first(made_up)
    assert len(found) == 2
    assert [line for line in found if "made_up.delta is <module" not in line] == []


def test_a_module_that_cannot_be_imported_first_is_found(made_up: Path) -> None:
    (made_up / "hooks/aws.py").write_text("import nothing_like_it\n")
    (found,) = broken_when_first(made_up)
    assert found.startswith("made_up.hooks.aws first: ModuleNotFoundError")
