"""Has the outages of web sources be waited for in hundredths of a second, not in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airscoop.transfer import web

WAIT_MS = 10
WAITS_MS = 30 * WAIT_MS  # of an outage


@pytest.fixture(scope="session", autouse=True)
def short_waits() -> Iterator[None]:
    """Of what runs in the tests' own process."""
    native = web.native

    def with_short_waits(**given: Any) -> dict[str, Any]:
        return native(**given) | {"retry_base_ms": WAIT_MS}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web, "native", with_short_waits)
        yield
