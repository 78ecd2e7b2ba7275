"""Workgroups: what they lay down for the queries in them."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airscoop.local.athena.api_errors import ApiError
from airscoop.local.athena.paging import page

PRIMARY = "primary"
AUTO = "AUTO"
ENGINE_VERSION = "Athena engine version 3"
ENGINE = {"SelectedEngineVersion": AUTO, "EffectiveEngineVersion": ENGINE_VERSION}
DEFAULTS: Mapping[str, Any] = {
    "EnforceWorkGroupConfiguration": True,
    "PublishCloudWatchMetricsEnabled": True,
    "RequesterPaysEnabled": False,
}
# Of a configuration; what Athena would do with each is not done here.
NOT_KNOWN = (
    "ManagedQueryResultsConfiguration", "ExecutionRole", "IdentityCenterConfiguration",
    "CustomerContentEncryptionConfiguration", "QueryResultsS3AccessGrantsConfiguration",
    "MonitoringConfiguration", "EngineConfiguration",
)  # fmt: skip


@dataclass
class WorkGroup:
    name: str
    configuration: dict[str, Any]
    description: str | None = None
    state: str = "ENABLED"
    created: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    @property
    def is_enforced(self) -> bool:
        return bool(self.configuration["EnforceWorkGroupConfiguration"])

    @property
    def most_bytes(self) -> int | None:
        """What a query may scan."""
        return self.configuration.get("BytesScannedCutoffPerQuery")

    def result_configuration(self, asked: Mapping[str, Any] | None) -> dict[str, Any]:
        """Where a query's result goes: as the workgroup says, where it enforces or nothing else
        was asked for.
        """
        own = self.configuration.get("ResultConfiguration", {})
        return dict(own if self.is_enforced else {**own, **(asked or {})})

    def summary(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "State": self.state,
            "Description": self.description or "",
            "CreationTime": self.created,
            "EngineVersion": ENGINE,
        }

    def facts(self) -> dict[str, Any]:
        found = {
            "Name": self.name,
            "State": self.state,
            "Configuration": {**self.configuration, "EngineVersion": ENGINE},
            "CreationTime": self.created,
        }
        return found if self.description is None else {**found, "Description": self.description}


class WorkGroups:
    """All of them; `results` is where those of primary go, if anywhere."""

    def __init__(self, results: str | None) -> None:
        self._lock = threading.Lock()
        settings = {**DEFAULTS, "EnforceWorkGroupConfiguration": False}
        settings["PublishCloudWatchMetricsEnabled"] = False
        settings["ResultConfiguration"] = {"OutputLocation": results} if results else {}
        self._groups = {PRIMARY: WorkGroup(PRIMARY, settings)}

    def get(self, name: str) -> WorkGroup:
        found = self._groups.get(name)
        if found is None:
            raise ApiError("WorkGroup is not found.")
        return found

    def enabled(self, name: str) -> WorkGroup:
        """One that queries may run in."""
        found = self.get(name)
        if found.state != "ENABLED":
            raise ApiError("WorkGroup is disabled.")
        return found

    def create(self, request: dict[str, Any]) -> None:
        given = request.get("Configuration", {})
        _refuse_unknown(given)
        settings = {**DEFAULTS, "ResultConfiguration": {}, **given}
        group = WorkGroup(request["Name"], settings, request.get("Description"))
        _check_place(settings)
        with self._lock:
            if group.name in self._groups:
                raise ApiError("WorkGroup is already created")
            self._groups[group.name] = group

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"WorkGroup": self.get(request["WorkGroup"]).facts()}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        names, token = page(
            sorted(self._groups), token=request.get("NextToken"), most=request.get("MaxResults")
        )
        found = {"WorkGroups": [self._groups[name].summary() for name in names]}
        return found if token is None else {**found, "NextToken": token}

    def update(self, request: dict[str, Any]) -> None:
        with self._lock:
            group = self.get(request["WorkGroup"])
            updates = dict(request.get("ConfigurationUpdates", {}))
            places = updates.pop("ResultConfigurationUpdates", {})
            _refuse_unknown(updates)
            settings = _updated(group.configuration, updates)
            settings["ResultConfiguration"] = _updated(settings["ResultConfiguration"], places)
            _check_place(settings)
            group.configuration = settings
            group.state = request.get("State", group.state)
            group.description = request.get("Description", group.description)

    def delete(self, name: str) -> None:
        if name == PRIMARY:
            raise ApiError("The primary WorkGroup cannot be deleted.")
        with self._lock:
            self.get(name)
            del self._groups[name]


def _updated(settings: Mapping[str, Any], updates: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with those replaced that are given, and without those that a Remove… names."""
    removed = {name.removeprefix("Remove") for name, flag in updates.items() if flag is True}
    given = {name: value for name, value in updates.items() if not name.startswith("Remove")}
    kept = {**settings, **given}
    return {name: value for name, value in kept.items() if name in given or name not in removed}


def _refuse_unknown(settings: Mapping[str, Any]) -> None:
    for name in NOT_KNOWN:
        for given in (name, f"{name}Updates"):
            if settings.get(given):
                raise ApiError(f"airscoop's local Athena does not know a workgroup's {given}")
    version = settings.get("EngineVersion", {}).get("SelectedEngineVersion", AUTO)
    if version not in (AUTO, ENGINE_VERSION):
        raise ApiError(f"airscoop's local Athena has no engine version {version!r}")


def _check_place(settings: Mapping[str, Any]) -> None:
    place = settings["ResultConfiguration"].get("OutputLocation")
    if place is not None:
        check_place(place)


def check_place(place: str) -> None:
    """Refuses what is no place in S3."""
    bucket = place.removeprefix("s3://").partition("/")[0]
    if not place.startswith("s3://") or not bucket:
        raise ApiError("outputLocation is not a valid S3 path.")
