"""python -m airscoop.local up | down | status [--json]"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airscoop.local.stack import Status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `airscoop local`, for any parser."""
    verbs = parser.add_subparsers(dest="local_verb", metavar="VERB", required=True)
    helps = {
        "up": "start what does not run yet",
        "down": "stop everything; the data stay, unless --purge is said",
        "status": "say what runs, and where",
    }
    for verb, text in helps.items():
        sub = verbs.add_parser(verb, help=text, description=text)
        if verb == "down":
            sub.add_argument("--purge", action="store_true", help="remove the stack's data, too")
        else:
            sub.add_argument("--json", action="store_true", help="with addresses and keys, as JSON")
        if verb == "up":
            sub.add_argument("--s3-endpoint", metavar="URL", help="use this S3, start none")
            sub.add_argument("--bucket", help="default: airscoop")


def _text(status: Status, *, as_json: bool) -> str:
    from airscoop.local import stack

    if as_json:
        return json.dumps(status.to_dict(), indent=2)
    places = {
        "s3": status.s3.get("endpoint"),
        "aws": status.aws.get("endpoint"),
        "postgres": status.postgres.get("dsn", "").rpartition("@")[2],
        "warehouse": status.warehouse.get("dsn", "").rpartition("@")[2],
        "http": status.http.get("url"),
    }
    lines = []
    for part in stack.PARTS:
        running = getattr(status, part)["running"]
        lines.append(f"{part:<10} {f'running at {places[part]}' if running else 'not running'}")
    return "\n".join([*lines, f"state in   {status.state}"])


def run(args: argparse.Namespace) -> str:
    """Carries out what `add_arguments` read; gives what is to be printed."""
    # Imported late: every other verb of the command also reads these arguments' definitions.
    from airscoop.local import stack

    if args.local_verb == "up":
        up = stack.up(s3_endpoint=args.s3_endpoint, bucket=args.bucket or stack.BUCKET)
        return _text(up, as_json=args.json)
    if args.local_verb == "down":
        stack.down(purge=args.purge)
        return ""
    return _text(stack.status(), as_json=args.json)


def main() -> int:
    """The same as `airscoop local`."""
    from airscoop.cli import main as command

    sys.argv.insert(1, "local")
    return command()


if __name__ == "__main__":
    sys.exit(main())
