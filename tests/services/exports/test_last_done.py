"""The last done export as an item of its own: small questions, one transaction, older tables."""

from __future__ import annotations

from typing import Any

import pytest

from airscoop import errors
from airscoop.exports.last_done import LAST_DONE
from airscoop.exports.lease import LOCK
from airscoop.exports.model import version_order
from airscoop.exports.registry import EXPORT, Registry
from airscoop.exports.steps.lock import lock_export
from support.exports import CHANGES, Exports, export, locked, work
from support.moto import MotoServer

DATASET = "tenant/a"


class Asked:
    """What a client asked DynamoDB for, and how many items it was given."""

    def __init__(self, client: Any) -> None:
        self.operations: list[str] = []
        self.items = 0
        self.transactions: list[list[dict[str, Any]]] = []
        client.meta.events.register("after-call.dynamodb", self._answered)
        client.meta.events.register(
            "provide-client-params.dynamodb.TransactWriteItems", self._transacts
        )

    def _answered(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        self.operations.append(model.name)
        self.items += len(parsed.get("Items", [])) + ("Item" in parsed)

    def _transacts(self, params: dict[str, Any], **_: Any) -> None:
        self.transactions.append(params["TransactItems"])


@pytest.fixture
def client(moto_server: MotoServer) -> Any:
    return moto_server.client("dynamodb")


@pytest.fixture
def registry(client: Any, registry_table: str) -> Registry:
    return Registry(registry_table, client=client)


def as_before(registry: Registry, version: str, state: str) -> None:
    """A record as an airscoop left it that knew neither the item nor the schema."""
    registry.register(export(version))
    change = "SET #state = :state REMOVE #schema"
    key = (DATASET, EXPORT + version_order(version))
    assert registry.table.update(key, change, {"state": state}, condition="attribute_exists(#pk)")


def kept(registry: Registry) -> str | None:
    found = registry.kept_last_done(DATASET)
    assert found is not None
    return found.version


def schema(registry: Registry, sk: str) -> int | None:
    item = registry.table.get((DATASET, sk))
    assert item is not None
    return item.get("schema")


# --- how much is read ---


def test_registering_new_versions_reads_none_of_them_again(
    exports: Exports, moto_server: MotoServer
) -> None:
    for number in range(60):
        exports.put(f"V{number}", {"1": "a"})
    client = moto_server.client("dynamodb")
    asked = Asked(client)
    counted = Exports(
        exports.store, Registry(exports.registry.table.name, client=client), exports.clock
    )
    assert len(counted.register().registered) == 60
    assert asked.items == 0
    assert asked.operations.count("Query") == 1
    assert sorted(set(asked.operations)) == ["GetItem", "PutItem", "Query"]
    assert asked.operations.count("GetItem") == 1


def test_each_registration_by_itself_reads_none_of_the_others(
    registry: Registry, client: Any
) -> None:
    asked = Asked(client)
    for number in range(60):
        registry.register(export(f"V{number}"))
    assert asked.items == 0
    work(registry, locked(registry), "V70")
    assert registry.register(export("V60")).status == "refused"


def test_the_first_look_at_a_new_table_is_sent_no_records_but_the_first_open_one(
    registry: Registry, client: Any
) -> None:
    for number in range(60):
        registry.register(export(f"V{number}"))
    asked = Asked(client)
    assert lock_export(registry, f"{DATASET}/V59", "me").waits_for is not None
    assert asked.items <= 8


@pytest.mark.parametrize("done", [0, 60])
def test_a_poke_is_one_small_query_whatever_stands_before_and_behind(
    done: int, registry: Registry, client: Any
) -> None:
    for number in range(done):
        as_before(registry, f"V{number}", "done")
    last = registry.find_last_done(DATASET)
    for number in range(done, done + 60):
        registry.register(export(f"V{number}"), last=last)
    assert lock_export(registry, f"{DATASET}/V{done}", "first").lock is not None
    asked = Asked(client)
    waiting = lock_export(registry, f"{DATASET}/V{done + 59}", "last")
    assert waiting.waits_for == f"{DATASET}/V{done}, which is running"
    assert asked.operations == ["GetItem", "GetItem", "Query"]
    assert asked.items <= 6


def test_failed_versions_on_the_way_to_the_open_one_are_read_once_in_pages(
    registry: Registry, client: Any
) -> None:
    for number in range(20):
        as_before(registry, f"V{number}", "failed")
    registry.bring_forward(locked(registry))
    registry.register(export("V20"))
    registry.register(export("V21"))
    asked = Asked(client)
    assert lock_export(registry, f"{DATASET}/V21", "me").waits_for is not None
    assert asked.operations.count("Query") == 2
    assert asked.items <= 2 + 21 + 1


# --- done, and what it writes ---


def test_done_writes_the_record_and_the_last_one_under_the_lock_in_one_transaction(
    registry: Registry, client: Any
) -> None:
    lease = locked(registry)
    asked = Asked(client)
    work(registry, lease, "V1")
    keys = [
        (next(iter(one)), next(iter(one.values()))["Key"]["sk"]["S"])
        for one in asked.transactions[-1]
    ]
    assert keys == [
        ("Update", EXPORT + version_order("V1")),
        ("ConditionCheck", LOCK),
        ("Update", LAST_DONE),
    ]
    assert kept(registry) == "V1"
    written = [
        one
        for items in asked.transactions
        for action in items
        for kind, one in action.items()
        if kind == "Update" and one["Key"]["sk"]["S"] == LAST_DONE
    ]
    assert len(written) == 2  # that nothing is done, and that V1 is


def test_a_version_that_is_done_later_but_is_older_does_not_move_it_back(
    registry: Registry,
) -> None:
    lease = locked(registry)
    older = registry.register(export("V9")).record
    work(registry, lease, "V10")
    registry.start(lease, older, previous=None)
    registry.computed(lease, older.id, CHANGES, {})
    assert registry.done(lease, older.id).state == "done"
    assert kept(registry) == "V10"
    last = registry.last_done(DATASET)
    assert last is not None
    assert last.export.version == "V10"


def test_nothing_of_done_is_written_when_the_lock_is_lost(registry: Registry) -> None:
    stale = locked(registry, "first")
    record = registry.start(stale, registry.register(export("V1")).record, previous=None)
    registry.computed(stale, record.id, CHANGES, {})
    registry.bring_forward(stale)
    stale.release()
    locked(registry, "second")
    with pytest.raises(errors.LockLost):
        registry.done(stale, record.id)
    assert registry.get(record.id).state == "computed"
    assert kept(registry) is None


# --- tables of before ---


def test_a_table_of_before_has_it_derived_once_under_the_lock(
    registry: Registry, client: Any
) -> None:
    for version, state in (("V8", "done"), ("V9", "done"), ("V10", "failed")):
        as_before(registry, version, state)
    registry.register(export("V11"))
    registry.register(export("V12"))
    assert registry.kept_last_done(DATASET) is None
    attempt = lock_export(registry, f"{DATASET}/V11", "me")
    assert attempt.lock is not None
    assert attempt.lock.previous == "V9"
    assert kept(registry) == "V9"
    assert schema(registry, LAST_DONE) == schema(registry, LOCK) == 2
    asked = Asked(client)
    assert lock_export(registry, f"{DATASET}/V12", "other").waits_for is not None
    assert asked.operations == ["GetItem", "GetItem", "Query"]


def test_it_is_not_derived_by_one_who_has_lost_the_lock(registry: Registry) -> None:
    as_before(registry, "V1", "done")
    stale = locked(registry, "first")
    stale.release()
    with pytest.raises(errors.LockLost, match="nobody holds the lock"):
        registry.bring_forward(stale)
    assert registry.kept_last_done(DATASET) is None


def test_one_that_an_older_airscoop_has_ended_since_counts(registry: Registry) -> None:
    lease = locked(registry)
    work(registry, lease, "V1")
    lease.release()
    as_before(registry, "V2", "done")
    registry.register(export("V3"))
    attempt = lock_export(registry, f"{DATASET}/V3", "me")
    assert attempt.lock is not None
    assert attempt.lock.previous == "V2"


def test_a_record_of_before_is_brought_forward_by_its_next_change(registry: Registry) -> None:
    as_before(registry, "V1", "registered")
    lease = locked(registry)
    registry.start(lease, registry.get(f"{DATASET}/V1"), previous=None)
    assert schema(registry, EXPORT + version_order("V1")) == 2
    as_before(registry, "V2", "failed")
    registry.retry(registry.get(f"{DATASET}/V2"))
    assert schema(registry, EXPORT + version_order("V2")) == 2


@pytest.mark.parametrize("sk", [EXPORT + version_order("V2"), LOCK, LAST_DONE])
def test_what_a_newer_airscoop_has_written_is_left_alone(registry: Registry, sk: str) -> None:
    lease = locked(registry)
    work(registry, lease, "V1")
    registry.register(export("V2"))
    lease.release()
    newer = {"schema": 3}
    assert registry.table.update(
        (DATASET, sk), "SET #schema = :schema", newer, condition="attribute_exists(#pk)"
    )
    before = registry.table.get((DATASET, sk))
    with pytest.raises(errors.UnsupportedFormat, match="update airscoop here"):
        lock_export(registry, f"{DATASET}/V2", "me")
    assert registry.table.get((DATASET, sk)) == before


def test_a_change_is_refused_where_a_newer_airscoop_has_written_meanwhile(
    registry: Registry,
) -> None:
    lease = locked(registry)
    record = registry.start(lease, registry.register(export("V1")).record, previous=None)
    key = (DATASET, EXPORT + version_order("V1"))
    registry.table.update(key, "SET #schema = :s", {"s": 3}, condition="attribute_exists(#pk)")
    with pytest.raises(errors.UnsupportedFormat, match="schema 3; this one knows 2"):
        registry.failed(lease, record.id, "no")


def test_one_older_than_what_an_older_airscoop_has_ended_since_is_stale(
    registry: Registry,
) -> None:
    lease = locked(registry)
    work(registry, lease, "V1")
    lease.release()
    as_before(registry, "V3", "done")
    registry.register(export("V2"))
    with pytest.raises(errors.StaleExport, match="V2 is older than tenant/a/V3"):
        lock_export(registry, f"{DATASET}/V2", "me")
    assert registry.get(f"{DATASET}/V2").code == "STALE_EXPORT"


def test_of_two_late_versions_both_are_stale(
    registry: Registry,
) -> None:
    lease = locked(registry)
    work(registry, lease, "V1")
    lease.release()
    as_before(registry, "V4", "done")
    for version in ("V2", "V3"):
        registry.register(export(version))
    assert lock_export(registry, f"{DATASET}/V3", "me").waits_for
    for version in ("V2", "V3"):
        with pytest.raises(errors.StaleExport, match=f"{version} is older than tenant/a/V4"):
            lock_export(registry, f"{DATASET}/{version}", "me")
