"""The verb local: the stack on this machine."""

from __future__ import annotations

import argparse


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `local up|down|status`."""
    from airscoop.local.__main__ import add_arguments

    verb = verbs.add_parser("local", help="S3, PostgreSQL and stand-ins for AWS, on this machine")
    add_arguments(verb)
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """airscoop local up|down|status"""
    from airscoop.local.__main__ import run as run_local

    return run_local(options)
