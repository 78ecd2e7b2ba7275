"""The lock of an export for a `with`: whatever happens in it, nobody waits for the lock after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

from airscoop.cleaning_up import quietly
from airscoop.errors import AirscoopError, LockLost
from airscoop.exports.lease import Lease
from airscoop.exports.registry import Registry
from airscoop.exports.steps.finish import finish_export
from airscoop.exports.steps.lock import LockAttempt, lock_export
from airscoop.exports.steps.working import ExportLock, Terms


@contextlib.contextmanager
def claim(
    registry: Registry, export_id: str, owner: str | None = None, *, terms: Terms | None = None
) -> Iterator[LockAttempt]:
    """`lock_export` for a `with`, which gives what that gives; the lock is released at its end.

    The export is done then if its changes are published, and has failed if the `with` was left by
    an error that no other try mends. Else (it was left early, or by an error that may pass, by
    Ctrl-C, by any other exception) it stays as far as it came, and whoever claims it next goes on.
    """
    attempt = lock_export(registry, export_id, owner, terms=terms)
    if attempt.lock is None:
        yield attempt
        return
    try:
        yield attempt
    except LockLost:
        raise
    except BaseException as error:
        quietly(
            f"the lock of {attempt.lock.dataset}",
            partial(_end, registry, attempt.lock, terms, error),
        )
        raise
    _end(registry, attempt.lock, terms, None)


def _end(
    registry: Registry, lock: ExportLock, terms: Terms | None, error: BaseException | None
) -> None:
    if isinstance(error, AirscoopError) and not error.retryable:
        reason = f"{type(error).__name__}: {error}"
        finish_export(registry, lock, state="failed", error=reason, terms=terms)
    elif error is None and registry.get(lock.export).state in ("published", "done", "failed"):
        finish_export(registry, lock, terms=terms)
    else:
        Lease.attach(registry, lock.dataset, lock.owner, lock.fence).release()
