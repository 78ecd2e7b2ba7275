"""Builds what is in C, for tests in several processes: one at a time."""

from __future__ import annotations

import fcntl
import os
import subprocess

from support.paths import ROOT


def make(*arguments: str) -> str:
    """Runs csrc/Makefile; returns what the compiler says when that fails, else an empty text."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    command = ["make", "-s", f"-j{os.cpu_count() or 1}", "-C", str(ROOT / "csrc"), *arguments]
    with (folder / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""
