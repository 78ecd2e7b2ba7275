"""The lock of one tenant's table: a lease with a heartbeat and a fencing token.

The lock is one item of the registry's table. It holds no time: who waits for a lock sees whether
its record version (`rvn`) stays the same for as long as the lease says, on a clock of its own.
`fence` counts up with every taking; what the lock protects is written under the condition that it
is still the writer's. An owner's name is only for people: who has the name, but not the fence, is
another one.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from airscoop.aws.dynamodb import RETRY_SECONDS, Item, Patience
from airscoop.error_facts import with_facts
from airscoop.errors import AirscoopError, LockLost, LockTimeout
from airscoop.exports.last_done import SCHEMA, refuse_newer

if TYPE_CHECKING:
    from airscoop.exports.registry import Registry

log = logging.getLogger(__name__)

LOCK = "lock"
SECONDS = 60.0
HANDOVER_SECONDS = 600.0
BEATS = 3  # in a lease
SECONDS_OF_SIGHTINGS = 7 * 86400
MINE = "#owner = :owner AND #fence = :fence AND #released = :no"
# `taken` is the fence of the last taking; an older airscoop writes none.
SAME_TAKING = "#fence >= :fence AND (attribute_not_exists(#taken) OR #taken <= :fence)"


class Lease:
    """A lock that is held. In a `with` it is renewed by a thread of its own, three times a lease.

    At the end of the `with` it is released; one from `attach` is handed over instead, to the run's
    next task. `on_lost` is called, on whatever thread finds out, when another run has the lock.
    """

    def __init__(
        self,
        registry: Registry,
        dataset: str,
        owner: str,
        fence: int,
        *,
        seconds: float,
        handover_seconds: float,
        releases: bool,
        on_lost: Callable[[], object] | None,
        renewed_at: float,
    ) -> None:
        self._registry = registry
        self.dataset = dataset
        self.owner = owner
        self.fence = fence
        self.seconds = seconds
        self.handover_seconds = handover_seconds
        self._releases = releases
        self._on_lost = on_lost
        self._renewed_at = renewed_at  # of `boottime`
        self._lost: AirscoopError | None = None
        self._watcher: Callable[[float], object] = lambda _: None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    # --- taking it ---

    @classmethod
    def try_acquire(
        cls,
        registry: Registry,
        dataset: str,
        owner: str | None = None,
        *,
        seconds: float = SECONDS,
        handover_seconds: float = HANDOVER_SECONDS,
        on_lost: Callable[[], object] | None = None,
    ) -> Self | None:
        """The lock of `dataset` (TENANT/TABLE) if it is free, released, or was not renewed for as
        long as its lease says; None when it is held, be it by the same `owner` (by default
        `new_owner`): who goes on with a lock that it has says so by `attach`.
        """
        owner, now = owner or new_owner(), boottime()
        fence = _take(registry, dataset, owner, seconds)
        if fence is None:
            return None
        return cls(
            registry,
            dataset,
            owner,
            fence,
            seconds=seconds,
            handover_seconds=handover_seconds,
            releases=True,
            on_lost=on_lost,
            renewed_at=now,
        )

    @classmethod
    def acquire(
        cls,
        registry: Registry,
        dataset: str,
        owner: str | None = None,
        *,
        timeout: float | None = None,
        seconds: float = SECONDS,
        handover_seconds: float = HANDOVER_SECONDS,
        on_lost: Callable[[], object] | None = None,
    ) -> Self:
        """The same, waiting for it; LockTimeout after `timeout` seconds."""
        owner = owner or new_owner()
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            lease = cls.try_acquire(
                registry,
                dataset,
                owner,
                seconds=seconds,
                handover_seconds=handover_seconds,
                on_lost=on_lost,
            )
            if lease is not None:
                return lease
            if until is not None and time.monotonic() >= until:
                late = LockTimeout(f"{dataset}: after {timeout:g} s {holder(registry, dataset)}")
                held = held_lock(registry, dataset)
                raise with_facts(late, holder=None if held is None else held["owner"])
            pause = min(1.0, seconds / 10)
            time.sleep(pause if until is None else max(0.0, min(pause, until - time.monotonic())))

    @classmethod
    def attach(
        cls,
        registry: Registry,
        dataset: str,
        owner: str,
        fence: int,
        *,
        seconds: float = SECONDS,
        handover_seconds: float = HANDOVER_SECONDS,
        on_lost: Callable[[], object] | None = None,
    ) -> Self:
        """Goes on with the lock that an earlier task of the same owner took with `fence`.

        The fence rises: what may be left of the earlier process writes nothing more. LockLost when
        the lock was taken anew since, by whomever, or was released.
        """
        rvn, now = uuid.uuid4().hex, boottime()
        key = (dataset, LOCK)
        item = registry.table.settled(
            key,
            ("rvn", rvn),
            lambda: registry.table.update(
                key,
                "SET #rvn = :rvn, #lease_ms = :ms ADD #fence :one",
                {
                    "rvn": rvn,
                    "ms": int(seconds * 1000),
                    "one": 1,
                    "owner": owner,
                    "fence": fence,
                    "no": False,
                },
                condition=f"#owner = :owner AND #released = :no AND {SAME_TAKING}",
            ),
        )
        if item is None:
            raise lock_lost(registry, dataset, owner)
        return cls(
            registry,
            dataset,
            owner,
            int(item["fence"]),
            seconds=seconds,
            handover_seconds=handover_seconds,
            releases=False,
            on_lost=on_lost,
            renewed_at=now,
        )

    # --- holding it ---

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._beat, name="airscoop-lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if self._lost is not None:
                self._end()  # there is nothing to give back
            elif self._releases:
                self.release()
            else:
                self.hand_over()
        except AirscoopError as error:
            if kind is None:
                raise
            log.warning("%s: the lock could not be given back: %s", self.dataset, error)

    @property
    def good_until(self) -> float:
        """When what needs the lock stops unless the lock is renewed: half a lease after the last
        answer that it is held was asked for, in seconds of CLOCK_BOOTTIME.
        """
        return self._renewed_at + self.seconds / 2

    def watch(self, watcher: Callable[[float], object]) -> None:
        """Tells `good_until` to the watcher, now and on whatever thread renews the lock."""
        self._watcher = watcher
        watcher(self.good_until)

    def check(self, interrupt: Callable[[], object] | None = None) -> None:
        """Returns while the lock is known to be held; raises LockLost when another run has it.

        Half a lease after the last answer, as when the process was stopped, the registry is asked
        first. One that throttles or cannot be reached is waited for, 10 minutes at most; meanwhile
        `interrupt` is called, and what it raises ends the waiting.
        """
        if self._lost is not None:
            raise self._lost
        if boottime() >= self.good_until:
            self.confirm(interrupt)

    def confirm(self, interrupt: Callable[[], object] | None = None) -> None:
        """Asks the registry now whether the lock is held: before what cannot be taken back. It is
        waited for as by `check`."""
        patience = Patience()
        while self._lost is None:
            try:
                return self._renew(self.seconds)
            except AirscoopError as error:
                if not error.retryable or patience.ends(RETRY_SECONDS):
                    raise
            if interrupt is not None:
                interrupt()
            self._ended.wait(self.seconds / BEATS / 10)
        raise self._lost

    def hand_over(self) -> None:
        """Ends the heartbeat; the lock waits for the run's next task, for the handover's time."""
        self._end()
        self._renew(self.handover_seconds)

    def release(self) -> bool:
        """Gives the lock back; false when another has it already."""
        self._end()
        item = self._registry.table.update(
            (self.dataset, LOCK),
            "SET #released = :yes, #rvn = :rvn",
            {**self._mine(), "yes": True, "rvn": uuid.uuid4().hex},
            condition=MINE,
        )
        return item is not None

    def _mine(self) -> dict[str, str | int | bool]:
        return {"owner": self.owner, "fence": self.fence, "no": False}

    def _end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(self.seconds / BEATS):
            try:
                self._renew(self.seconds)
            except LockLost:
                return
            except AirscoopError as error:
                log.warning("%s: the lock could not be renewed: %s", self.dataset, error)

    def _renew(self, seconds: float) -> None:
        now = boottime()  # before the request: the lease may begin when it is sent
        item = self._registry.table.within(self.seconds / BEATS).update(
            (self.dataset, LOCK),
            "SET #rvn = :rvn, #lease_ms = :ms",
            {**self._mine(), "rvn": uuid.uuid4().hex, "ms": int(seconds * 1000)},
            condition=MINE,
        )
        if item is not None:
            self._renewed_at = max(self._renewed_at, now)
            self._watcher(self.good_until)
            return
        self._lost = self._loss(now)
        if self._on_lost is not None:
            self._on_lost()
        raise self._lost

    def _loss(self, now: float) -> AirscoopError:
        unrenewed = now - self._renewed_at
        late = unrenewed >= self.seconds
        why = f"it gave no sign of life for {unrenewed:.0f} s; " if late else ""
        return lock_lost(self._registry, self.dataset, self.owner, why)


def boottime() -> float:
    """Seconds of CLOCK_BOOTTIME, which also goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def new_owner() -> str:
    """A name that nobody else has: the host's, the process's number, and a random part."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:12]}"


def held_lock(registry: Registry, dataset: str) -> Item | None:
    """The lock's item (`owner`, `fence`); None when nobody holds it."""
    item = registry.table.get((dataset, LOCK))
    return None if item is None or item["released"] else refuse_newer(item)


