"""The verb uploads: what was begun and neither completed nor aborted."""

from __future__ import annotations

import argparse
from datetime import timedelta

from airscoop.cli.flags import add_s3, s3_of
from airscoop.cli.output import add_json, show, show_found

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age(text: str) -> timedelta:
    """A time such as 90s, 30m, 12h, 1d or 2w."""
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age: 90s, 30m, 12h, 1d, 2w")
    return timedelta(**{UNITS[unit]: int(number)})


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "uploads",
        help="show or end multipart uploads that nobody finished",
        description="Show or end multipart uploads that are neither completed nor aborted.",
    )
    actions = verb.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="show them")
    cleaning = actions.add_parser("clean", help="abort those older than a day")
    for action in (listing, cleaning):
        action.add_argument("prefix", help="s3://bucket or s3://bucket/prefix")
        action.add_argument(
            "--older-than",
            type=age,
            metavar="AGE",
            help="only those begun longer ago than 90s, 30m, 12h, 1d, 2w"
            + (" (default 1d)" if action is cleaning else ""),
        )
        add_s3(action)
        add_json(action)
    choice = cleaning.add_mutually_exclusive_group(required=True)
    choice.add_argument("--yes", action="store_true", help="abort them")
    choice.add_argument("--dry-run", action="store_true", help="only show which")
    listing.set_defaults(run=run_list)
    cleaning.set_defaults(run=run_clean)


def run_list(options: argparse.Namespace) -> int:
    """airscoop uploads list PREFIX"""
    from airscoop.transfer import leftover_uploads as uploads

    receipt = uploads.show(
        options.prefix,
        older_than=options.older_than,
        s3=s3_of(options),
    )
    show_found(receipt, as_json=options.json)
    return 0


def run_clean(options: argparse.Namespace) -> int:
    """airscoop uploads clean PREFIX"""
    from airscoop.transfer import leftover_uploads as uploads

    if options.older_than is None:
        options.older_than = uploads.OLD
    if options.dry_run:
        return run_list(options)
    receipt = uploads.clean(
        options.prefix,
        older_than=options.older_than,
        s3=s3_of(options),
    )
    show(receipt, as_json=options.json)
    return 0
