"""What runs as a user other than root, who may not enter every folder."""

from __future__ import annotations

import os

import pytest

from support.paths import ROOT


def _others_may_enter() -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in [ROOT, *ROOT.parents])


becomes_another_user = pytest.mark.skipif(
    os.getuid() != 0 or not _others_may_enter(),
    reason="becomes another user, which root alone may, and who has to reach this checkout",
)
reaches_the_checkout = pytest.mark.skipif(
    os.getuid() == 0 and not _others_may_enter(),
    reason="becomes another user, who has to reach this checkout",
)
