"""Certificates that no system trusts, and servers' use of them."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

KEY = "server.key"


def make_certificate(folder: Path, *names: str) -> Path:
    """A self-signed certificate for these names, or for 127.0.0.1; its key lies beside it."""
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        f" -subj /CN=test -addext subjectAltName={','.join(names) or 'IP:127.0.0.1'}"
        f" -keyout {KEY} -out server.crt"
    )
    subprocess.run(command.split(), check=True, capture_output=True, cwd=folder)
    return folder / "server.crt"


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name(KEY))
    return context
