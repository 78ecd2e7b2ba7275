"""The goals that airscoop has set itself, each computed from the stored results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from figures import Contender, Result

MIB = 2**20
FLOOR_CPU = 1.5  # times curl's
MEMORY_BYTES = 64 * MIB
OVER_SMART_OPEN, OVER_PIPELINE, TRANSFORM_WALL, OVER_LITERAL_EVAL = 25, 2.5, 0.8, 25
PIPELINE, SMART_OPEN, LITERAL_EVAL = "curl, igzip, s5cmd", "smart_open", "ast.literal_eval, orjson"


@dataclass(frozen=True)
class Verdict:
    """`met` is None where something that it needs was not measured."""

    goal: str
    met: bool | None
    detail: str

    def line(self) -> str:
        word = {True: "met", False: "not met", None: "not measured"}[self.met]
        return f"- {self.goal}: **{word}**" + (f": {self.detail}" if self.detail else "")


def verdicts(results: Mapping[str, Result]) -> Iterator[Verdict]:
    """All goals in the order of the page."""
    for name in ("download", "download-file", "upload"):
        for goal, judge in (
            (f"{name}, as fast as the best peer", faster_than_peers),
            (f"{name}, client CPU ≤ {FLOOR_CPU} of curl's", near_the_floor),
            (f"{name}, memory ≤ 64 MiB over the interpreter", within_memory),
        ):
            yield _judged(goal, results.get(name), judge)
    for name in ("upload-stream", "pass-through", "transform"):
        goal = f"{name}, memory ≤ 64 MiB over the interpreter"
        yield _judged(goal, results.get(name), within_memory)
    for name, goal, judge in (
        (
            "pass-through",
            f"pass-through, ≥ {OVER_SMART_OPEN} times as fast as smart_open",
            passes_smart_open,
        ),
        (
            "pass-through",
            f"pass-through, ≥ {OVER_PIPELINE} times as fast as the pipeline of curl, igzip, s5cmd",
            passes_pipeline,
        ),
        (
            "transform",
            f"transform, ≤ {TRANSFORM_WALL} of that pipeline's time at equal level",
            transforms,
        ),
        (
            "literals",
            f"literals, ≥ {OVER_LITERAL_EVAL} times ast.literal_eval and orjson, per core",
            reads_literals,
        ),
    ):
        yield _judged(goal, results.get(name), judge)


def _judged(
    goal: str, result: Result | None, judge: Callable[[Result], tuple[bool, str] | None]
) -> Verdict:
    judged = judge(result) if result is not None else None
    return Verdict(goal, *judged) if judged else Verdict(goal, None, "")


def faster_than_peers(result: Result) -> tuple[bool, str] | None:
    own, peer = result.airscoop(), result.best_peer()
    if own is None or peer is None:
        return None
    ratio = own.mb_per_s / peer.mb_per_s
    return ratio >= 1, (
        f"{own.mb_per_s:.0f} MB/s, {peer.name} {peer.mb_per_s:.0f}: {ratio:.2f} of it"
    )


def near_the_floor(result: Result) -> tuple[bool, str] | None:
    own, floor = result.airscoop(), result.floor
    if own is None or floor is None:
        return None
    ratio = own.cpu_s_per_gb / floor.cpu_s_per_gb
    moving = own.moving_cpu_s_per_gb / floor.moving_cpu_s_per_gb
    return ratio <= FLOOR_CPU, (
        f"{own.cpu_s_per_gb:.2f} s per GB, curl {floor.cpu_s_per_gb:.2f}: {ratio:.2f} of it,"
        f" of which {own.start_cpu_s:.2f} s is starting; {moving:.2f} without what starting takes"
    )


def within_memory(result: Result) -> tuple[bool, str] | None:
    own = result.airscoop()
    if own is None:
        return None
    over = own.peak_bytes - result.interpreter_bytes
    return over <= MEMORY_BYTES, (
        f"{over / MIB:.0f} MiB over {result.interpreter_bytes / MIB:.0f} of Python alone"
    )


def _times_as_fast(result: Result, name: str) -> tuple[Contender, Contender, float] | None:
    own, other = result.airscoop(), result.named(name)
    if own is None or other is None:
        return None
    return own, other, other.wall_s / own.wall_s


def passes_smart_open(result: Result) -> tuple[bool, str] | None:
    compared = _times_as_fast(result, SMART_OPEN)
    if compared is None:
        return None
    own, other, ratio = compared
    return ratio >= OVER_SMART_OPEN, f"{own.wall_s:.2f} s against {other.wall_s:.1f}: {ratio:.1f}"


def passes_pipeline(result: Result) -> tuple[bool, str] | None:
    compared = _times_as_fast(result, PIPELINE)
    if compared is None:
        return None
    own, other, ratio = compared
    return ratio >= OVER_PIPELINE, (
        f"{own.wall_s:.2f} s against {other.wall_s:.2f}: {ratio:.2f}{_when_signed(result, other)};"
        f" {bound(result, own, other)}"
    )


def _when_signed(result: Result, other: Contender) -> str:
    """s5cmd signs the payload over http: the same for airscoop, as that pipeline's equal."""
    signed = result.named("airscoop, signed")
    return f", {other.wall_s / signed.wall_s:.2f} with the payload signed too" if signed else ""


def bound(result: Result, own: Contender, other: Contender) -> str:
    """What this machine's cores allow at most, were all of them always busy."""
    least_s = own.core_s / result.cores
    client_s = own.core_s - own.others_cpu_s
    return (
        f"client {client_s:.2f} and servers {own.others_cpu_s:.2f} core-seconds, so on"
        f" {result.cores} cores at least {least_s:.2f} s and at most"
        f" {other.wall_s / least_s:.2f} times as fast"
    )


def transforms(result: Result) -> tuple[bool, str] | None:
    compared = _times_as_fast(result, PIPELINE)
    if compared is None:
        return None
    own, other, ratio = compared
    return 1 / ratio <= TRANSFORM_WALL, (
        f"{own.wall_s:.2f} s against {other.wall_s:.2f}: {1 / ratio:.2f};"
        f" {own.written_bytes / 1e6:.0f} MB written against {other.written_bytes / 1e6:.0f};"
        f" {bound(result, own, other)}"
    )


def reads_literals(result: Result) -> tuple[bool, str] | None:
    own, other = result.airscoop(), result.named(LITERAL_EVAL)
    if own is None or other is None:
        return None
    ratio = other.cpu_s_per_gb / own.cpu_s_per_gb
    return ratio >= OVER_LITERAL_EVAL, (
        f"{own.cpu_s_per_gb:.2f} CPU s per GB against {other.cpu_s_per_gb:.1f}: {ratio:.1f}"
    )
