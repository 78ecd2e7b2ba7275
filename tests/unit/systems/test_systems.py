"""A system is an addition: what belongs to one is found by its name, and nothing else names it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from airscoop.local import systems
from airscoop.local.demo.__main__ import DEMOS
from airscoop.systems.default import DEFAULT
from support.paths import PACKAGE_ROOT, ROOT

PACKAGE = PACKAGE_ROOT / "airscoop"
TERRAFORM = ROOT / "terraform"
SYSTEMS = sorted(path.stem for path in (ROOT / "dags").glob("*.py"))
DEMO = '''"""Something that was planted.

And what it does.
"""

from airscoop.local.processes import LocalStackError


def add_arguments(parser):
    parser.add_argument("--rows", type=int, default=7)


def run(options):
    if not options.rows:
        raise LocalStackError("there are no rows")
    print(f"grown from {options.rows} rows")
    return 3
'''
RESOURCES = """
from airscoop.local.resources import Queue, Table

RESOURCES = {"bed": Table(name="bed-of-the-test"), "watering": Queue(name="can-of-the-test")}
"""


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A folder with a system beside those of the package."""
    system = tmp_path / "systems" / "planted"
    system.mkdir(parents=True)
    for name, text in {"__init__": "", "demo": DEMO, "resources": RESOURCES}.items():
        (system / f"{name}.py").write_text(text)
    # Neither of these is a system with a demo.
    (tmp_path / "systems" / "bare").mkdir()
    (tmp_path / "systems" / "bare" / "__init__.py").write_text("")
    (tmp_path / "systems" / "loose.py").write_text("")
    return tmp_path / "systems"


def run_with(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m module`, with the systems in `folder` as well."""
    code = (
        "import runpy, sys, airscoop.systems; "
        f"airscoop.systems.__path__.append({str(folder)!r}); sys.argv[1:] = {list(arguments)!r}; "
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    environment = {**os.environ, "AIRSCOOP_LOCAL_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )


def test_a_planted_system_is_listed_and_its_demo_runs(planted: Path) -> None:
    shown = run_with(planted, "airscoop.local.demo", "--help")
    assert shown.returncode == 0, shown.stderr
    words = " ".join(shown.stdout.split())
    assert "planted Something that was planted" in words
    assert all(name in words for name in SYSTEMS)
    assert "bare" not in words and "loose" not in words

    done = run_with(planted, "airscoop.local.demo", "planted", "--rows", "8")
    assert (done.returncode, done.stdout) == (3, "grown from 8 rows\n"), done.stderr
    failed = run_with(planted, "airscoop.local.demo", "planted", "--rows", "0")
    assert (failed.returncode, failed.stderr) == (1, "demo: there are no rows\n")


def test_the_stack_tells_of_a_planted_systems_resources(planted: Path) -> None:
    known = {"ports": {"aws": 1}, "processes": {}, "secrets": {}}
    (planted / "stack.json").write_text(json.dumps(known))
    done = run_with(planted, "airscoop.local", "status", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["aws"] == {
        "running": False,
        "endpoint": "http://127.0.0.1:1",
        "region": "us-east-1",
        "bed": "bed-of-the-test",
        "watering": "http://127.0.0.1:1/123456789012/can-of-the-test",
        "table": "registry",
        "stream": "changes",
        "queue": "http://127.0.0.1:1/123456789012/exports",
    }


def test_the_help_of_run_names_every_demo_without_a_setup(planted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(ROOT / "run", folder)
    shutil.copytree(PACKAGE / "systems", folder / "airflow_plugin" / "airscoop" / "systems")
    shutil.copytree(planted, folder / "airflow_plugin/airscoop/systems", dirs_exist_ok=True)
    shown = subprocess.run([folder / "run", "help"], capture_output=True, text=True, check=True)
    names = ", ".join(sorted([*DEMOS, "planted"]))
    assert f"\n                    NAME: {names}\n" in shown.stdout


def test_no_two_systems_name_what_the_stack_makes_alike() -> None:
    declared = [
        pair
        for module in systems.modules("resources").values()
        for pair in module.RESOURCES.items()
    ]
    words = Counter(word for word, _ in declared)
    names = Counter((type(resource), resource.name) for _, resource in declared)
    assert declared
    assert [each for each, count in [*words.items(), *names.items()] if count > 1] == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_dag_has_the_files_of_a_system(name: str) -> None:
    own = PACKAGE / "systems" / name
    assert [own / file for file in ("config.py", "demo.py") if not (own / file).is_file()] == []
    files = [
        *(ROOT / "dags" / "config" / f"{name}.yml", ROOT / "docs" / "systems" / f"{name}.md"),
        *(TERRAFORM / f"{name}.tf", TERRAFORM / "tests" / f"{name}.tftest.hcl"),
        TERRAFORM / "modules" / name / "main.tf",
        own / "__init__.py",
    ]
    assert [file for file in files if not file.is_file()] == []
    assert list((ROOT / "tests" / "systems" / name).glob("test_*.py"))


def test_the_files_of_a_system_have_a_dag() -> None:
    assert sorted(DEMOS) == SYSTEMS
    assert DEFAULT in SYSTEMS
    for folder in ("dags/config", "docs/systems", "terraform/modules"):
        assert sorted(path.stem for path in (ROOT / folder).iterdir()) == SYSTEMS
    assert {path.name for path in (ROOT / "sql").iterdir()} <= set(SYSTEMS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_nothing_outside_of_its_files_names_a_system(name: str) -> None:
    texts = [
        *(path for path in PACKAGE.rglob("*.py") if PACKAGE / "systems" not in path.parents),
        *(ROOT / file for file in ("run", "pyproject.toml", "setup.py", ".ci/run")),
        # Defaults of names and tags are those of the first system.
        *(path for path in TERRAFORM.glob("*.tf") if path.stem not in (*SYSTEMS, "variables")),
    ]
    # An operator is the package's, for any DAG.
    naming = [
        path
        for path in texts
        if name in path.read_text(encoding="utf-8").replace(f"airscoop.operators.{name}", "")
    ]
    assert naming == []
