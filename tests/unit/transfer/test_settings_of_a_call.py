"""How `s3`, `source_s3` and `destination_s3` go together, and whose `ca_file` counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


LIMITS = {"connect": 1, "first_byte": 2.5, "idle": 3, "min_rate": 7}
NATIVE = {"connect_ms": 1000, "first_byte_ms": 2500, "idle_ms": 3000, "least_rate": 7}


@pytest.mark.parametrize("form", [LIMITS, airscoop.Timeouts(**LIMITS)])  # type: ignore[arg-type]
def test_the_timeout_of_settings_is_of_the_requests_of_their_end(form: Any) -> None:
    ends = {"source": "s3://b/x", "destination": "s3://b/y"}
    keys = airscoop.Credentials(access_key_id="a", secret_access_key="b")
    settings = S3Settings(timeout=form, region="eu-west-1", credentials=keys)
    other = S3Settings(region="eu-west-1", credentials=keys)
    native = TransferOptions(**ends, destination_s3=settings, source_s3=other).native()  # type: ignore[arg-type]
    for name, value in NATIVE.items():
        assert native[f"destination_{name}"] == value
        assert native[f"source_{name}"] is None
        assert native[name] is None
    assert S3Settings(timeout=form) == S3Settings(timeout=airscoop.Timeouts(**LIMITS))  # type: ignore[arg-type]
    assert hash(S3Settings(timeout=form))


@pytest.mark.parametrize("kind", [S3Settings, airscoop.KinesisSettings])
@pytest.mark.parametrize(
    ("timeout", "told"),
    [
        (30, r"timeout cannot be 30: write airscoop\.Timeouts\(.*given to the call"),
        ("30", r"timeout cannot be '30': write airscoop\.Timeouts\("),
        ({"whole": 5}, r"timeout cannot limit the whole \(5 s\); .*given to the call"),
        (airscoop.Timeouts(whole=5), "timeout cannot limit the whole"),
        ({"connekt": 5}, "timeout knows connect, first_byte, .*not connekt"),
        ({"idle": 0}, "timeout: idle has to be a number from above 0"),
    ],
)
def test_settings_take_the_times_of_requests_alone(kind: Any, timeout: object, told: str) -> None:
    with pytest.raises(errors.UsageError, match=told):
        kind(timeout=timeout)
