"""What all airscoop operators share: receipts to XCom, errors to Airflow's terms, on_kill."""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop import Warehouse
    from airscoop.receipt import Receipt


class AirscoopOperator(BaseOperator):
    """Runs one verb; its receipt is logged, and returned as a plain dict for XCom."""

    @abstractmethod
    def perform(self, context: Context) -> Receipt:
        """Runs the verb."""

    def execute(self, context: Context) -> dict[str, Any]:
        from airscoop.errors import AirscoopError

        try:
            receipt = self.perform(context)
        except AirscoopError as error:
            # A Cancelled is retryable: an evicted worker's task is tried again.
            if error.retryable:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error
        self.log.info("%s", receipt.summary())
        return receipt.to_dict()

    def on_kill(self) -> None:
        """Only asks to stop: Airflow's signal handler returns here and the verb raises."""
        self._killed.set()

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


def label(context: Context) -> str:
    """airscoop:dag/task/run/try, the query group of each statement."""
    ti = context["ti"]
    return f"airscoop:{ti.dag_id}/{ti.task_id}/{ti.run_id}/{ti.try_number}"
