"""Every block of README and docs runs as it is printed, against the local stack."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airscoop.local import stack as local_stack
from support.doc_blocks import MARKS, RUN, Shell, blocks, pages, put, run_console, run_python, same
from support.doc_scenes import BUCKETS, SCENES, World
from support.paths import ROOT


def runs(info: str) -> bool:
    return info.split(" ")[0] in RUN and not info.endswith(MARKS)


PAGES = [
    page.relative_to(ROOT).as_posix()
    for page in pages()
    if any(runs(block.info) for block in blocks(page))
]


@pytest.fixture
def environment(stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What `airscoop local env` sets, in this process and for the shell's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIRSCOOP_LOCAL_DIR", stack["state"])
    for name, value in local_stack.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRSCOOP_WAREHOUSE_DSN", stack["warehouse"]["dsn"])
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    yield dict(os.environ)


@pytest.fixture
def world(stack: dict[str, Any], environment: dict[str, str], tmp_path: Path) -> Iterator[World]:
    found = World(stack, tmp_path)
    s3 = found.s3()
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in set(BUCKETS) - there:
        s3.create_bucket(Bucket=bucket)
    with found.held:
        yield found


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run_as_printed(
    page: str, world: World, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)
    (world.folder / "run").symlink_to(ROOT / "run")
    names: dict[str, Any] = {"__name__": page}
    names |= SCENES[page](world) if page in SCENES else {}
    shell = Shell(world.folder, environment)
    printed = ""
    try:
        for block in blocks(ROOT / page):
            if block.info == "text output":
                shown = put(block.text, world.places)
                assert same(printed, shown), f"{block.place}: printed:\n{printed}"
            elif not runs(block.info):
                continue
            elif block.info == "console":
                run_console(block, shell, world.places)
            elif block.info == "python":
                printed = run_python(block, names, world.places)
            else:
                world.execute(*block.text.split(";\n"))
    finally:
        shell.close()
