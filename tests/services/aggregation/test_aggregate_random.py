"""Random records in random files, counted as a plain model counts them. A seed tells everything;
`--count-seeds N` runs the first N, `--count-seed N` one again."""

from __future__ import annotations

from typing import Any

import pyarrow
import pytest

import airscoop
from airscoop import errors
from support.aggregation import MEASURES, Plan, count
from support.s3 import Store


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    one = metafunc.config.getoption("--count-seed")
    seeds = metafunc.config.getoption("--count-seeds")
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", [one] if one is not None else range(seeds))


def test_the_groups_are_those_that_a_dict_counts(seed: int, store: Store) -> None:
    plan, model = Plan.of(seed), count(Plan.of(seed))
    for number, content in enumerate(plan.contents()):
        suffix = plan.form if plan.form in ("csv", "jsonl") else "json"
        name = f"in/part={number}/{number}.{suffix}"
        store.put(name + (".gz" if plan.packed[number] else ""), content)
    options: dict[str, Any] = {"group_by": plan.group_by, "measures": MEASURES}
    options["s3"] = store.settings()
    if model.overflows():
        with pytest.raises(errors.TooLarge, match='the sum "sum"'):
            airscoop.aggregate(store.uri("in/"), **(options | plan.options))
        return
    result = airscoop.aggregate(store.uri("in/"), **(options | plan.options))
    receipt = result.receipt
    assert (receipt.counted, receipt.rejected) == (model.counted, model.rejected)
    assert (receipt.missing, receipt.other_type) == (model.missing, model.other_type)
    assert receipt.objects == plan.files
    assert sum(one.records for one in receipt.inputs) == receipt.records
    for name, rows in model.groups.items():
        assert list(result[name]) == rows
        assert pyarrow.table(result[name]).to_pylist() == rows
        assert len(result[name]) == len(rows)
        assert result[name].counted.records == model.counted
    assert (receipt.spilled_bytes > 0) is (plan.long_keys and model.counted > 0)
