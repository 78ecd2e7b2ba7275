"""What keeps the tasks of `watched` from being skipped together with those before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator as Base
else:
    Base = object


class Unskipped(Base):
    """A task that a short circuit does not skip.

    A short circuit skips all tasks behind it, whatever their trigger rules are, but for teardowns,
    and it looks at the tasks of the DAG's file. So these say there that they are teardowns. They
    are none to the scheduler, which reads the serialized DAG: it would not let a run that is set to
    failed by hand end before its teardowns have run.
    """

    @property
    def is_teardown(self) -> bool:
        return True

    @is_teardown.setter
    def is_teardown(self, value: bool) -> None:
        """BaseOperator says that it is none."""

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Without what is said above."""
        fields: frozenset[str] = super().get_serialized_fields()  # type: ignore[no-untyped-call]
        return fields - {"is_teardown"}
