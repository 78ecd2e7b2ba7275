"""The verb completion, and what the shell then asks at each TAB."""

from __future__ import annotations

import argparse

from airscoop.cli import streams

SHELLS = ("bash", "zsh", "fish")


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "completion",
        help="print what makes a shell complete this command's words",
        description="Print what makes a shell complete this command's words: "
        'eval "$(airscoop completion bash)", in ~/.bashrc for every shell.',
    )
    verb.add_argument("shell", choices=SHELLS, help="which one it is")
    verb.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """airscoop completion SHELL"""
    from argcomplete.shell_integration import shellcode

    streams.put(shellcode(["airscoop"], shell=options.shell))
    return 0


def answer(parser: argparse.ArgumentParser) -> None:
    """Tells the shell the words that may come next, and ends the process."""
    import argcomplete

    argcomplete.autocomplete(parser)
