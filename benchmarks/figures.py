"""A scenario's stored result, and the figures that are computed from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCENARIO_FILES = "*.json"


@dataclass(frozen=True)
class Contender:
    stored: dict[str, Any]
    text_bytes: int

    @property
    def name(self) -> str:
        return str(self.stored["name"])

    @property
    def kind(self) -> str:
        return str(self.stored["kind"])

    @property
    def note(self) -> str:
        return str(self.stored["note"])

    @property
    def rounds(self) -> int:
        return len(self.stored["rounds"])

    @property
    def wall_s(self) -> float:
        return float(self.stored["medians"]["wall_s"])

    @property
    def mb_per_s(self) -> float:
        return self.text_bytes / 1e6 / self.wall_s

    @property
    def cpu_s_per_gb(self) -> float:
        return float(self.stored["medians"]["cpu_s"]) / (self.text_bytes / 1e9)

    @property
    def start_cpu_s(self) -> float:
        return float(self.stored["start"]["cpu_s"])

    @property
    def moving_cpu_s_per_gb(self) -> float:
        """Without what starting the program takes, whatever the size."""
        spent = float(self.stored["medians"]["cpu_s"]) - self.start_cpu_s
        return spent / (self.text_bytes / 1e9)

    @property
    def others_cpu_s(self) -> float:
        """The servers' CPU seconds."""
        medians = self.stored["medians"]
        return float(medians.get("server_cpu_s", 0) + medians.get("web_cpu_s", 0))

    @property
    def core_s(self) -> float:
        """Client and servers together."""
        return float(self.stored["medians"]["cpu_s"]) + self.others_cpu_s

    @property
    def peak_mb(self) -> float:
        return float(self.stored["medians"]["peak_bytes"]) / 1e6

    @property
    def peak_bytes(self) -> int:
        return int(self.stored["medians"]["peak_bytes"])

    @property
    def written_bytes(self) -> int:
        return int(self.stored["medians"]["written_bytes"])


@dataclass(frozen=True)
class Result:
    stored: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.stored["scenario"])

    @property
    def contenders(self) -> list[Contender]:
        text_bytes = int(self.stored["data"]["text_bytes"])
        return [Contender(one, text_bytes) for one in self.stored["contenders"]]

    @property
    def cores(self) -> int:
        return int(self.stored["machine"]["cores"])

    @property
    def interpreter_bytes(self) -> int:
        return int(self.stored["interpreter_bytes"]["alone"])

    @property
    def floor(self) -> Contender | None:
        return next((one for one in self.contenders if one.kind == "floor"), None)

    def named(self, name: str) -> Contender | None:
        return next((one for one in self.contenders if one.name == name), None)

    def best_peer(self) -> Contender | None:
        peers = [one for one in self.contenders if one.kind == "peer"]
        return min(peers, key=lambda one: one.wall_s) if peers else None

    def airscoop(self) -> Contender | None:
        """The first of airscoop's own contenders: the goals are about it."""
        return next((one for one in self.contenders if one.kind == "airscoop"), None)


def load(folder: Path) -> dict[str, Result]:
    """The stored results of scenarios, by name."""
    stored = [json.loads(path.read_text()) for path in sorted(folder.glob(SCENARIO_FILES))]
    return {one["scenario"]: Result(one) for one in stored if "scenario" in one}
