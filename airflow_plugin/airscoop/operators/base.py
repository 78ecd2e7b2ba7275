"""What all airscoop operators share: receipts to XCom, errors to Airflow's terms, on_kill."""

from __future__ import annotations

import contextlib
import logging
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop import Warehouse
    from airscoop.aws.credentials import S3Settings
    from airscoop.cancelling import Cancellable
    from airscoop.exports.registry import Registry
    from airscoop.exports.steps import ExportLock, Terms
    from airscoop.receipts import Receipt


@contextlib.contextmanager
def airflow_errors() -> Iterator[None]:
    """Fails the task for good where another try cannot mend an error."""
    from airscoop.errors import AirscoopError

    try:
        yield
    except AirscoopError as error:
        # A Cancelled is retryable: an evicted worker's task is tried again.
        if error.retryable:
            raise
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error


class AirscoopOperator(BaseOperator):
    """Runs one verb; its receipt is logged, and returned as a plain dict for XCom."""

    @abstractmethod
    def perform(self, context: Context) -> Receipt:
        """Runs the verb."""

    def execute(self, context: Context) -> dict[str, Any]:
        if self.log.isEnabledFor(logging.DEBUG):
            logging.getLogger("airscoop.trace").setLevel(logging.DEBUG)
        with airflow_errors():
            receipt = self.perform(context)
        self.log.info("%s", receipt.summary())
        return receipt.to_dict()

    def started(self, job: Cancellable) -> None:
        """Has on_kill stop the job."""
        self._job = job
        if self._killed.is_set():
            job.cancel()

    def on_kill(self) -> None:
        """Only asks to stop: Airflow's signal handler returns here and the verb raises."""
        self._killed.set()
        job: Cancellable | None = self.__dict__.get("_job")
        if job is not None:
            job.cancel()

    @property
    def _killed(self) -> threading.Event:
        # Made on first use, because an operator is copied and pickled before it runs.
        event: threading.Event = self.__dict__.setdefault("_kill_event", threading.Event())
        return event


class WarehouseOperator(AirscoopOperator):
    """An operator with one warehouse session, which on_kill cancels."""

    redshift_conn_id: str
    lock_timeout: float | None
    statement_timeout: float | None

    def open_warehouse(self, context: Context) -> Warehouse:
        """The session, labelled with this task's run; to be used in a `with`."""
        from airscoop.hooks.warehouse import WarehouseHook

        self._warehouse = WarehouseHook(self.redshift_conn_id).get_conn(
            label=label(context),
            lock_timeout=self.lock_timeout,
            statement_timeout=self.statement_timeout,
        )
        if self._killed.is_set():
            self._warehouse.cancel()
        return self._warehouse

    def on_kill(self) -> None:
        super().on_kill()
        warehouse: Warehouse | None = self.__dict__.get("_warehouse")
        if warehouse is not None:
            warehouse.cancel()


class ExportStepOperator(AirscoopOperator):
    """A step of an export, under the lock that a LockExportOperator has taken."""

    lock: Mapping[str, Any] | None
    registry: str
    aws_conn_id: str | None
    lease_seconds: float
    handover_seconds: float

    def open_registry(self) -> Registry:
        """The registry, by the connection."""
        from airscoop.hooks import aws

        return aws.registry(self.aws_conn_id, self.registry)

    def s3(self) -> tuple[S3Settings, str | None]:
        """How to reach S3, and the CA file to trust."""
        from airscoop.hooks import aws

        return aws.s3_settings(self.aws_conn_id)

    def terms(self) -> Terms:
        """How long the lock holds."""
        from airscoop.exports.steps import Terms

        return Terms(seconds=self.lease_seconds, handover_seconds=self.handover_seconds)

    def held_lock(self) -> ExportLock:
        """The lock; the task is skipped where there is none: nothing was to be done, or allowed."""
        from airscoop.exports.steps import ExportLock

        if self.lock is None:
            raise AirflowSkipException("there is no lock: nothing was to be done for this export")
        return ExportLock.of(self.lock)


def label(context: Context) -> str:
    """airscoop:dag/task/run/try, the query group of each statement."""
    ti = context["ti"]
    return f"airscoop:{ti.dag_id}/{ti.task_id}/{ti.run_id}/{ti.try_number}"
