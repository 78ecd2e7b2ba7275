"""Real exports to compare."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from support.paths import ROOT


def airports(version: str) -> Path:
    """A release of airportsdata (MIT), which is a dated snapshot of all airports."""
    folder = ROOT / "build" / "airportsdata"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{version}.csv"
    if not target.exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary"]
        subprocess.run(
            [*command, ":all:", "-d", str(folder), f"airportsdata=={version}"],
            check=True,
            timeout=120,
        )
        (wheel,) = folder.glob(f"airportsdata-{version}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read("airportsdata/airports.csv")
        part = target.with_suffix(".part")
        part.write_bytes(data)
        part.rename(target)
    return target
