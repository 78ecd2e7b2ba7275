"""./run bench transfer on little data with what every machine has, and the page of results."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.paths import PACKAGE_ROOT, ROOT

BENCHMARKS = ROOT / "benchmarks"
STORED = ROOT / "tests/data/benchmark_results"


def run(program: str, *words: str | Path, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / program, *words],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def page_from(results: Path, folder: Path) -> str:
    run("page.py", "--no-plots", "--results", results, "--page", folder / "page.md")
    return (folder / "page.md").read_text()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    run(
        "transfer.py",
        *("--size", "8MiB", "--rounds", "1", "--server", "seaweedfs"),
        *("--contenders", "airscoop", "curl", "--folder", folder / "work"),
        *("--only", "download", "upload", "pass-through", "transform", "literals"),
        *("--results", folder / "results"),
    )
    return folder / "results"


def result(results: Path, name: str) -> dict[str, dict[str, Any]]:
    stored = json.loads((results / f"{name}.json").read_text())
    return {one["name"]: one for one in stored["contenders"]}


def test_each_contender_is_timed_and_weighed(results: Path) -> None:
    for name in ("download", "upload"):
        for contender in result(results, name).values():
            (figures,) = contender["rounds"]
            assert figures["wall_s"] > 0
            assert figures["cpu_s"] > 0
            assert 2**20 < figures["peak_bytes"] < 2**30
            assert contender["medians"] == figures


def test_only_the_named_contenders_run(results: Path) -> None:
    assert list(result(results, "download")) == ["curl", "airscoop", "airscoop, command line"]


def test_a_pass_through_writes_the_bytes_that_came_and_a_transform_others(results: Path) -> None:
    stored = json.loads((results / "pass-through.json").read_text())
    passed = result(results, "pass-through")["airscoop"]["medians"]["written_bytes"]
    packed = result(results, "transform")["airscoop"]["medians"]["written_bytes"]
    assert passed == stored["data"]["bytes"]
    assert packed != passed


def test_the_made_reviews_pack_as_real_ones_do(results: Path) -> None:
    stored = json.loads((results / "pass-through.json").read_text())
    assert 2.5 < stored["data"]["ratio"] < 3.5


def test_the_page_is_made_from_a_run(results: Path, tmp_path: Path) -> None:
    page = page_from(results, tmp_path)
    assert "| **airscoop, command line** | 1 |" in page
    assert "SeaweedFS" in page
    assert "{{" not in page


def test_the_page_computes_each_verdict(tmp_path: Path) -> None:
    page = page_from(STORED, tmp_path)
    assert "- upload, as fast as the best peer: **met**: 1000 MB/s, obstore 800: 1.25 of it" in page
    assert (
        "- upload, client CPU ≤ 1.5 of curl's: **not met**: 0.40 s per GB, curl 0.20: 2.00" in page
    )
    assert "- upload, memory ≤ 64 MiB over the interpreter: **met**: 40 MiB over 30" in page
    assert "- download, as fast as the best peer: **not measured**" in page
    assert "| one note with a bar: \\| |" in page


def test_a_verdict_turns_with_the_figures(tmp_path: Path) -> None:
    shutil.copytree(STORED, tmp_path / "results")
    path = tmp_path / "results/upload.json"
    stored = json.loads(path.read_text())
    (own,) = [one for one in stored["contenders"] if one["kind"] == "airscoop"]
    own["medians"]["wall_s"] = 2.0
    path.write_text(json.dumps(stored))
    page = page_from(tmp_path / "results", tmp_path)
    assert "- upload, as fast as the best peer: **not met**: 500 MB/s" in page


def test_the_page_sets_airscoop_against_the_sum_of_the_ceilings(tmp_path: Path) -> None:
    page = page_from(STORED, tmp_path)
    assert "| kernel | 78 % |" in page
    assert "| CRC32C | 10000 |" in page
    assert "| upload | 0.35 | 0.40 | 1.14 |" in page  # 0.1 + 0.05 + 0.2 s per GB


def test_two_benchmarks_do_not_share_a_folder(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = run("transfer.py", "--folder", tmp_path, "--results", tmp_path / "r", status=1)
    assert "another benchmark runs in" in said


def test_a_profile_names_the_work_of_each_function() -> None:
    lines = """
     20.00%  ;libisal.so.2.0.30   ;[.] decode_huffman_code_block_stateless_04
     15.00%  ;libisal.so.2.0.30   ;[.] isal_deflate_icf_body_hash_hist_04
     10.00%  ;libyajl.so.2.1.0    ;[.] 0x0000000000004360
      9.00%  ;_native.abi3.so     ;[.] scoop_json_scan_line
      8.00%  ;libisal.so.2.0.30   ;[.] crc32_iscsi_01
      7.00%  ;[kernel.kallsyms]   ;[k] _copy_to_iter
      6.00%  ;_native.abi3.so     ;[.] turn
      5.00%  ;libyajl.so.2.1.0    ;[.] 0x0000000000004361
    """
    program = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        f"import json, profiling; print(json.dumps(profiling.shares({lines!r})))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
    )
    works, symbols = json.loads(printed.stdout)
    assert works == {
        "JSON check": 0.24,
        "inflate": 0.2,
        "deflate": 0.15,
        "CRC": 0.08,
        "kernel": 0.07,
        "rest of airscoop": 0.06,
    }
    assert ["libyajl.so.2.1.0", "(no symbol)", 0.15] in symbols


def test_a_contender_that_does_nothing_is_found_out(tmp_path: Path) -> None:
    idle = tmp_path / "curl"
    idle.write_text("#!/bin/sh\ncase $1 in --version) echo curl 0;; *) echo 5;; esac\n")
    idle.chmod(0o755)
    said = subprocess.run(
        [
            *(sys.executable, BENCHMARKS / "transfer.py", "--only", "download"),
            *("--size", "64K", "--rounds", "1", "--server", "seaweedfs", "--contenders", "curl"),
            *("--folder", tmp_path / "work", "--results", tmp_path / "results"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PYTHONPATH": str(PACKAGE_ROOT),
        },
    )
    assert said.returncode == 1
    assert "curl: the number of bytes read is 5, not 1024" in said.stderr
    assert not (tmp_path / "results").exists()
