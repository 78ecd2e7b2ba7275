"""A text that names one process, by which others of its machine see whether it has ended."""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM = Path("/proc")


def process_mark() -> str:
    """This process: the machine since it started, its namespace, its number, its start; "" where
    the system does not tell.
    """
    try:
        return f"{_machine()} {os.getpid()} {_start(os.getpid())}"
    except OSError:
        return ""


def has_ended(mark: str) -> bool:
    """Whether the process of a mark is known to have ended; False of those of other machines."""
    machine, number, start = ([*mark.rsplit(" ", 2), "", ""])[:3]
    try:
        if not number.isdigit() or machine != _machine():
            return False
        os.kill(int(number), 0)
        return start != _start(int(number))
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False


def _machine() -> str:
    boot = (SYSTEM / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {(SYSTEM / 'self/ns/pid').readlink()}"


def _start(number: int) -> str:
    fields = (SYSTEM / str(number) / "stat").read_text(encoding="utf-8", errors="replace")
    return fields.rpartition(")")[2].split()[19]
