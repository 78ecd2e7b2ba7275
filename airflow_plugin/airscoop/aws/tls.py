"""Which certificate authorities to trust, for libcurl and libpq alike."""

from __future__ import annotations

import os
from pathlib import Path

from airscoop.given import checked

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def ca_file(option: str | None = None) -> str | None:
    """The CA bundle: the option, AWS_CA_BUNDLE, SSL_CERT_FILE, the system's, certifi's.

    None when there is none at all; then the TLS library's own default decides.
    """
    for named in (option, os.environ.get("AWS_CA_BUNDLE"), os.environ.get("SSL_CERT_FILE")):
        if named:
            checked(named, "the name of the file of certificate authorities")
            return os.path.expanduser(named)  # noqa: PTH111
    for bundle in SYSTEM_BUNDLES:
        if Path(bundle).is_file():
            return bundle
    try:
        import certifi
    except ImportError:
        return None
    return certifi.where()
