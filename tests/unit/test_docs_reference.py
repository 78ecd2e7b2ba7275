"""docs/reference is what ./run docs makes of the code as it is."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from airscoop import errors
from support.paths import ROOT


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs/make_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))  # as where it is run
        spec.loader.exec_module(module)
    return module


def test_the_reference_is_current(reference: ModuleType) -> None:
    assert reference.outdated(reference.FOLDER) == [], "./run docs"
    current = reference.make_local_athena.page()
    assert reference.LOCAL_ATHENA.read_text() == current, "./run docs"


def test_a_page_that_is_not_current_is_named(reference: ModuleType, tmp_path: Path) -> None:
    folder = shutil.copytree(reference.FOLDER, tmp_path / "reference")
    with (folder / "errors.md").open("a") as page:
        page.write("more\n")
    (folder / "commands.md").unlink()
    (folder / "left.md").touch()
    assert reference.outdated(folder) == ["commands.md", "errors.md", "left.md"]


def test_the_table_of_errors_has_each_class_that_is_raised_with_its_base() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text()
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in page.splitlines()
        if re.match(r"\| `[A-Z]\w+`.*\| `[A-Z_]+` \|", line)
    ]
    told = {row[0].partition("`")[0]: row[1:] for row in rows}
    bases = {"DataError", "AccessError", "ConflictError", "TransientError"}
    assert told.keys() == set(errors.__all__) - bases - {"AirscoopError"}
    for name, (base, code, _, retryable, exit_code) in told.items():
        raised = getattr(errors, name)
        assert base in bases or name in ("UsageError", "InternalError")
        assert issubclass(raised, getattr(errors, base or "AirscoopError"))
        assert (code, retryable == "yes") == (raised.code, raised.retryable)
        assert exit_code == {"UsageError": "2", "DataError": "3"}.get(base or name, "1")
