"""./run bench page: makes docs/performance.md and its plots from the stored results.

The words are in performance.md.in; {{goals}}, {{table NAME}} and the like are put in.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import figures
import goals
from figures import Contender, Result

HERE = Path(__file__).parent
ROOT = HERE.parent
TEMPLATE = HERE / "performance.md.in"
PLACE = re.compile(r"^\{\{(\w+)(?: ([\w-]+))?\}\}$", re.MULTILINE)
NOT_MEASURED = "*Not measured yet.*"


class Page:
    """What can stand in a place of the template, made from the results."""

    def __init__(self, results: Mapping[str, Result], profile: Mapping[str, Any] | None) -> None:
        self._results = results
        self._profile = profile

    def goals(self) -> str:
        return "\n".join(verdict.line() for verdict in goals.verdicts(self._results))

    def machine(self) -> str:
        lines = []
        for result in self._results.values():
            machine, data = result.stored["machine"], result.stored["data"]
            commit = result.stored["versions"]["airscoop"]
            server = result.stored["servers"].get("s3", "no server")
            lines.append(
                f"| {result.name} | {result.stored['date']} | {commit} | {server}"
                f" | {data['text_bytes'] / 1e6:.0f} MB, {data['ratio']:.2f} : 1"
                f" | {machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']},"
                f" load {machine['load']:.1f} |"
            )
        head = (
            "| scenario | measured | airscoop | S3 server | data, as packed | machine |\n"
            "|---|---|---|---|---|---|\n"
        )
        return head + "\n".join(lines) if lines else NOT_MEASURED

    def versions(self) -> str:
        found: dict[str, str] = {}
        for result in self._results.values():
            found |= result.stored["versions"]
        named = (f"{name} {version}" for name, version in found.items() if name != "airscoop")
        return ", ".join(named) + "." if found else NOT_MEASURED

    def interpreter(self) -> str:
        if not self._results:
            return NOT_MEASURED
        sizes = next(iter(self._results.values())).stored["interpreter_bytes"]
        return (
            f"Python alone takes {sizes['alone'] / 1e6:.1f} MB, with botocore imported"
            f" {sizes['with_botocore'] / 1e6:.1f} MB."
        )

    def table(self, name: str) -> str:
        if name not in self._results:
            return NOT_MEASURED
        result = self._results[name]
        head = (
            "| client | rounds | MB/s | of the best peer | CPU s per GB | of curl |"
            " start, CPU s | servers, CPU s per GB | peak MB | written MB | |\n"
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n"
        )
        order = sorted(result.contenders, key=lambda one: one.wall_s)
        return head + "\n".join(_row(result, one) for one in order)

    def plot(self, name: str) -> str:
        title = self._results[name].stored["title"] if name in self._results else ""
        return f"![{title}](images/performance-{name}.svg)" if title else ""

    def profile(self) -> str:
        if self._profile is None:
            return NOT_MEASURED
        profiles: dict[str, Any] = self._profile["profile"]
        works = sorted(
            {work for one in profiles.values() for work in one["works"]},
            key=lambda work: -max(one["works"].get(work, 0) for one in profiles.values()),
        )
        rows = [
            f"| {work} | "
            + " | ".join(f"{100 * one['works'].get(work, 0):.0f} %" for one in profiles.values())
            + " |"
            for work in works
        ]
        head = "| | " + " | ".join(profiles) + " |\n|---|" + "--:|" * len(profiles) + "\n"
        return head + "\n".join(rows)

    def symbols(self, name: str) -> str:
        if self._profile is None or name not in self._profile["profile"]:
            return NOT_MEASURED
        rows = [
            f"| {100 * share:.1f} % | `{symbol}` | {program} |"
            for program, symbol, share in self._profile["profile"][name]["symbols"]
        ]
        return "| share | function | in |\n|--:|---|---|\n" + "\n".join(rows)

    def ceilings(self) -> str:
        if self._profile is None:
            return NOT_MEASURED
        rows = [f"| {name} | {speed:.0f} |" for name, speed in self._profile["ceilings"].items()]
        return "| step, one core | MB/s |\n|---|--:|\n" + "\n".join(rows)

    def limits(self) -> str:
        """The sums of the ceilings' core-seconds, beside what airscoop took."""
        if self._profile is None:
            return NOT_MEASURED
        lines = [
            line
            for name, text_steps, packed_steps in LIMITS
            if (line := self._limit(name, text_steps, packed_steps))
        ]
        head = "| scenario | least CPU s per GB | airscoop | of the least |\n|---|--:|--:|--:|\n"
        return head + "\n".join(lines) if lines else NOT_MEASURED

    def _limit(self, name: str, text_steps: list[str], moved_steps: list[str]) -> str:
        result = self._results.get(name)
        own = result.airscoop() if result else None
        if result is None or own is None or self._profile is None:
            return ""
        speeds = self._profile["ceilings"]
        part = 1 / result.stored["data"]["ratio"]
        least = sum(1000 / speeds[step] for step in text_steps)
        least += sum(part * 1000 / speeds[step] for step in moved_steps)
        spent = own.cpu_s_per_gb
        return f"| {name} | {least:.2f} | {spent:.2f} | {spent / least:.2f} |"


