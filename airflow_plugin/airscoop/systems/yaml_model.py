"""The YAML files beside the DAGs: read strictly, so that a typing error names itself.

A file is a mapping of fields, one of them a list of entries. Which fields, and what else must hold,
says the module `config` of a system.
"""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

# The description is what an error says that the field must be.
Text = Annotated[str, Field(min_length=1, description="a text")]
TextOrNull = Annotated[Text | None, Field(description="a text, or null")]
Texts = Annotated[list[str], Field(description="a list of texts")]
Count = Annotated[int, Field(ge=0, description="a number, 0 or more")]
Ratio = Annotated[float, Field(ge=0, le=1, description="a number from 0 to 1")]

UNKNOWN = ("extra_forbidden", "invalid_key")  # pydantic's words for a field that the model lacks


class ConfigError(ValueError):
    """A configuration file is wrong; the message names the file, the entry and the field."""


class YamlModel(BaseModel):
    """Every field is required and of its very type; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class YamlEntry(YamlModel):
    """One entry of a file's list."""

    called_by: ClassVar[str] = "name"  # the field that names it in an error


class YamlFile(YamlModel):
    """A whole file."""

    entries: ClassVar[str]  # the field that is the list, a plural

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ConfigError."""
        document = _document(path)
        entries = document.get(cls.entries) if isinstance(document, dict) else None
        if not isinstance(entries, list) or not entries:
            raise ConfigError(
                f"{path}: expected a mapping of fields, {cls.entries} among them, a list"
            )
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            # Not from pydantic's own error, which would show every value of the file.
            raise ConfigError(f"{path}: {cls._first(document, error.errors())}") from None

    @classmethod
    def _first(cls, document: dict[str, Any], errors: list[ErrorDetails]) -> str:
        """The first error; but of one mapping's errors an unknown field, which tells of a typo."""
        number = cls._number(errors[0])
        here = [error for error in errors if cls._number(error) == number]
        error = next((each for each in here if each["type"] in UNKNOWN), here[0])
        if number is None:
            return _problem(cls, document, error["loc"], error)
        kind = typing.get_args(cls.model_fields[cls.entries].annotation)[0]
        what, entry = cls.entries.removesuffix("s"), document[cls.entries][number]
        if not isinstance(entry, dict):
            return f"{what} {number + 1} is not a mapping of fields"
        name = entry.get(kind.called_by, number + 1)
        return f"{what} {name}: {_problem(kind, entry, error['loc'][2:], error)}"

    @classmethod
    def _number(cls, error: ErrorDetails) -> int | None:
        """Which entry has it."""
        location = error["loc"]
        return int(location[1]) if len(location) > 1 and location[0] == cls.entries else None


def named_once(what: str, names: list[str]) -> None:
    """For a validator: raises ValueError where two have one name."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two {what} are named {name}")


def _document(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        raise ConfigError(f"{path}{line}: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _problem(
    model: type[YamlModel],
    given: dict[str, Any],
    location: tuple[int | str, ...],
    error: ErrorDetails,
) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    name = str(location[0])
    if error["type"] in UNKNOWN:
        return f"unknown field {name}"
    if error["type"] == "missing":
        return f"missing field {name}"
    field = model.model_fields[name]
    what = field.description or f"one of {', '.join(typing.get_args(field.annotation))}"
    return f"field {name} must be {what}, not {given[name]!r}"
