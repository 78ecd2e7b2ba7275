"""The functions of a folder: NAME.py has `handler(event, context)`, NAME.json may say more."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
LATEST = "$LATEST"
TIMEOUT_SECONDS, MOST_TIMEOUT_SECONDS = 60, 900
MEMORY_MIB = 128
# A name, alone or as the end of an ARN, with or without a qualifier.
_NAME = re.compile(
    r"(?:(?:arn:aws:lambda:[a-z0-9-]+:)?\d{12}:function:|function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>[$A-Za-z0-9_-]+))?"
)


class NotThere(Exception):
    """There is no such function, or no such version of it; the text is AWS's."""


class WrongSettings(Exception):
    """What NAME.json says is none of CreateFunction's words, or has another kind."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """timeout: seconds, from the handler's file being loaded on."""

    name: str
    file: Path
    region: str
    timeout: int = TIMEOUT_SECONDS
    memory: int = MEMORY_MIB
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return arn_of(self.name, self.region)

    def configuration(self) -> dict[str, Any]:
        """As GetFunction and ListFunctions show it."""
        code = self.file.read_bytes()
        changed = datetime.fromtimestamp(self.file.stat().st_mtime, UTC)
        return {
            "FunctionName": self.name,
            "FunctionArn": self.arn,
            "Runtime": "python3.12",
            "Handler": f"{self.name}.handler",
            "CodeSize": len(code),
            "CodeSha256": hashlib.sha256(code).hexdigest(),
            "LastModified": changed.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "Timeout": self.timeout,
            "MemorySize": self.memory,
            "Version": LATEST,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Environment": {"Variables": self.variables},
        }


def arn_of(name: str, region: str) -> str:
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"


@dataclass(frozen=True, kw_only=True)
class Functions:
    """Those of a folder, as its files are at each call."""

    folder: Path
    region: str

    def names(self) -> list[str]:
        """Modules that begin with _ are no functions."""
        stems = [path.stem for path in self.folder.glob("*.py") if path.stem[0] != "_"]
        return sorted(stem for stem in stems if _NAME.fullmatch(stem))

    def get(self, given: str, qualifier: str | None = None) -> Function:
        """A function by its name or ARN; NotThere, WrongSettings."""
        found = _NAME.fullmatch(given)
        name = given if found is None else found["name"]
        asked = qualifier or (None if found is None else found["qualifier"]) or LATEST
        arn = arn_of(name, self.region)
        if name not in self.names():
            raise NotThere(f"Function not found: {arn}")
        if asked != LATEST:
            raise NotThere(f"Function not found: {arn}:{asked}")
        return self._read(name)

    def _read(self, name: str) -> Function:
        file = self.folder / f"{name}.py"
        beside = file.with_suffix(".json")
        try:
            settings = json.loads(beside.read_text()) if beside.exists() else {}
            return Function(name=name, file=file, region=self.region, **_settings(settings))
        except (ValueError, TypeError) as error:
            raise WrongSettings(f"{beside.name}: {error}") from error


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    known = {"Timeout", "MemorySize", "Environment"}
    if not isinstance(given, dict) or given.keys() - known:
        raise ValueError(f"it may have {', '.join(sorted(known))} and nothing else")
    timeout, memory = given.get("Timeout", TIMEOUT_SECONDS), given.get("MemorySize", MEMORY_MIB)
    variables = given.get("Environment", {}).get("Variables", {})
    if type(timeout) is not int or not 1 <= timeout <= MOST_TIMEOUT_SECONDS:
        raise ValueError(f"Timeout is a whole number from 1 to {MOST_TIMEOUT_SECONDS}")
    if type(memory) is not int or memory < MEMORY_MIB:
        raise ValueError(f"MemorySize is a whole number from {MEMORY_MIB} on")
    if not all(isinstance(text, str) for pair in variables.items() for text in pair):
        raise ValueError("Environment.Variables are texts")
    return {"timeout": timeout, "memory": memory, "variables": dict(variables)}
