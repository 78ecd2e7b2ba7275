"""`airscoop exports`: what is stuck is seen, tried again, given up or unlocked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airscoop import errors
from airscoop.cli import main
from airscoop.exports import on_call
from airscoop.exports.lease import Lease, held_lock
from airscoop.exports.registry import Registry
from support.exports import CHANGES, export, locked, work
from support.moto import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, MotoServer

DATASET = "tenant/a"


@pytest.fixture
def registry(moto_server: MotoServer, registry_table: str) -> Registry:
    return Registry(registry_table, client=moto_server.client("dynamodb"))


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)


class Line:
    """The command, and what it printed."""

    def __init__(self, registry: Registry, server: MotoServer, capsys: Any) -> None:
        self._place = ["--registry", registry.table.name, "--endpoint-url", server.endpoint]
        self._place += ["--region", REGION]
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, Any]:
        code = main(["exports", *words, *self._place, "--json"])
        return code, json.loads(self._capsys.readouterr().out)


@pytest.fixture
def line(registry: Registry, moto_server: MotoServer, capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(registry, moto_server, capsys)


def half_published(registry: Registry, lease: Lease, version: str) -> str:
    record = registry.start(lease, registry.register(export(version)).record, previous=None)
    registry.computed(lease, record.id, CHANGES, {})
    registry.save_offset(lease, record.id, 2)
    registry.failed(lease, record.id, "the stream is gone", "NOT_FOUND")
    return record.id


def test_what_is_stuck_is_listed_with_who_holds_the_lock(registry: Registry, line: Line) -> None:
    lease = locked(registry, "dag/run/1")
    work(registry, lease, "V1")
    work(registry, lease, "V2")
    stuck = half_published(registry, lease, "V3")
    registry.register(export("V4"))
    registry.register(export("V1", table="b"))
    code, found = line("list")
    assert code == 0
    shown = {one["export"]: (one["state"], one["holds_up_others"]) for one in found["exports"]}
    assert shown == {
        "tenant/a/V2": ("done", False),
        stuck: ("failed", True),
        "tenant/a/V4": ("registered", True),
        "tenant/b/V1": ("registered", True),
    }
    assert found["locks"] == [{"dataset": DATASET, "owner": "dag/run/1", "fence": lease.fence}]
    text = on_call.look(registry, [DATASET]).summary()
    assert "2 of 3 changes published  later versions wait for it\n    the stream is gone" in text
    assert "tenant/a  locked by dag/run/1" in text
    _, every = line("list", DATASET, "--all")
    assert every["exports"][0]["export"] == "tenant/a/V1"


def test_a_failed_export_is_worked_on_again(registry: Registry, line: Line) -> None:
    lease = locked(registry)
    record = registry.start(lease, registry.register(export("V1")).record, previous=None)
    registry.failed(lease, record.id, "no room", "IO")
    code, found = line("retry", record.id)
    assert (code, found["was"], found["state"], found["error"]) == (
        0, "failed", "registered", "no room",
    )  # fmt: skip
    assert registry.get(record.id).state == "registered"
    code, found = line("retry", record.id)
    assert (code, found["error"]) == (1, "WRONG_EXPORT_STATE")


def test_what_cannot_heal_is_not_tried_again(registry: Registry) -> None:
    work(registry, locked(registry), "V2")
    registry.register(export("V1"))
    with pytest.raises(errors.WrongExportState, match="older than tenant/a/V2"):
        on_call.retry(registry, "tenant/a/V1")
    registry.report_conflict(export("V3"), "V3 has two objects")
    with pytest.raises(errors.WrongExportState, match="V3 has two objects"):
        on_call.retry(registry, "tenant/a/V3")
    with pytest.raises(errors.NotFound):
        on_call.retry(registry, "tenant/a/V9")


def test_only_what_has_failed_is_given_up(registry: Registry, line: Line) -> None:
    lease = locked(registry)
    stuck = half_published(registry, lease, "V1")
    code, found = line("give-up", stuck)
    assert (code, found["state"]) == (0, "failed")
    assert not registry.get(stuck).is_open
    assert line("give-up", stuck)[0] == 1
    registry.register(export("V2"))
    with pytest.raises(errors.WrongExportState, match="is registered: only one that has failed"):
        on_call.give_up(registry, "tenant/a/V2")


def test_a_lock_is_taken_away_and_its_holder_writes_nothing_more(
    registry: Registry, line: Line
) -> None:
    lease = locked(registry, "a run that is gone")
    record = registry.start(lease, registry.register(export("V1")).record, previous=None)
    code, found = line("unlock", DATASET)
    assert (code, found["held_by"]) == (0, "a run that is gone")
    assert held_lock(registry, DATASET) is None
    with pytest.raises(errors.LockLost):
        registry.computed(lease, record.id, CHANGES, {})
    with pytest.raises(errors.LockLost):
        Lease.attach(registry, DATASET, lease.owner, lease.fence)
    assert locked(registry, "next").fence > lease.fence
    code, found = line("unlock", "tenant/b")
    assert (code, found["held_by"]) == (0, None)


@pytest.mark.parametrize("name", ["tenant", "tenant/a/V1", "/a", ""])
def test_a_name_that_is_no_table_is_wrong_usage(name: str, registry: Registry, line: Line) -> None:
    assert line("unlock", name)[0] == 2
    assert line("list", name)[0] == 2
