"""What runs as a user other than root, who may not enter every folder: this checkout's, say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.paths import PACKAGE_ROOT

NOBODY = 54_321  # whom no system knows
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="root alone may become another user")


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """An empty folder that every user may enter; this one's temporary folder may be closed."""
    folder = Path(tempfile.mkdtemp(prefix="airscoop-other-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def run_as_other(
    program: str, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a Python program with the package airscoop alone, as a user whom nobody knows.

    Root becomes that user, and the package is copied to where he reaches it; anybody else, whom
    files refuse already, stays who he is.
    """
    python = _python()
    is_root = os.getuid() == 0
    with folder_for_all() as folder:
        shutil.copytree(PACKAGE_ROOT / "airscoop", folder / "airscoop")
        return subprocess.run(
            [python, "-c", program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **(env or {})},
            user=NOBODY if is_root else None,
            group=NOBODY if is_root else None,
            extra_groups=[] if is_root else None,
        )


def _python() -> str:
    """The interpreter below this checkout's environment."""
    found = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    real = found.resolve()
    if os.getuid() == 0 and not all(one.stat().st_mode & 0o001 for one in [real, *real.parents]):
        pytest.skip(f"another user does not reach {real}")
    return str(found)
