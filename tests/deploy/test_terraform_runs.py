"""Terraform itself on the files, where it is installed and gets its provider.

A stand-in for the provider does: TF_CLI_CONFIG_FILE says where Terraform finds it. What needs no
Terraform is in test_terraform.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.terraform_files import TERRAFORM

# Without the network it would try for minutes.
ENVIRONMENT = {
    **os.environ,
    "TF_IN_AUTOMATION": "1",
    "TF_REGISTRY_DISCOVERY_RETRY": "0",
    "TF_REGISTRY_CLIENT_TIMEOUT": "5",
}
NO_PROVIDER = "Failed to query available provider packages"


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    binary = shutil.which("terraform")
    if binary is None:
        pytest.skip("terraform is not installed")
    command = [binary, f"-chdir={folder}", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files, with the provider."""
    copy = tmp_path_factory.mktemp("terraform") / "files"
    shutil.copytree(TERRAFORM, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    done = terraform(copy, "init", "-backend=false", "-input=false", "-no-color")
    if NO_PROVIDER in done.stderr:
        pytest.skip("terraform finds no provider: set TF_CLI_CONFIG_FILE, or have a network")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


def test_the_files_have_terraforms_own_form() -> None:
    done = terraform(TERRAFORM, "fmt", "-check", "-recursive", "-diff")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_files_are_valid(folder: Path) -> None:
    done = terraform(folder, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_terraforms_own_tests_pass(folder: Path) -> None:
    files = sorted(path.name for path in (TERRAFORM / "tests").glob("*.tftest.hcl"))
    done = terraform(folder, "test", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    assert files
    assert all(f"tests/{name}... pass" in done.stdout for name in files)
