"""The verb local: the stack on this machine."""

from __future__ import annotations

import argparse

from airscoop.cli import streams
from airscoop.cli.output import show_done
from airscoop.errors import LocalStackFailed

HELP = "S3, PostgreSQL and stand-ins for AWS, on this machine"


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `local up|down|status|env`."""
    from airscoop.local.__main__ import add_arguments

    verb = verbs.add_parser("local", help=HELP, description=f"{HELP}.")
    add_arguments(verb)
    verb.set_defaults(run=run, stopped="what was started stays: airscoop local down ends it")


def run(options: argparse.Namespace) -> int:
    """airscoop local up|down|status|env"""
    from airscoop.local.__main__ import run as run_local
    from airscoop.local.processes import LocalStackError

    try:
        text = run_local(options)
    except LocalStackError as error:
        raise LocalStackFailed(str(error)) from error
    if text and options.local_verb in ("up", "down"):
        show_done(text, as_json=options.json)
    elif options.local_verb in ("status", "env"):
        streams.put(text)
    return 0
