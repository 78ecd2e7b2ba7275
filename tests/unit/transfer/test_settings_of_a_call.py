"""How `s3`, `source_s3` and `destination_s3` go together, and whose `ca_file` counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import airscoop
from airscoop import S3Settings, errors
from airscoop.transfer.options import TransferOptions

pytestmark = pytest.mark.unit

ONE, OTHER = S3Settings(region="one"), S3Settings(region="other")
TRUSTING, DISTRUSTFUL = S3Settings(ca_file="/a.pem"), S3Settings(ca_file="/b.pem")


@pytest.mark.parametrize(
    ("given", "source", "destination"),
    [
        ({}, S3Settings(), S3Settings()),
        ({"s3": ONE}, ONE, ONE),
        ({"s3": ONE, "source_s3": OTHER}, OTHER, ONE),
        ({"s3": ONE, "destination_s3": OTHER}, ONE, OTHER),
        ({"s3": None, "source_s3": OTHER, "destination_s3": None}, OTHER, S3Settings()),
    ],
)
def test_the_settings_of_an_end_go_before_those_of_all(
    given: dict[str, S3Settings | None], source: S3Settings, destination: S3Settings
) -> None:
    options = TransferOptions.of(source="a", destination="b", **given)
    assert (options.source_s3, options.destination_s3) == (source, destination)


@pytest.mark.parametrize("end", ["s3", "source_s3", "destination_s3"])
@pytest.mark.parametrize("source", ["http://127.0.0.1:9/x", "https://127.0.0.1:9/x"])
def test_the_ca_file_of_any_settings_counts_for_all_connections(end: str, source: str) -> None:
    options = TransferOptions.of(source=source, destination="b", **{end: TRUSTING})
    assert options.native()["ca_file"] == "/a.pem"
    assert options.source_s3.ca_file == options.destination_s3.ca_file == "/a.pem"


@pytest.mark.parametrize(
    "call",
    [
        lambda: airscoop.copy("x", "y", source_s3=TRUSTING, destination_s3=DISTRUSTFUL),
        lambda: airscoop.copy("x", "y", s3=TRUSTING, destination_s3=DISTRUSTFUL),
        lambda: airscoop.copy_prefix("x/", "s3://b/", s3=TRUSTING, source_s3=DISTRUSTFUL),
        lambda: airscoop.publish(
            "x", "s", s3=TRUSTING, kinesis=airscoop.KinesisSettings(ca_file="/b.pem")
        ),
    ],
)
def test_a_call_has_one_ca_file(
    call: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    with pytest.raises(errors.UsageError, match=r"ca_file is /a\.pem and /b\.pem: one call trusts"):
        call()
    assert not (tmp_path / "y").exists()


def test_a_ca_file_is_a_path() -> None:
    assert S3Settings(ca_file=Path("/a.pem")).ca_file == "/a.pem"  # type: ignore[arg-type]
    with pytest.raises(errors.UsageError, match="ca_file has to be a path, not 3"):
        S3Settings(ca_file=3)  # type: ignore[arg-type]