# The steps that no client can leave out: those over the text, those over the bytes that are moved.
LIMITS: tuple[tuple[str, list[str], list[str]], ...] = (
    (
        "pass-through",
        ["inflate", "JSON check"],
        ["receive over loopback", "CRC32C", "send over loopback"],
    ),
    (
        "transform",
        ["inflate", "JSON check", "deflate level 1"],
        ["receive over loopback", "CRC32C", "send over loopback"],
    ),
    ("upload", [], ["CRC32C", "memcpy", "send over loopback"]),
    ("upload-signed", [], ["CRC32C", "SHA-256", "memcpy", "send over loopback"]),
    ("download", [], ["receive over loopback"]),
)


def _row(result: Result, one: Contender) -> str:
    best, floor = result.best_peer(), result.floor
    of_best = f"{one.mb_per_s / best.mb_per_s:.2f}" if best else ""
    of_floor = f"{one.cpu_s_per_gb / floor.cpu_s_per_gb:.2f}" if floor else ""
    text_gb = one.text_bytes / 1e9
    name = f"**{one.name}**" if one.kind == "airscoop" else one.name
    note = one.note.replace("|", "\\|")
    written = f"{one.written_bytes / 1e6:.0f}" if one.written_bytes else ""
    return (
        f"| {name} | {one.rounds} | {one.mb_per_s:.0f} | {of_best} | {one.cpu_s_per_gb:.2f}"
        f" | {of_floor} | {one.start_cpu_s:.2f} | {one.others_cpu_s / text_gb:.2f}"
        f" | {one.peak_mb:.0f} | {written} | {note} |"
    )


def written(template: str, page: Page) -> str:
    """The template with its places filled; a place that nothing can fill is an error."""

    def fill(place: re.Match[str]) -> str:
        make: Callable[..., str] = getattr(page, place[1])
        return make(place[2]) if place[2] else make()

    return re.sub(r"\n{3,}", "\n\n", PLACE.sub(fill, template))


def stored_profile(results: Path) -> dict[str, Any] | None:
    path = results / "profile.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found


def draw(python: Path, results: Path, images: Path) -> None:
    command = [python, HERE / "plots.py", results, images]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603
        raise SystemExit("bench: the plots could not be drawn")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench page", description=__doc__)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/performance.md")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/bench")
    parser.add_argument("--no-plots", action="store_true", help="needs no matplotlib")
    given = parser.parse_args(arguments)
    page = Page(figures.load(given.results), stored_profile(given.results))
    given.page.parent.mkdir(parents=True, exist_ok=True)
    given.page.write_text(written(TEMPLATE.read_text(), page))
    if not given.no_plots:
        import peers

        peers.settle(given.folder.absolute())
        peers.install_python(given.folder)
        draw(peers.python(given.folder), given.results, given.page.parent / "images")


if __name__ == "__main__":
    main(sys.argv[1:])
