"""Receipts, options and settings are plain data: for pickle, for JSON, with types to resolve."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pickle
import pkgutil
from typing import Any, get_type_hints

import pytest

import airscoop
from airscoop import receipts
from airscoop.aws import credentials, settings
from airscoop.transfer import object_options, options
from support.receipts import names_of

MODULES = [
    importlib.import_module(f"airscoop.receipts.{one.name}")
    for one in pkgutil.iter_modules(receipts.__path__)
]
CLASSES = [
    cls
    for module in (receipts, *MODULES, credentials, settings, object_options, options)
    for cls in vars(module).values()
    if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls.__module__ == module.__name__
]
RECEIPTS = [cls for cls in CLASSES if issubclass(cls, airscoop.Receipt)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_types_of_all_fields_can_be_resolved(cls: type[Any]) -> None:
    assert {field.name for field in dataclasses.fields(cls)} <= get_type_hints(cls).keys()


@pytest.mark.parametrize("cls", RECEIPTS, ids=lambda cls: cls.__name__)
def test_a_receipt_goes_through_pickle_and_json(cls: type[airscoop.Receipt]) -> None:
    values = names_of(cls)
    receipt = cls(**values)
    assert pickle.loads(pickle.dumps(receipt)) == receipt
    told = json.loads(receipt.to_json())
    assert told == json.loads(json.dumps(receipt.to_dict()))
    added = ("started_at", "airscoop_version", "format_version", "diagnostics")
    flat = {name: value for name, value in told.items() if name not in added}
    assert flat | told["diagnostics"] == values


def test_receipts_inside_of_a_receipt_become_json_too() -> None:
    copied = airscoop.CopyReceipt(**names_of(airscoop.CopyReceipt))
    whole = airscoop.PrefixReceipt(**(names_of(airscoop.PrefixReceipt) | {"copies": [copied]}))
    assert whole.to_dict()["diagnostics"]["copies"] == [copied.to_dict()]
    assert pickle.loads(pickle.dumps(whole)) == whole


def test_the_receipts_of_the_verbs_are_imported_from_airscoop() -> None:
    public = {name for name in airscoop.__all__ if name.endswith("Receipt")}
    steps = {"RegisterReceipt", "ChangesReceipt", "FinishReceipt"}  # of operators, as dicts
    on_call = {"ExportsReceipt", "OnCallReceipt", "UnlockReceipt"}  # of `airscoop exports`
    assert {cls.__name__ for cls in RECEIPTS} == public | steps | on_call
    assert all(getattr(airscoop, name) in RECEIPTS for name in public)
