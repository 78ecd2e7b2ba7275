"""The YAML files beside the DAGs: read strictly, so that a typing error names itself."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Format = Literal["jsonl", "python-literal"]  # of records: raw bytes are no rows of a table
Mode = Literal["keep", "replace"]


class ConfigError(ValueError):
    """A configuration file is wrong; the message names the file, the entry and the field."""


@dataclass(frozen=True, kw_only=True)
class BestsellersSource:
    """One source of the DAG bestsellers, as dags/config/bestsellers_data_sources.yml explains."""

    name: str
    file_url: str
    bucket_dir: str
    partition_key: str
    external_dbtable: str
    dbtable: str
    columns: list[str]
    distinct_on_columns: list[str]
    format: Format
    order_by: list[str]
    mode: Mode
    max_rejected: int
    pool: str


def load_bestsellers_sources(path: Path) -> list[BestsellersSource]:
    """Reads the list `sources` of the file; raises ConfigError."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        raise ConfigError(f"{path}{line}: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    entries = document.get("sources") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries or set(document) != {"sources"}:
        raise ConfigError(f"{path}: expected one field, sources, with a list of sources")
    sources = [_source(path, number, entry) for number, entry in enumerate(entries, start=1)]
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: two sources are named {name}")
    return sources


def _source(path: Path, number: int, entry: object) -> BestsellersSource:
    if not isinstance(entry, dict):
        raise ConfigError(f"{path}: source {number} is not a mapping of fields")
    place = f"{path}: source {entry.get('name', number)}"
    types = typing.get_type_hints(BestsellersSource)
    for unknown in entry.keys() - types.keys():
        raise ConfigError(f"{place}: unknown field {unknown}")
    for field in dataclasses.fields(BestsellersSource):
        if field.name not in entry:
            raise ConfigError(f"{place}: missing field {field.name}")
        _check_type(place, field.name, types[field.name], entry[field.name])
    source = BestsellersSource(**entry)
    _check_values(place, source)
    return source


def _check_type(place: str, field: str, expected: Any, value: object) -> None:
    if expected in (Format, Mode):
        fits = value in typing.get_args(expected)
        what = f"one of {', '.join(typing.get_args(expected))}"
    elif expected is int:
        fits = type(value) is int and value >= 0
        what = "a number, 0 or more"
    elif expected is str:
        fits = isinstance(value, str) and value != ""
        what = "a text"
    else:
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        what = "a list of texts"
    if not fits:
        raise ConfigError(f"{place}: field {field} must be {what}, not {value!r}")


def _check_values(place: str, source: BestsellersSource) -> None:
    if source.mode == "replace" and not source.order_by:
        raise ConfigError(f"{place}: field order_by must name a column where mode is replace")
    if not source.bucket_dir.startswith("s3://"):
        raise ConfigError(f"{place}: field bucket_dir must begin with s3://")
    if source.bucket_dir.endswith("/"):
        raise ConfigError(f"{place}: field bucket_dir must not end with a slash")
    for field in ("columns", "distinct_on_columns"):
        if not getattr(source, field):
            raise ConfigError(f"{place}: field {field} must name at least one column")
    for field in ("distinct_on_columns", "order_by"):
        for column in getattr(source, field):
            if column not in source.columns:
                raise ConfigError(f"{place}: field {field} names {column}, which columns lacks")
