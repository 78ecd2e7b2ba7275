"""python -m airscoop.local up | down | status | env [--json]"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airscoop.local.stack import Status


USE = 'eval "$(airscoop local env)"'
JSON_HELP = {"env": "as JSON"} | dict.fromkeys(
    ("up", "down", "status"), "with addresses and keys, as JSON"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `airscoop local`, for any parser."""
    verbs = parser.add_subparsers(dest="local_verb", metavar="VERB", required=True)
    helps = {
        "up": "start what does not run yet",
        "down": "stop everything; the data stay, unless --purge is said",
        "status": "say what runs, and where",
        "env": "print what a shell needs to use the stack: " + USE,
    }
    for verb, text in helps.items():
        sub = verbs.add_parser(verb, help=text, description=text)
        sub.add_argument("--json", action="store_true", help=JSON_HELP[verb])
        if verb == "down":
            sub.add_argument("--purge", action="store_true", help="remove the stack's data, too")
        if verb == "up":
            sub.add_argument("--s3-endpoint", metavar="URL", help="use this S3, start none")
            sub.add_argument(
                "--bucket", metavar="NAME", help="made where it is not there (default airscoop)"
            )


def _text(status: Status, *, as_json: bool) -> str:
    from airscoop.local import stack

    if as_json:
        return json.dumps(status.to_dict())
    places = {
        "s3": status.s3.get("endpoint"),
        "aws": status.aws.get("endpoint"),
        "postgres": status.postgres.get("dsn", "").rpartition("@")[2],
        "warehouse": status.warehouse.get("dsn", "").rpartition("@")[2],
        "athena": status.athena.get("endpoint"),
        "lambdas": status.lambdas.get("endpoint"),
        "http": status.http.get("url"),
    }
    lines = []
    for part in stack.PARTS:
        where = f"running at {places[part]}" if status.runs(part) else "not running"
        lines.append(f"{part:<10} {where}")
    return "\n".join([*lines, f"state in   {status.state}"])


def _environment(*, as_json: bool) -> str:
    """Of `local env`."""
    from airscoop.cli.warehouse import DSN_VARIABLE
    from airscoop.local import stack

    found = stack.environment() | {DSN_VARIABLE: stack.status().warehouse["dsn"]}
    if as_json:
        return json.dumps(found)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
    unset = [name for name in stack.UNSET if name not in found]
    return "\n".join([f"unset {' '.join(unset)}", *lines])


def run(args: argparse.Namespace) -> str:
    """Carries out what `add_arguments` read; gives what is to be printed."""
    # Imported late: every other verb of the command also reads these arguments' definitions.
    from airscoop.local import stack

    if args.local_verb == "up":
        up = stack.up(s3_endpoint=args.s3_endpoint, bucket=args.bucket or stack.BUCKET)
        text = _text(up, as_json=args.json)
        return text if args.json else f"{text}\nto use it  {USE}"
    if args.local_verb == "down":
        stack.down(purge=args.purge)
        return _text(stack.status(), as_json=True) if args.json else ""
    if args.local_verb == "env":
        return _environment(as_json=args.json)
    return _text(stack.status(), as_json=args.json)


def main() -> int:
    """The same as `airscoop local`."""
    from airscoop.cli import main as command

    sys.argv.insert(1, "local")
    return command()


if __name__ == "__main__":
    sys.exit(main())
