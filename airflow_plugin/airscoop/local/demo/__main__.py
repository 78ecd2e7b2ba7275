"""./run demo [NAME]: the DAG of a system on made data, against the local stack.

Each demo may be run again: it finds its work done.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from airscoop.cli import signals
from airscoop.errors import AirscoopError
from airscoop.local import stack, systems
from airscoop.local.processes import LocalStackError
from airscoop.systems.default import DEFAULT


class Demo(Protocol):
    """What a system's module `demo` has; its first line says what it shows."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, options: argparse.Namespace) -> int: ...


DEMOS = cast("dict[str, Demo]", systems.modules("demo"))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run demo",
        description=f"{(__doc__ or '').strip()} Without a name: {DEFAULT}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demos = parser.add_subparsers(dest="demo", metavar="DEMO", required=True)
    for name, demo in DEMOS.items():
        text = (demo.__doc__ or "").strip()
        about = text.partition("\n")[0].rstrip(".")
        demo.add_arguments(demos.add_parser(name, help=about, description=text))
    named = arguments and (not arguments[0].startswith("-") or arguments[0] in ("-h", "--help"))
    return parser.parse_args(arguments if named else [DEFAULT, *arguments])


def _still_runs() -> str:
    """What a demo that was stopped leaves, and how to end it."""
    status = stack.status()
    running = [part for part in stack.PARTS if status.runs(part)]
    if not running:
        return "nothing of the local stack runs; the same ./run demo begins again"
    return f"of the local stack still run: {', '.join(running)}. ./run down stops them"


def main(arguments: Sequence[str] | None = None) -> int:
    if arguments is None:
        signals.take()
    options = parse(sys.argv[1:] if arguments is None else arguments)
    signals.begin_work()
    try:
        return DEMOS[options.demo].run(options)
    except (AirscoopError, LocalStackError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, signals.Stopped) as stopped:
        number = getattr(stopped, "number", signal.SIGINT)
        signals.begin_telling(128 + number)
        print(f"demo: {signals.line(number, _still_runs())}", file=sys.stderr)
        return 128 + int(number)


if __name__ == "__main__":
    sys.exit(main())
