"""Which certificate authorities are trusted, in which order."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from airscoop.aws import tls


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A system bundle, and an environment that names none."""
    bundle = tmp_path / "system.pem"
    bundle.touch()
    monkeypatch.setattr(tls, "SYSTEM_BUNDLES", (str(tmp_path / "missing.pem"), str(bundle)))
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    return str(bundle)


def test_the_option_comes_before_aws_before_ssl_before_the_system_before_certifi(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tls.ca_file() == system
    monkeypatch.setenv("SSL_CERT_FILE", "/of/ssl")
    assert tls.ca_file() == "/of/ssl"
    monkeypatch.setenv("AWS_CA_BUNDLE", "/of/aws")
    assert tls.ca_file() == "/of/aws"
    assert tls.ca_file("/of/the/option") == "/of/the/option"


def test_without_a_system_bundle_it_is_certifis(
    system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(system).unlink()
    assert tls.ca_file() == certifi.where()
