"""Marks every test by its folder, with one of: unit, services, systems, torture."""

from __future__ import annotations

import pytest

from support.paths import TESTS

# The first that a test's path below tests/ begins with. What `./run test torture` runs at length is
# torture, also where `./run test` runs a little of it.
FOLDERS = {
    "services/faults": "torture",
    "services/histories": "torture",
    "services/memory": "torture",
    "fuzz": "torture",
    "c/hash_join_test.c": "torture",
    "unit/deltas/test_delta_memory.py": "torture",
    "services": "services",
    "systems": "systems",
    "deploy": "systems",
    "unit": "unit",
    "c": "unit",
}
# Fixtures that start a server, or need one that is started.
SERVERS = {"postgres", "s3_server", "moto_server", "stand_in_backend", "stack", "web"}


def marker_of(item: pytest.Item) -> str:
    # Sanitizers make C many times slower, and fail each of its allocations in turn.
    if getattr(item, "flavor", "plain") != "plain" or item.path.name.endswith("_torture_test.c"):
        return "torture"
    path = item.path.relative_to(TESTS)
    for folder, marker in FOLDERS.items():
        if path.is_relative_to(folder):
            return marker
    raise pytest.UsageError(f"support/markers.py has no marker for tests/{path}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for folder in FOLDERS:
        if not (TESTS / folder).exists():
            raise pytest.UsageError(f"tests/{folder} of support/markers.py is not there")
    for item in items:
        marker = marker_of(item)
        item.add_marker(marker)
        servers = SERVERS & set(getattr(item, "fixturenames", ()))
        if marker == "unit" and servers:
            raise pytest.UsageError(
                f"{item.nodeid} uses {', '.join(sorted(servers))}: unit tests have no servers"
            )
