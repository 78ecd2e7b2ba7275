"""Names that an argument or a flag had before are unknown now: nothing takes and drops them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import storage, uploads
from airscoop.cli import main
from airscoop.resume import TaskStateResumeStore

pytestmark = pytest.mark.unit

RECORDS = ("invalid_characters", "key_case", "nonfinite")
READING = (*RECORDS, "trailing_garbage", "ca_file")
COMPARING = (
    *("invalid_characters", "key_case", "duplicates", "key_empty", "schema_change"),
    *("old_s3", "new_s3", "ca_file"),
)
SENDING = ("invalid_characters", "key_case", "max_age_ms", "changes_s3", "ca_file")


def _apply(**options: Any) -> object:
    warehouse = airscoop.Warehouse("host=127.0.0.1 port=9")
    return warehouse.apply_changes("x", table="s.t", key=["k"], **options)


VERBS: dict[str, tuple[Callable[..., object], tuple[object, ...], tuple[str, ...]]] = {
    "copy": (airscoop.copy, ("x", "y"), READING),
    "CopyJob": (airscoop.CopyJob, ("x", "y"), READING),
    "copy_prefix": (airscoop.copy_prefix, ("x/", "s3://b/"), READING),
    "check": (airscoop.check, ("x",), (*READING, "source_s3")),
    "read": (airscoop.read, ("x",), (*READING, "source_s3")),
    "open": (airscoop.open, ("x",), ("trailing_garbage", "ca_file", "source_s3")),
    "Upload": (airscoop.Upload, ("x",), (*RECORDS, "ca_file", "destination_s3")),
    "delta": (airscoop.delta, ("x", "y"), COMPARING),
    "DeltaJob": (airscoop.DeltaJob, ("x", "y"), COMPARING),
    "publish": (airscoop.publish, ("x", "stream"), SENDING),
    "PublishJob": (airscoop.PublishJob, ("x", "stream"), SENDING),
    "apply_changes": (_apply, (), ("invalid_characters", "key_case", "changes_s3", "ca_file")),
    "Warehouse": (airscoop.Warehouse, ("host=x",), ("ca_file",)),
    "storage.head": (storage.head, ("s3://b/x",), ("ca_file",)),
    "uploads.clean": (uploads.clean, ("s3://b/",), ("ca_file",)),
    "TaskStateResumeStore": (TaskStateResumeStore, (None,), ("key",)),
}
FLAGS = {
    "copy": ("--invalid-characters", "--key-case", "--nonfinite", "--trailing-garbage"),
    "check": ("--invalid-characters", "--key-case", "--nonfinite", "--trailing-garbage"),
    "delta": ("--duplicates", "--key-empty", "--schema-change", "--key-case"),
    "publish": ("--invalid-characters", "--key-case"),
    "apply": ("--invalid-characters", "--key-case"),
}


@pytest.mark.parametrize(
    ("verb", "name"), [(verb, name) for verb, (_, _, names) in VERBS.items() for name in names]
)
def test_an_old_name_is_an_unknown_argument(verb: str, name: str, tmp_path: Path) -> None:
    call, arguments, _ = VERBS[verb]
    with pytest.raises((TypeError, airscoop.errors.UsageError), match=rf"\b{name}\b"):
        call(*arguments, **{name: None})


@pytest.mark.parametrize(
    ("verb", "flag"), [(verb, flag) for verb, flags in FLAGS.items() for flag in flags]
)
def test_an_old_flag_is_an_unknown_flag(
    verb: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = ["--key", "k"] if verb == "apply" else []
    assert main([verb, "x", "y", *needed, flag, "keep"]) == 2
    assert flag in capsys.readouterr().err


@pytest.mark.parametrize("name", ["on_invalid_characters", "on_key_case", "on_nonfinite"])
def test_an_old_value_is_refused_with_the_new_ones(name: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"{}\n")
    with pytest.raises(airscoop.errors.UsageError, match=f'{name} cannot be "reject"; use "error"'):
        airscoop.check(tmp_path / "x", **{name: "reject"})  # type: ignore[arg-type]
