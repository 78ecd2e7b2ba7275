"""Places for the tests of transfers on local files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from support.open_files import DATA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the written files go; empty."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.csv.gz"
    path.write_bytes(gzip.compress(DATA, 1))
    return path
