"""docs/reference is what ./run docs makes of the code as it is."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

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


def test_a_page_that_is_not_current_is_named(reference: ModuleType, tmp_path: Path) -> None:
    folder = shutil.copytree(reference.FOLDER, tmp_path / "reference")
    with (folder / "errors.md").open("a") as page:
        page.write("more\n")
    (folder / "commands.md").unlink()
    (folder / "left.md").touch()
    assert reference.outdated(folder) == ["commands.md", "errors.md", "left.md"]
