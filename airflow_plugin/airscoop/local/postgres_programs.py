"""Where PostgreSQL's server is on this system, and of which version."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from airscoop.local.processes import LocalStackError

# Newest first; ./run has them, too.
VERSIONS = range(18, 13, -1)
DEBIANS = "/usr/lib/postgresql/{}/bin"


def servers() -> dict[int, Path]:
    """The folders of the servers' programs that are here, by version, the newest first."""
    found = {version: Path(DEBIANS.format(version)) for version in VERSIONS}
    found = {version: folder for version, folder in found.items() if (folder / "initdb").exists()}
    elsewhere = shutil.which("initdb")
    if not found and elsewhere is not None:
        told = subprocess.run([elsewhere, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        version = re.search(r"\d+", told.stdout)
        if version and int(version[0]) in VERSIONS:
            found[int(version[0])] = Path(elsewhere).resolve().parent
    return found


def folder_for(data: Path) -> Path:
    """The programs for the cluster in this folder: of the version that made it, or of the newest.

    LocalStackError says what to install.
    """
    found = servers()
    try:
        made_by = int((data / "PG_VERSION").read_text())
    except (OSError, ValueError):
        made_by = next(iter(found), 0)
    if made_by in found:
        return found[made_by]
    if made_by:
        raise LocalStackError(
            f"{data} is of PostgreSQL {made_by}, whose server is not here: install "
            f"postgresql-{made_by}, or remove the stack's data by airscoop local down --purge"
        )
    raise LocalStackError(
        "PostgreSQL's server is missing: apt-get install postgresql, or have the initdb of a "
        f"version from {min(VERSIONS)} to {max(VERSIONS)} in PATH"
    )
