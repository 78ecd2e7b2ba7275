"""Python literals and JSON arrays to JSON lines, with Python's own means and with orjson."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import orjson
from job import JOB, run


def literals() -> None:
    """ast.literal_eval reads Python literals, all of them and nothing else; orjson writes."""
    with Path(JOB.file).open("rb") as lines, Path(JOB.written).open("wb") as to:
        for line in lines:
            to.write(orjson.dumps(ast.literal_eval(line.decode())) + b"\n")


def array_json() -> None:
    with Path(JOB.file).open("rb") as file, Path(JOB.written).open("w") as to:
        for record in json.load(file):
            to.write(json.dumps(record) + "\n")


def array_orjson() -> None:
    with Path(JOB.written).open("wb") as to:
        for record in orjson.loads(Path(JOB.file).read_bytes()):
            to.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    run(literals, array_json, array_orjson)
