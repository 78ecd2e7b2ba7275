"""What an Athena workgroup lays down for its queries: where results go, and what they may read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airscoop.aws.service_errors import aws_errors
from airscoop.errors import AccessDenied, HttpError, NotFound, SqlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

# Athena has no error of its own for this, only these words.
NOT_THERE = "WorkGroup is not found"


@dataclass(frozen=True, kw_only=True)
class Workgroup:
    """keeps_results: answers go where the workgroup says, whatever a query asks for. most_bytes: a
    query may read so many. requester_pays: None, where it is not known.
    """

    name: str
    keeps_results: bool = False
    most_bytes: int | None = None
    requester_pays: bool | None = None

    def check(self, *, requester_pays: bool) -> None:
        """Refuses what Athena would refuse after it was paid for, and say less about."""
        if requester_pays and self.requester_pays is False:
            raise UsageError(
                f"the Athena workgroup {self.name} reads no bucket whose requester pays: allow it "
                "(RequesterPaysEnabled), or name another workgroup"
            )

    def result_configuration(self, results: str, owner: str | None) -> dict[str, str]:
        """Where the answer of a query is to be kept; empty where the workgroup decides that."""
        if self.keeps_results:
            return {}
        place = {"OutputLocation": results}
        return place if owner is None else {**place, "ExpectedBucketOwner": owner}

    def failure(self, query: str, status: Mapping[str, Any]) -> SqlError:
        """Why a query did not succeed, and whether another try may."""
        reason = str(status.get("StateChangeReason", ""))
        error = SqlError(f"the Athena query {query} {status['State'].lower()}: {reason}")
        error.retryable = bool(status.get("AthenaError", {}).get("Retryable"))
        if "bytes scanned limit" in reason.lower():
            most = "so much" if self.most_bytes is None else f"{self.most_bytes:,} bytes"
            error = SqlError(
                f"{error}; a query of the workgroup {self.name} may read {most} "
                "(BytesScannedCutoffPerQuery): raise that, or name another workgroup"
            )
        return error


def workgroup(client: Any, name: str) -> Workgroup:
    """What Athena says of a workgroup; of one that may not be looked at, only its name."""
    try:
        with aws_errors(f"the Athena workgroup {name}"):
            found = client.get_work_group(WorkGroup=name)["WorkGroup"]
    except AccessDenied as error:
        log.info("queries run as if the workgroup laid nothing down: %s", error)
        return Workgroup(name=name)
    except HttpError as error:
        if NOT_THERE not in str(error):
            raise
        raise NotFound(f"the Athena workgroup {name} is not there") from error
    if found.get("State") == "DISABLED":
        raise UsageError(f"the Athena workgroup {name} is disabled: enable it, or name another")
    settings = found.get("Configuration", {})
    managed = settings.get("ManagedQueryResultsConfiguration", {}).get("Enabled", False)
    return Workgroup(
        name=name,
        keeps_results=bool(settings.get("EnforceWorkGroupConfiguration") or managed),
        most_bytes=settings.get("BytesScannedCutoffPerQuery"),
        requester_pays=settings.get("RequesterPaysEnabled"),
    )
