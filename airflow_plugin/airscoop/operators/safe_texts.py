"""Texts that leave a task, for XCom and the task state store: without secrets, and storable."""

from __future__ import annotations

import os
import re
from typing import Any

from airflow.sdk.log import redact  # type: ignore[attr-defined]  # it is in no __all__

from airscoop.transfer.places import displayed

HIDDEN = "***"

# Each is bounded, so that a long text takes time in proportion to its length.
ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s'\"<>]+")
ACCESS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
NAMED_SECRET = re.compile(
    r"(?i)((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|signature|credential)"
    r"[\w-]{0,30}[\"']?\s{0,3}[=:]\s{0,3}[\"']?)([^\s\"'&,;)}]+)"
)
AUTHORIZATION = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{8,}")
# Of the environment; those of a connection are known to Airflow's masker.
VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "PGPASSWORD")


def without_secrets(text: str) -> str:
    """The text without user info and query of addresses, keys of AWS, what is named as a secret,
    and what Airflow masks; in characters that JSON and a database take."""
    for secret in filter(None, map(os.environ.get, VARIABLES)):
        if len(secret) > 4:
            text = text.replace(secret, HIDDEN)
    text = ADDRESS.sub(lambda found: displayed(found[0]), text)
    text = ACCESS_KEY_ID.sub(HIDDEN, text)
    text = NAMED_SECRET.sub(rf"\g<1>{HIDDEN}", text)
    text = AUTHORIZATION.sub(rf"\g<1> {HIDDEN}", text)
    masked = str(redact(text))
    return masked.replace("\0", "?").encode(errors="backslashreplace").decode()


def safe(value: Any) -> Any:
    """The same for all texts of a value of JSON types; what is none becomes a text."""
    if isinstance(value, dict):
        return {without_secrets(str(key)): safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [safe(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return without_secrets(str(value))
