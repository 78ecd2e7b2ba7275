"""Lists, a page at a time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from airscoop.local.athena.api_errors import ApiError

DEFAULT_ITEMS = 50


def page(
    keys: Sequence[str], *, token: str | None, most: int | None
) -> tuple[Sequence[str], str | None]:
    """The keys behind the one that the token names, and the token of the next page, if any."""
    start = 0
    if token is not None:
        try:
            start = keys.index(text_of(token)) + 1
        except ValueError:
            raise malformed(token) from None
    end = start + (most or DEFAULT_ITEMS)
    return keys[start:end], token_of(keys[end - 1]) if end < len(keys) else None


def token_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def text_of(token: str) -> str:
    """What a token was made of; ValueError when it is no token."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except binascii.Error as error:
        raise ValueError(token) from error


def malformed(token: str) -> ApiError:
    return ApiError(f"Malformed nextPageToken {token}")
