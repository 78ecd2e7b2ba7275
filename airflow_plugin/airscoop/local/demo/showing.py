"""What the demos share: their Airflow, tables for a terminal, and failures with the log's end."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airscoop.local import stack
from airscoop.local.airflow_home import AirflowHome

ROOT = Path(__file__).resolve().parents[4]
CELL_WIDTH = 40
LOG_LINES = 40


def start_stack() -> dict[str, Any]:
    """The running stack's status."""
    say("starting the local stack: S3, moto, PostgreSQL, the Redshift stand-in, a file server")
    return stack.up().to_dict()


def airflow_of(status: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[AirflowHome, Path]:
    """An Airflow with these variables, not yet migrated, and the empty log of its output."""
    state = Path(status["state"])
    home = AirflowHome(
        home=state / "airflow", dags=ROOT / "dags", status=status, variables=variables
    )
    log = state / "log" / "airflow.log"
    log.unlink(missing_ok=True)
    say(f"Airflow's output goes to {log}")
    return home, log


def table(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """A plain text table, for a terminal."""
    cells = [list(names), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(names))]
    lines = [
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines) + "\n"


def cell(value: str | None) -> str:
    text = "NULL" if value is None else " ".join(value.split())
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…"


def say(*lines: str, before: str = "") -> None:
    print(before + "\n".join(f"demo: {line}" for line in lines), flush=True)


def failed(problem: str, log: Path) -> int:
    """Shows the log's end; gives the exit code."""
    last = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    print("\n".join([*last, f"demo: {problem}; all of Airflow's output: {log}"]), file=sys.stderr)
    return 1
