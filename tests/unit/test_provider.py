"""Airflow finds the package as a provider, and what it names is there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from importlib.metadata import entry_points

from airflow.providers_manager import ProvidersManager

from airscoop.provider import get_provider_info
from support.paths import ROOT


def test_the_entry_point_leads_to_the_provider_info() -> None:
    found = {point.value: point.load() for point in entry_points(group="apache_airflow_provider")}
    assert found["airscoop.provider:get_provider_info"] is get_provider_info


def test_airflow_accepts_it_as_a_provider() -> None:
    manager: Callable[[], ProvidersManager] = ProvidersManager
    assert manager().providers["airscoop"].data["name"] == "airscoop"


def test_every_module_that_it_names_can_be_imported() -> None:
    info = get_provider_info()
    for seam in ("operators", "hooks"):
        for entry in info[seam]:
            for module in entry["python-modules"]:
                assert importlib.import_module(module).__doc__


def test_every_operator_is_named() -> None:
    files = (ROOT / "airflow_plugin/airscoop/operators").glob("*.py")
    made = {path.stem for path in files if re.search(r"(?m)^class \w+Operator\(", path.read_text())}
    named = get_provider_info()["operators"][0]["python-modules"]
    assert {name.rpartition(".")[2] for name in named} == made - {"base"}
