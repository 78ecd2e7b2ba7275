"""Which of the servers here a cluster of the local stack is run by."""

from __future__ import annotations

from pathlib import Path

import pytest

from airscoop.local import postgres_programs
from airscoop.local.postgres import Postgres
from airscoop.local.processes import LocalStackError


def install(root: Path, *versions: int) -> None:
    for version in versions:
        programs = root / str(version) / "bin"
        programs.mkdir(parents=True)
        (programs / "initdb").touch()


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a system keeps its servers, of which it has none yet."""
    root = tmp_path / "system"
    monkeypatch.setattr(postgres_programs, "DEBIANS", f"{root}/{{}}/bin")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return root


@pytest.mark.parametrize(
    ("installed", "taken"), [([15], 15), ([17, 15], 17), ([13, 16], 16), ([18, 14, 19], 18)]
)
def test_a_new_cluster_is_of_the_newest_version_that_is_tried(
    system: Path, tmp_path: Path, installed: list[int], taken: int
) -> None:
    install(system, *installed)
    assert postgres_programs.folder_for(tmp_path / "none") == system / str(taken) / "bin"


def test_a_cluster_stays_with_the_version_that_made_it(system: Path, tmp_path: Path) -> None:
    install(system, 15, 17)
    (tmp_path / "PG_VERSION").write_text("15\n")
    assert postgres_programs.folder_for(tmp_path) == system / "15" / "bin"


def test_a_version_that_is_gone_is_named_with_what_to_do(system: Path, tmp_path: Path) -> None:
    install(system, 17)
    (tmp_path / "PG_VERSION").write_text("15\n")
    with pytest.raises(LocalStackError, match=r"install postgresql-15, or .*local down --purge"):
        postgres_programs.folder_for(tmp_path)


@pytest.mark.parametrize(("version", "taken"), [("16.4", True), ("13.2", False)])
def test_where_debian_keeps_none_the_path_is_looked_through(
    version: str,
    taken: bool,
    system: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "initdb").write_text(f"#!/bin/sh\necho 'initdb (PostgreSQL) {version}'\n")
    (elsewhere / "initdb").chmod(0o755)
    monkeypatch.setenv("PATH", str(elsewhere))
    assert list(postgres_programs.servers().values()) == ([elsewhere] if taken else [])


def test_without_a_server_it_says_what_to_install(system: Path, tmp_path: Path) -> None:
    install(system, 13)
    with pytest.raises(LocalStackError, match=r"apt-get install postgresql, or .* from 14 to 18"):
        postgres_programs.folder_for(tmp_path)


def test_without_the_user_of_the_server_it_says_what_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Postgres(tmp_path, tmp_path)
    server.user = "nobody-of-that-name"
    with pytest.raises(LocalStackError, match=r"no user nobody-of-that-name.*postgresql makes one"):
        server.check()
