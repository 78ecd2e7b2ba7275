"""What runs in processes of its own in a random history: the pipeline, and the example consumer."""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airscoop import S3Settings, Warehouse, errors
from airscoop.exports.registry import Registry
from airscoop.exports.steps.apply import apply_changes
from airscoop.exports.steps.claim import claim
from airscoop.exports.steps.compute import compute_changes
from airscoop.exports.steps.finish import finish_export
from airscoop.exports.steps.lock import lock_export
from airscoop.exports.steps.publish import publish_changes
from airscoop.exports.steps.register import register_exports
from airscoop.exports.steps.working import ExportLock, Terms
from support.moto import aws_environment
from support.paths import ROOT
from support.s3 import OWNER

TERMS = Terms(seconds=0.8, handover_seconds=0.8)
WAIT_SECONDS = 30
CONSUMER = ROOT / "examples/consumer.py"


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Where a history's pipeline works, and by which options."""

    prefix: str  # of its exports, s3://
    changes: str
    registry: str
    stream: str
    s3_endpoint: str
    aws_endpoint: str
    conninfo: dict[str, str]
    table: str
    marker: str | None
    compare: dict[str, Any] = field(default_factory=dict)

    def s3(self) -> S3Settings:
        return S3Settings(credentials=OWNER, endpoint_url=self.s3_endpoint, region="us-east-1")

    def surround(self, log: str) -> None:
        """Gives this process its environment, and its errors to a file."""
        os.environ.update(aws_environment(self.aws_endpoint))
        with Path(log).open("ab") as file:
            os.dup2(file.fileno(), 2)


class Stop:
    """What SIGTERM does to a run: it cancels the step that works, and no other begins."""

    def __init__(self) -> None:
        self.asked = False
        self._work: Any = None
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
        if self._work is not None:
            self._work.cancel()

    def reach(self, work: Any) -> None:
        self._work = work
        if self.asked:
            work.cancel()


class Report:
    """What a process has to tell, a line each, also when it is killed."""

    def __init__(self, path: str) -> None:
        self._path = path

    def tell(self, what: str, **facts: Any) -> None:
        with Path(self._path).open("a") as file:
            file.write(json.dumps({"what": what, **facts}, default=str) + "\n")

    def failed(self, where: str, error: BaseException) -> None:
        if isinstance(error, errors.AirscoopError):
            self.tell("error", where=where, code=error.code, error=f"{error}")
        else:
            self.tell("foreign error", where=where, error=traceback.format_exc())


class Steps:
    """The steps of one run, by whom they may be taken one by one in processes of their own."""

    def __init__(self, pipeline: Pipeline, owner: str) -> None:
        self._pipeline, self._owner = pipeline, owner
        self.stop = Stop()
        self.registry = Registry(pipeline.registry)
        self._options: dict[str, Any] = {
            "s3": pipeline.s3(), "on_start": self.stop.reach,
        }  # fmt: skip

    def register(self) -> list[str]:
        return register_exports(
            self.registry, [self._pipeline.prefix], complete_marker=self._pipeline.marker,
            **self._options,
        ).exports  # fmt: skip

    def compute(self, lock: ExportLock) -> None:
        compute_changes(
            self.registry, lock, changes=self._pipeline.changes, terms=TERMS,
            **self._pipeline.compare, **self._options,
        )  # fmt: skip

    def apply(self, lock: ExportLock) -> None:
        with Warehouse(self._pipeline.conninfo, dialect="postgres") as warehouse:
            apply_changes(
                self.registry, lock, warehouse, table=self._pipeline.table, key=["PK"],
                terms=TERMS, **self._options,
            )  # fmt: skip

    def publish(self, lock: ExportLock) -> None:
        publish_changes(
            self.registry, lock, self._pipeline.stream, terms=TERMS, max_in_flight=2,
            max_age_seconds=0.02, **self._options,
        )  # fmt: skip

    def lock(self, export: str) -> ExportLock | None:
        """Waits for it; None: there is nothing to do."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            attempt = lock_export(self.registry, export, self._owner, terms=TERMS)
            if attempt.waits_for is None:
                return attempt.lock
            self.wait(attempt.waits_for, end)

    def claimed(self, export: str) -> None:
        """As docs/how-to/registry.md has it."""
        end = time.monotonic() + WAIT_SECONDS
        while not self.stop.asked:
            with claim(self.registry, export, self._owner, terms=TERMS) as claimed:
                if claimed.lock is not None:
                    self.compute(claimed.lock)
                    self.apply(claimed.lock)
                    self.publish(claimed.lock)
            if claimed.waits_for is None:
                return
            self.wait(claimed.waits_for, end)
        raise errors.Cancelled(f"{export}: the run was told to stop")

    def wait(self, reason: str, end: float) -> None:
        if self.stop.asked or time.monotonic() > end:
            raise errors.LockTimeout(reason)
        time.sleep(0.05)


def in_process(
    pipeline: Pipeline,
    owner: str,
    report: str,
    work: Callable[[Steps, Report], bool],
    where: str,
) -> None:
    """Ends by 0, and says so, if `work` did what it should; where: what is said to fail."""
    pipeline.surround(report + ".log")
    telling = Report(report)
    try:
        is_green = work(Steps(pipeline, owner), telling)
    except BaseException as error:
        telling.failed(where, error)
        is_green = False
    if not is_green:
        raise SystemExit(1)
    telling.tell("green")


def loop(pipeline: Pipeline, owner: str, report: str) -> None:
    """A whole run: what fails holds up no other export."""

    def work(steps: Steps, telling: Report) -> bool:
        exports = steps.register()
        telling.tell("registered", exports=exports)
        failed = 0
        for export in exports:
            try:
                steps.claimed(export)
                telling.tell("worked", export=export)
            except errors.AirscoopError as error:
                telling.failed(export, error)
                failed += 1
        return failed == 0 and not steps.stop.asked

    in_process(pipeline, owner, report, work, "the run")


def task(
    pipeline: Pipeline, owner: str, report: str, name: str, lock: dict[str, Any] | str | None
) -> None:
    """One task of a run, as of a DAG: what it gives is in the report."""

    def work(steps: Steps, telling: Report) -> bool:
        if name == "register":
            telling.tell("gives", result=steps.register())
        elif name == "lock":
            found = steps.lock(str(lock))
            telling.tell("gives", result=None if found is None else found.to_dict())
        else:
            own = ExportLock.of(lock)  # type: ignore[arg-type]
            if name == "finish":
                receipt = finish_export(steps.registry, own, terms=TERMS)
                telling.tell("gives", result=receipt.state)
            else:
                getattr(steps, name)(own)
        return True

    export = lock["export"] if isinstance(lock, dict) else lock
    in_process(pipeline, owner, report, work, export or name)


def consume(pipeline: Pipeline, database: str, log: str, idle_seconds: float) -> None:
    """examples/consumer.py, until nothing has come for a while."""
    pipeline.surround(log)
    sys.argv = ["consumer.py", pipeline.stream, database, "--until-idle", str(idle_seconds)]
    runpy.run_path(str(CONSUMER), run_name="__main__")
