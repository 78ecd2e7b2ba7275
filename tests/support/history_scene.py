"""The proxies of one random history, and what they do to the processes behind them."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from support.fault_catalog import S3_FAULTS
from support.fault_server import Fault, FaultProxy, Request, error, fault_proxy, lose_answer
from support.history_plan import OTHER_CHANGES, SPOILING, Blow, Service, Target
from support.history_processes import Child
from support.kinesis import THROTTLED, Answer, Proxy
from support.wire_proxy import WireProxy

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "pause": signal.SIGSTOP}
HOLD_SECONDS = 60
S3_LISTS: dict[str, Fault] = {"500": error("InternalError", 500), "lost answer": lose_answer}


@dataclass
class Armed:
    """A blow that is still to come."""

    blow: Blow
    skip: int
    times: int


@dataclass
class Scene:
    """`victims` are the processes that blows are for; `paused` is set while one of them is."""

    s3: FaultProxy
    aws: Proxy
    spoil: Callable[[Blow], None] = lambda blow: None  # by who can do it
    victims: dict[Target, Child] = field(default_factory=dict)
    paused: threading.Event = field(default_factory=threading.Event)
    resumed: threading.Event = field(default_factory=threading.Event)
    fired: list[Blow] = field(default_factory=list)
    _armed: list[Armed] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- what is to come ---

    def arm(self, blows: tuple[Blow, ...]) -> None:
        self.paused.clear()
        self.resumed.clear()
        self.fired.clear()
        for blow in blows:
            times = 1 if blow.is_signal else blow.times
            if blow.service == "s3":
                self.s3.on(blow.kind, self._s3_fault(blow), times=times, skip=blow.skip)
            else:
                self._armed.append(Armed(blow, blow.skip, times))

    def disarm(self) -> None:
        self.s3.server.rules.clear()
        with self._lock:
            self._armed.clear()
        self.resumed.set()

    def _take(self, service: Service, kind: str) -> Blow | None:
        """The blow that this request meets."""
        with self._lock:
            for one in self._armed:
                if one.blow.service != service or not kind.startswith(one.blow.kind):
                    continue
                if one.skip > 0:
                    one.skip -= 1
                elif one.times > 0:
                    one.times -= 1
                    return one.blow
        return None

    def _strike(self, blow: Blow) -> None:
        self.fired.append(blow)
        victim = self.victims.get(blow.target)
        if victim is None:
            return
        victim.send(SIGNALS[blow.what])
        if blow.what == "pause":
            self.paused.set()

    def _strike_later(self, blow: Blow) -> None:
        threading.Timer(blow.late_ms / 1000, self._strike, (blow,)).start()

    # --- S3 ---

    def _s3_fault(self, blow: Blow) -> Fault:
        if blow.is_signal:
            return self._s3_signal(blow)
        if blow.what in (*SPOILING, OTHER_CHANGES):
            return self._s3_spoiling(blow)
        if blow.kind == "list":
            return S3_LISTS[blow.what]
        return S3_FAULTS[blow.what].make(random.Random(blow.seed))

    def _s3_signal(self, blow: Blow) -> Fault:
        def act(handler: Any, request: Request) -> None:
            if blow.moment == "before":
                self._strike(blow)
                if blow.what == "kill":
                    handler.hang_up()
                    return
                if blow.what == "pause":  # the request is on its way for so long
                    self.resumed.wait(HOLD_SECONDS)
            code, headers, body = handler.forward(request)
            if blow.moment == "after":
                self._strike(blow)
            elif blow.moment == "late":
                self._strike_later(blow)
            with contextlib.suppress(OSError):
                handler.answer(code, body, headers)

        return act

    def _s3_spoiling(self, blow: Blow) -> Fault:
        def act(handler: Any, request: Request) -> None:
            self.fired.append(blow)
            self.spoil(blow)
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)

        return act

    # --- DynamoDB and Kinesis ---

    def answer(self, operation: str, body: dict[str, Any]) -> Answer | None:
        blow = self._take("aws", operation)
        if blow is None:
            return None
        if blow.is_signal:
            return self._aws_signal(blow)
        self.fired.append(blow)
        if blow.what == "lost answer":
            return Answer(lose=True)
        if blow.what == "some records refused":
            chance = random.Random(blow.seed)
            return Answer(refuse=lambda record: THROTTLED if chance.random() < 0.5 else None)
        if blow.what == "throttled":
            return Answer(status=400, code=THROTTLED)
        return Answer(status=500, code="InternalFailure")

    def _aws_signal(self, blow: Blow) -> Answer | None:
        if blow.moment == "late":
            self._strike_later(blow)
            return None
        self._strike(blow)
        if blow.what != "kill":
            return None
        return Answer(lose=True) if blow.moment == "after" else Answer(status=500, code="Dead")

    # --- PostgreSQL ---

    def statement(self, _: int, sql: str) -> str | None:
        blow = self._take("sql", sql)
        if blow is None:
            return sql
        if blow.is_signal and blow.moment == "late":
            self._strike_later(blow)
            return sql
        if blow.is_signal:
            self._strike(blow)
        else:
            self.fired.append(blow)
        if blow.what == "lost answer":
            return None
        if blow.what == "lost before" or (blow.what == "kill" and blow.moment == "before"):
            raise EOFError  # the connection goes, the statement does not arrive
        return sql


@contextlib.contextmanager
def scene(s3_endpoint: str, aws_endpoint: str, sql_port: int) -> Iterator[tuple[Scene, int]]:
    """A scene, and the port of its PostgreSQL."""
    aws = Proxy(aws_endpoint)
    try:
        with fault_proxy(s3_endpoint) as s3:
            made = Scene(s3=s3, aws=aws)
            aws.script = made.answer
            with WireProxy(sql_port, made.statement) as sql:
                yield made, sql.port
    finally:
        aws.close()
