"""Who may include whom in csrc/ is a table, and each #include is read against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lint.include_table import CSRC, breaches

TABLE = """
["include/scoop"]
may = []
open = ["*"]

[text]
may = []
open = ["*"]

[net]
may = ["text"]
open = ["http.h"]
libraries = ["curl/*"]

[stage]
may = ["text"]
open = ["stage.h"]

[copy]
may = ["text", "net", "stage"]
open = []

[pure]
never = ["net"]
folders = ["stage"]
files = []
"""
FILES = {
    "include/scoop/error.h": "",
    "text/utf8.h": "",
    "net/http.h": '#include <curl/curl.h>\n#include "scoop/error.h"\n',
    "net/engine.h": "",
    "net/engine_internal.h": "",
    "stage/stage.h": '#include "text/utf8.h"\n',
    "stage/worker.c": '#include "stage/stage.h"\n#include <string.h>\n',
    "copy/transfer.c": '#include "stage/stage.h"\n#include "net/http.h"\n',
}


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    (tmp_path / "layers.toml").write_text(TABLE)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def add(root: Path, name: str, line: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + line + "\n")


def test_the_engine_keeps_to_its_table() -> None:
    assert breaches(CSRC) == []


def test_files_that_keep_to_the_table_are_no_breach(planted: Path) -> None:
    assert breaches(planted) == []


@pytest.mark.parametrize(
    ("file", "line", "breach"),
    [
        (
            "stage/worker.c",
            '#include "copy/chain.h"',
            'stage/worker.c: "copy/chain.h" is no file of the root',
        ),
        (
            "text/utf8.h",
            '#include "stage/stage.h"',
            "text/utf8.h: text may not include stage (stage/stage.h)",
        ),
        ("copy/transfer.c", '#include "net/engine.h"', '"net/engine.h" is for net alone'),
        (
            "copy/transfer.c",
            '#  include "net/engine_internal.h"',
            '"net/engine_internal.h" is for net alone',
        ),
        (
            "stage/worker.c",
            '#include "../text/utf8.h"',
            'stage/worker.c: "../text/utf8.h" is not written from the root',
        ),
        ("stage/worker.c", '#include "stage.h"', 'stage/worker.c: "stage.h" is no file'),
        (
            "include/scoop/error.h",
            '#include "text/utf8.h"',
            'a public header includes "text/utf8.h", which is not public',
        ),
        ("stage/worker.c", "#include <curl/curl.h>", "<curl/curl.h> is for net alone"),
        ("copy/transfer.c", '#include "net/http.h"', "copy/transfer.c: includes net/http.h twice"),
        ("jobs/run.c", "", "jobs/run.c: its folder is not in layers.toml"),
    ],
)
def test_a_breach_is_named(planted: Path, file: str, line: str, breach: str) -> None:
    add(planted, file, line)
    found = breaches(planted)
    assert len(found) == 1
    assert breach in found[0]


def test_what_is_pure_reaches_no_network_through_others(planted: Path) -> None:
    table = (planted / "layers.toml").read_text()
    (planted / "layers.toml").write_text(
        table.replace('["text"]\nopen = ["stage.h"]', '["text", "net"]\nopen = ["stage.h"]')
    )
    add(planted, "stage/stage.h", '#include "net/http.h"')
    assert breaches(planted) == [
        "stage/stage.h: it is pure, but reaches net/http.h",
        "stage/worker.c: it is pure, but reaches net/http.h",
    ]


def test_a_folder_may_include_those_above_it_only(planted: Path) -> None:
    table = (planted / "layers.toml").read_text()
    (planted / "layers.toml").write_text(table.replace("[text]\nmay = []", '[text]\nmay = ["net"]'))
    assert breaches(planted) == ["layers.toml: text may include net, which does not stand above it"]


def test_the_table_names_only_folders_that_there_are(planted: Path) -> None:
    add(planted, "layers.toml", "\n[delta]\nmay = []\nopen = []")
    assert breaches(planted) == ["layers.toml: there is no delta"]
