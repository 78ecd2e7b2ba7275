"""What importing airscoop and its local verbs must not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import airscoop

HEAVY = ("airflow", "boto3", "botocore", "sqlglot", "psycopg", "urllib3", "pandas", "tqdm")

# What takes a millisecond or more to import, dataclasses and what they take along excepted.
SLOW = {
    *("asyncio", "concurrent.futures", "email", "hashlib", "http", "ipaddress", "json", "logging"),
    *("pathlib", "random", "socket", "ssl", "subprocess", "tempfile", "threading", "urllib"),
}
PACKAGES = Path(airscoop.__file__).parents[1]


def loaded_by(code: str) -> set[str]:
    """The heavy packages that are loaded after `code` ran in an interpreter of its own."""
    report = f"{code}\nimport sys; print('\\n'.join(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split()) & set(HEAVY)


def test_import_airscoop_loads_nothing_heavy() -> None:
    assert loaded_by("import airscoop") == set()


def test_local_copies_load_nothing_heavy(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"a": 1}\n')
    code = f"import airscoop; airscoop.copy({str(source)!r}, {str(tmp_path / 'b.gz')!r})"
    assert loaded_by(code) == set()


def test_the_command_loads_nothing_heavy_for_a_local_file(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"a": 1}\n')
    code = f"from airscoop.cli import main; assert main(['check', {str(source)!r}]) == 0"
    assert loaded_by(code) == set()


def test_the_command_loads_nothing_of_the_local_stack_for_other_verbs(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"a": 1}\n')
    code = (
        "import sys; from airscoop.cli import main; "
        f"assert main(['check', {str(source)!r}]) == 0; "
        "assert not {'airscoop.local.stack', 'urllib.request'} & set(sys.modules), 'loaded'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def modules_after(code: str) -> set[str]:
    """All modules that an interpreter has after `code`, without what a site's packages load."""
    report = (
        f"import sys; sys.path.insert(0, {str(PACKAGES)!r})\n{code}\nprint(*sys.modules, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", report], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def test_the_delta_of_local_files_loads_what_it_needs(tmp_path: Path) -> None:
    old, new, out = (str(tmp_path / name) for name in ("old.csv", "new.csv", "out.jsonl"))
    Path(old).write_text("PK,a\n1,b\n")
    Path(new).write_text("PK,a\n1,c\n")
    line = ["delta", old, new, "--out", out]
    loaded = modules_after(f"from airscoop.cli import main; assert main({line!r}) == 0")
    assert Path(out).read_text().startswith('{"op":"UPDATE"')
    assert loaded & SLOW == set()
    assert {name for name in loaded if name.partition(".")[0] == "airscoop"} == {
        "airscoop",
        "airscoop._native",
        "airscoop.aws",
        "airscoop.aws.access_points",
        "airscoop.aws.credentials",
        "airscoop.aws.settings",
        "airscoop.cancelling",
        "airscoop.cli",
        "airscoop.cli.command",
        "airscoop.cli.csv_dialect",
        "airscoop.cli.deltas",
        "airscoop.cli.ending",
        "airscoop.cli.flags",
        "airscoop.cli.output",
        "airscoop.cli.signals",
        "airscoop.cli.streams",
        "airscoop.cli.verb_parser",
        "airscoop.deltas",
        "airscoop.deltas.job",
        "airscoop.deltas.options",
        "airscoop.deltas.result",
        "airscoop.deltas.stamp",
        "airscoop.error_facts",
        "airscoop.errors",
        "airscoop.given",
        "airscoop.kinds",
        "airscoop.receipts",
        "airscoop.receipts.deltas",
        "airscoop.receipts.transfer",
        "airscoop.shown_fields",
        "airscoop.signatures",
        "airscoop.timeouts",
        "airscoop.transfer",
        "airscoop.transfer.arguments",
        "airscoop.transfer.csv_dialect",
        "airscoop.transfer.login",
        "airscoop.transfer.object_options",
        "airscoop.transfer.options",
        "airscoop.transfer.outcome",
        "airscoop.transfer.places",
        "airscoop.transfer.read_places",
        "airscoop.transfer.rejects",
        "airscoop.transfer.upload",
        "airscoop.transfer.web",
    }


def test_the_copy_of_a_local_file_loads_nothing_slow(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"a": 1}\n')
    line = ["copy", str(source), "-", "-q"]
    code = f"from airscoop.cli import main; assert main({line!r}) == 0"
    assert modules_after(code) & SLOW == set()


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        airscoop.nothing_like_it  # noqa: B018


def test_every_public_name_can_be_imported() -> None:
    assert all(getattr(airscoop, name) is not None for name in airscoop.__all__)


def test_a_star_import_leaves_the_built_in_open_alone() -> None:
    found: dict[str, object] = {}
    exec("from airscoop import *", found)
    assert "open" not in found and callable(airscoop.open)


def test_the_errors_and_the_verbs_are_found_from_the_package() -> None:
    code = (
        "import airscoop; airscoop.errors.NotFound; assert {'copy', 'errors'} <= set(dir(airscoop))"
    )
    assert loaded_by(code) == set()
