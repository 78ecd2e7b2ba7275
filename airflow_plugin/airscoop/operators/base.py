"""What all airscoop operators share: receipts to XCom, errors to Airflow's terms, on_kill."""

from __future__ import annotations

import contextlib
import logging
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airscoop.errors import AirscoopError, UsageError
from airscoop.exports.lease import HANDOVER_SECONDS, SECONDS
from airscoop.exports.registry import TABLE
from airscoop.exports.steps.working import OF_TERMS, ExportLock, Terms
from airscoop.hooks import aws
from airscoop.hooks.warehouse import WarehouseHook
from airscoop.operators.arguments import OwnArguments
from airscoop.operators.error_xcom import error_pushed
from airscoop.operators.task_receipt import SoFar, TaskReceipt
from airscoop.signatures import show_inherited
from airscoop.warehouse.session import SECONDS as OF_A_STATEMENT

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.aws.settings import S3Settings
    from airscoop.cancelling import Cancellable
    from airscoop.exports.registry import Registry
    from airscoop.exports.steps.working import LockDict
    from airscoop.receipts import Receipt
    from airscoop.warehouse.session import Warehouse


LEASE_KINDS = {
    "lease_seconds": OF_TERMS["seconds"],
    "handover_seconds": OF_TERMS["handover_seconds"],
}


def may_pass(error: AirscoopError) -> bool:
    """Whether another try may mend it; an evicted worker's task, which is Cancelled, is one."""
    return error.retryable


@contextlib.contextmanager
def airflow_errors(
    task_id: str, left_to_retries: Callable[[AirscoopError], bool] = may_pass
) -> Iterator[None]:
    """Fails the task for good where another try cannot mend an error.

    The log has one message then, with the error's own traceback; the error is the `__context__`.
    Wrong arguments are told with the task whose they are.
    """
    try:
        yield
    except AirscoopError as error:
        if left_to_retries(error):
            raise
        whose = f"{task_id}: " if isinstance(error, UsageError) else ""
        failure = AirflowFailException(f"{type(error).__name__}: {whose}{error}")
        raise failure.with_traceback(error.__traceback__) from None


class AirscoopOperator(BaseOperator, OwnArguments):
    """Runs one verb; its receipt is logged, and returned as a plain dict for XCom.

    The task state store has a receipt whatever becomes of the task; an error is told by XCom, too.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Has each of our operators show the arguments that its base takes for several of them.

        Not those of users, which may give the arguments of their base themselves.
        """
        super().__init_subclass__(**kwargs)
        base = cls.__mro__[1]
        if cls.__module__.startswith(f"{__package__}.") and "__init__" in vars(base):
            show_inherited(vars(cls)["__init__"], vars(base)["__init__"])

    verb: ClassVar[str] = ""  # of the receipt

    @abstractmethod
    def perform(self, context: Context) -> Receipt:
        """Runs the verb."""

    def left_to_retries(self, error: AirscoopError) -> bool:
        """Whether the error is raised as it is; any other fails the task for good."""
        return may_pass(error)

    def execute(self, context: Context) -> dict[str, Any]:
        if self.log.isEnabledFor(logging.DEBUG):
            logging.getLogger("airscoop.trace").setLevel(logging.DEBUG)
        kept = TaskReceipt(context, verb=self.verb or type(self).__name__, so_far=self.so_far)
        self._receipt = kept
        with (
            kept.kept(self._killed.is_set),
            error_pushed(context),
            airflow_errors(self.task_id, self.left_to_retries),
        ):
            self.read_arguments()
            receipt = kept.done(self.perform(context))
        self.log.info("%s", receipt.summary())
        return receipt.to_dict()

    def so_far(self) -> SoFar:
        """What is known of the verb while it runs, and after it has failed."""
        return SoFar()

    def note_progress(self) -> None:
        """Has the task state store know how far the verb is; it is written now and then."""
        kept: TaskReceipt | None = self.__dict__.get("_receipt")
        if kept is not None:
            kept.progress()

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
    """An operator with one warehouse session, which on_kill cancels.

    warehouse_conn_id: an Airflow connection of type redshift or postgres. lock_timeout_seconds,
    statement_timeout_seconds: as of `airscoop.Warehouse`.
    """

    KINDS = dict.fromkeys(("lock_timeout_seconds", "statement_timeout_seconds"), OF_A_STATEMENT)

    def __init__(
        self,
        *,
        warehouse_conn_id: str = "redshift_default",
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id
        self.lock_timeout_seconds = lock_timeout_seconds
        self.statement_timeout_seconds = statement_timeout_seconds

    def open_warehouse(self, context: Context) -> contextlib.closing[Warehouse]:
        """The session, labelled with this task's run; it connects at its first use, so that wrong
        arguments are told before."""
        self._warehouse = WarehouseHook(self.warehouse_conn_id).get_conn(
            label=label(context),
            lock_timeout_seconds=self.lock_timeout_seconds,
            statement_timeout_seconds=self.statement_timeout_seconds,
        )
        if self._killed.is_set():
            self._warehouse.cancel()
        return contextlib.closing(self._warehouse)

    def on_kill(self) -> None:
        super().on_kill()
        warehouse: Warehouse | None = self.__dict__.get("_warehouse")
        if warehouse is not None:
            warehouse.cancel()


class RegistryOperator(AirscoopOperator):
    """An operator that works by the registry of exports, the DynamoDB table `registry`."""

    def __init__(
        self,
        *,
        registry: str = TABLE,
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.registry = registry
        self.aws_conn_id = aws_conn_id

    def open_registry(self) -> Registry:
        """The registry, by the connection."""
        return aws.registry(self.aws_conn_id, self.registry)

    def s3(self) -> S3Settings:
        """How to reach S3."""
        return aws.s3_settings(self.aws_conn_id)


class ExportStepOperator(RegistryOperator):
    """A step of an export, under the lock that a LockExportOperator has taken.

    lock: that operator's output. lease_seconds and handover_seconds: how long the lock holds
    without a sign of life, in a step and between two of them.
    """

    KINDS = LEASE_KINDS

    def __init__(
        self,
        *,
        lock: XComArg | LockDict | None,
        lease_seconds: float = SECONDS,
        handover_seconds: float = HANDOVER_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.lock: LockDict | None = lock  # type: ignore[assignment]  # an XComArg until rendered
        self.lease_seconds = lease_seconds
        self.handover_seconds = handover_seconds

    def terms(self) -> Terms:
        """How long the lock holds."""
        return Terms(seconds=self.lease_seconds, handover_seconds=self.handover_seconds)

    def held_lock(self) -> ExportLock:
        """The lock; the task is skipped where there is none: nothing was to be done, or allowed."""
        if self.lock is None:
            raise AirflowSkipException("there is no lock: nothing was to be done for this export")
        return ExportLock.of(self.lock)


def label(context: Context) -> str:
    """airscoop:dag/task/run/try, the query group of each statement."""
    ti = context["ti"]
    return f"airscoop:{ti.dag_id}/{ti.task_id}/{ti.run_id}/{ti.try_number}"
