"""The verb exports: what is in the registry of exports, and what on-call staff does about it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airscoop.cli.output import add_json, show, show_found

if TYPE_CHECKING:
    from airscoop.exports.registry import Registry


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "exports",
        help="the registry of exports: what is done, what failed, who holds a lock",
        description="Look at the registry of exports, and help where something is stuck.",
    )
    actions = verb.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list", help="show the last done export of each table, those behind it, and held locks"
    )
    listing.add_argument(
        "tables", nargs="*", metavar="TENANT/TABLE", help="default: all, by a scan of the registry"
    )
    listing.add_argument("--all", action="store_true", help="also those before the last done one")
    listing.set_defaults(run=run_list)
    retry = actions.add_parser("retry", help="have the next run work on a failed export once more")
    give_up = actions.add_parser(
        "give-up",
        help="let later versions go on without an export that failed, and runs end well with it",
    )
    for action, run in ((retry, run_retry), (give_up, run_give_up)):
        action.add_argument("export", metavar="TENANT/TABLE/VERSION", help="as list shows it")
        action.set_defaults(run=run)
    unlock = actions.add_parser(
        "unlock",
        help="take the lock of a table away from a run that is gone",
        description="Take the lock of a table away from a run that is gone. One that still works "
        "finds its lock lost, ends, and writes nothing more.",
    )
    unlock.add_argument("table", metavar="TENANT/TABLE", help="as list shows it")
    unlock.set_defaults(run=run_unlock)
    for action in (listing, retry, give_up, unlock):
        action.add_argument("--registry", default="registry", help="default %(default)s")
        action.add_argument("--endpoint-url", metavar="URL", help="DynamoDB elsewhere than at AWS")
        action.add_argument("--region", metavar="NAME", help="of the table in DynamoDB")
        action.add_argument(
            "--profile", metavar="NAME", help="of ~/.aws/config, whose credentials to use"
        )
        add_json(action)


def _registry(options: argparse.Namespace) -> Registry:
    from airscoop.exports.registry import Registry

    return Registry(
        options.registry,
        endpoint_url=options.endpoint_url,
        region=options.region,
        profile=options.profile,
    )


def run_list(options: argparse.Namespace) -> int:
    """airscoop exports list [TENANT/TABLE …]"""
    from airscoop.exports import on_call

    found = on_call.look(_registry(options), options.tables, every=options.all)
    show_found(found, as_json=options.json)
    return 0


def run_retry(options: argparse.Namespace) -> int:
    """airscoop exports retry TENANT/TABLE/VERSION"""
    from airscoop.exports import on_call

    show(on_call.retry(_registry(options), options.export), as_json=options.json)
    return 0


def run_give_up(options: argparse.Namespace) -> int:
    """airscoop exports give-up TENANT/TABLE/VERSION"""
    from airscoop.exports import on_call

    show(on_call.give_up(_registry(options), options.export), as_json=options.json)
    return 0


def run_unlock(options: argparse.Namespace) -> int:
    """airscoop exports unlock TENANT/TABLE"""
    from airscoop.exports import on_call

    show(on_call.unlock(_registry(options), options.table), as_json=options.json)
    return 0
