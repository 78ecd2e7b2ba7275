"""What dags/config/bestsellers.yml holds; the fields are explained there."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from airscoop.given import spelled
from airscoop.systems.yaml_model import Count, Text, Texts, YamlEntry, YamlFile, named_once

Format = Literal["jsonl", "python-literal"]  # of records: raw bytes are no rows of a table
Mode = Literal["keep", "replace"]


class BestsellersSource(YamlEntry):
    """One source of the DAG bestsellers."""

    name: Text
    file_url: Text
    bucket_dir: Text
    partition_key: Text
    external_dbtable: Text
    dbtable: Text
    columns: Texts
    distinct_on_columns: Texts
    format: Format
    order_by: Texts
    mode: Mode
    max_rejected: Count
    pool: Text

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mode == "replace" and not self.order_by:
            raise ValueError("field order_by must name a column where mode is replace")
        if not self.bucket_dir.startswith("s3://"):
            raise ValueError("field bucket_dir must begin with s3://")
        if self.bucket_dir.endswith("/"):
            raise ValueError("field bucket_dir must not end with a slash")
        for field in ("columns", "distinct_on_columns"):
            if not getattr(self, field):
                raise ValueError(f"field {field} must name at least one column")
        for field in ("distinct_on_columns", "order_by"):
            for column in getattr(self, field):
                if spelled(column, self.columns) not in self.columns:
                    raise ValueError(f"field {field} names {column}, which columns lacks")
        return self


class Bestsellers(YamlFile):
    """The whole file."""

    entries: ClassVar[str] = "sources"

    sources: list[BestsellersSource]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        named_once("sources", [source.name for source in self.sources])
        return self


def load_bestsellers_sources(path: Path) -> list[BestsellersSource]:
    """Reads the list `sources` of the file; raises ConfigError."""
    return Bestsellers.read(path).sources
