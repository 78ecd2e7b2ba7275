"""How many examples hypothesis makes, and which: the same in every run, so that a change that
breaks nothing never turns a run red; other ones, and ten times as many, with
`--hypothesis-profile torture`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

TORTURE = "torture"
FACTOR = 10

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.register_profile(TORTURE, deadline=None, print_blob=True)
settings.load_profile("repeatable")


def examples(count: int, *suppressed: HealthCheck) -> settings:
    """`count` examples, more under torture."""
    factor = FACTOR if settings.get_current_profile_name() == TORTURE else 1
    return settings(max_examples=count * factor, suppress_health_check=suppressed)