def take_away(registry: Registry, dataset: str) -> Item | None:
    """Releases a lock, whoever holds it: the item as it was; None when nobody held it."""
    while (item := held_lock(registry, dataset)) is not None:
        taken = registry.table.update(
            (dataset, LOCK),
            "SET #released = :yes, #rvn = :rvn, #schema = :schema",
            {
                "yes": True,
                "no": False,
                "rvn": uuid.uuid4().hex,
                "owner": item["owner"],
                "schema": SCHEMA,
            },
            condition="#owner = :owner AND #released = :no",
        )
        if taken is not None:
            break
    return item


def holder(registry: Registry, dataset: str) -> str:
    """Who holds a lock, in words."""
    item = held_lock(registry, dataset)
    if item is None:
        return "nobody holds the lock"
    return f"the lock is held by {item['owner']} (fence {item['fence']})"


def lock_lost(registry: Registry, what: str, owner: str, why: str = "") -> LockLost:
    """The one error of a run that has lost the lock of `what`, TENANT/TABLE or an export of it; it
    says what to do."""
    dataset = "/".join(what.split("/")[:2])
    free = held_lock(registry, dataset) is None
    return LockLost(
        f"{what}: {owner} has lost its lock; {why}nothing more is changed or sent; "
        f"{holder(registry, dataset)}: "
        + ("lock the export again to go on" if free else "leave the export to it")
    )


