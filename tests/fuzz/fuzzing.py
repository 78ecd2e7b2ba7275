"""Builds and runs the fuzz targets: `./run fuzz [SECONDS] [TARGET …]`, 60 seconds each by default.

What they learn stays in the folder fuzz/corpus of the local state, $AIRSCOOP_LOCAL_DIR or
/var/tmp/airscoop-UID; inputs that break a target in fuzz/findings.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "fuzz"
BINARIES = ROOT / "build" / "c" / "fuzz"
DEFAULT_SECONDS = 60
LONGEST_INPUT_SECONDS = 20
SUFFIX = "_fuzz.c"


def targets() -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in HERE.glob(f"*{SUFFIX}"))


def build() -> str:
    """The compiler's output when the build failed, else an empty string."""
    command = ["make", "-s", f"-j{os.cpu_count() or 1}", "-C", str(ROOT / "csrc"), "fuzz"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def command(target: str, limit: str, folder: Path) -> list[str]:
    """Makes the target's folders in `folder` and returns how to run it, up to libFuzzer's limit."""
    corpus, findings = folder / "corpus" / target, folder / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    words = HERE / f"{target}.dict"
    return [
        str(BINARIES / f"{target}_fuzz"),
        limit,
        f"-timeout={LONGEST_INPUT_SECONDS}",
        f"-artifact_prefix={findings}/{target}-",
        *([f"-dict={words}"] if words.exists() else []),
        "-print_final_stats=1",
        str(corpus),
        str(HERE / "seeds" / target),
    ]


def state_folder() -> Path:
    given = os.environ.get("AIRSCOOP_LOCAL_DIR")
    return Path(given or f"/var/tmp/airscoop-{os.getuid()}") / "fuzz"


def main(arguments: list[str]) -> int:
    seconds, chosen = DEFAULT_SECONDS, arguments
    if chosen and chosen[0].isdigit():
        seconds, chosen = int(chosen[0]), chosen[1:]
    unknown = set(chosen) - set(targets())
    if unknown or seconds == 0:
        print(f"usage: run fuzz [SECONDS] [TARGET …]; targets: {' '.join(targets())}")
        return 2
    problem = build()
    if problem:
        print(problem)
        return 1
    broken = []
    for target in chosen or targets():
        print(f"fuzzing {target} for {seconds} s", flush=True)
        limit = f"-max_total_time={seconds}"
        if subprocess.run(command(target, limit, state_folder())).returncode:
            broken.append(target)
    if broken:
        print(f"broken: {' '.join(broken)}; the inputs are in {state_folder() / 'findings'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