def _take(registry: Registry, dataset: str, owner: str, seconds: float) -> int | None:
    """The new fence; None when another holds the lock, or was faster."""
    key, rvn = (dataset, LOCK), uuid.uuid4().hex
    item = registry.table.get(key)
    if item is not None:
        refuse_newer(item)
    if item is not None and not (
        item["released"] or _seconds_seen(registry, dataset, item) * 1000 >= item["lease_ms"]
    ):
        return None
    taken = registry.table.settled(
        key,
        ("rvn", rvn),
        lambda: registry.table.update(
            key,
            "SET #owner = :owner, #rvn = :rvn, #lease_ms = :ms, #released = :no, "
            "#taken = :taken, #schema = :schema ADD #fence :one",
            {
                "owner": owner,
                "rvn": rvn,
                "ms": int(seconds * 1000),
                "no": False,
                "one": 1,
                "taken": 1 if item is None else item["fence"] + 1,
                "schema": SCHEMA,
                "seen": "" if item is None else item["rvn"],
            },
            condition="attribute_not_exists(#pk)" if item is None else "#rvn = :seen",
        ),
    )
    return None if taken is None else int(taken["fence"])


def _seconds_seen(registry: Registry, dataset: str, lock: Item) -> float:
    """For how long this machine has seen the lock unchanged: this process, or others before it.

    A task that waits in reschedule mode is another process each time, so what was seen is kept in
    the registry, with the time of this machine's own clock since it started.
    """
    key = (dataset, f"seen#{_machine()}")
    now_ms = time.monotonic_ns() // 1_000_000
    seen = registry.table.get(key)
    if seen is not None and seen["rvn"] == lock["rvn"]:
        return float(now_ms - seen["at_ms"]) / 1000
    registry.table.put(
        {
            "pk": key[0],
            "sk": key[1],
            "rvn": lock["rvn"],
            "at_ms": now_ms,
            "expires": int(time.time()) + SECONDS_OF_SIGHTINGS,
        },
        condition="attribute_not_exists(#pk) OR #rvn <> :rvn",
    )
    return 0.0


@functools.cache
def _machine() -> str:
    """Names the clock: the machine since it started, and the namespace of its times."""
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{started}#{Path('/proc/self/ns/time').readlink()}"
    except OSError:
        return uuid.uuid4().hex
