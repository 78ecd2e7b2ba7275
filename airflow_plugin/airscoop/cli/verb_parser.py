"""The parser of the command and of each verb."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, NoReturn


class VerbHelp(argparse.HelpFormatter):
    """Help that is the same in every version of Python."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class VerbParser(argparse.ArgumentParser):
    """Takes flags anywhere among the places of a verb, of which there may be several; behind --
    all are places. What is wrong is told with the usage of the verb."""

    _mixes = False
    _line: tuple[str, ...] = ()
    _usage = ""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, formatter_class=VerbHelp)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As of argparse, which does not mix by itself."""
        self._line = self._line or tuple(args or ())
        self._usage = self._usage or self._short_usage()  # argparse hides the places while it mixes
        if self._subparsers is not None:
            self._refuse_before_verb(args or ())
            return super().parse_known_args(args, namespace)
        if self._mixes:
            return super().parse_known_args(args, namespace)
        self._refuse_unknown(args)
        if "--" in args:
            return super().parse_known_args(args, namespace)
        self._mixes = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixes = False

    def _refuse_before_verb(self, words: Iterable[str]) -> None:
        """A flag of a verb that stands before it."""
        for word in words:
            if not word.startswith("--"):
                return
            flag = word.partition("=")[0]
            if not any(one.startswith(flag) for one in self._option_string_actions):
                self.error(f"there is no flag {flag} here: the flags of a verb stand behind it")

    def _refuse_unknown(self, words: Iterable[str]) -> None:
        """Before what it leaves out is missed: a flag that is no flag of the verb's."""
        known = self._option_string_actions
        for word in words:
            if word == "--":
                return
            flag = word.partition("=")[0]
            is_flag = word.startswith("--") and " " not in word
            if is_flag and not any(one.startswith(flag) for one in known):
                self.error(f"there is no flag {flag}{nearest(flag, known)}")

    def format_usage(self) -> str:
        """What a wrong line is told with, and help begins with."""
        return f"usage: {self._usage or self._short_usage()}\n"

    def format_help(self) -> str:
        """The same in every version of Python."""
        self.usage = (self._usage or self._short_usage()).replace("%", "%%")
        return super().format_help()

    def _short_usage(self) -> str:
        """A line with the places and the flags that have to be; the others are many."""
        groups = [group for group in self._mutually_exclusive_groups if group.required]
        chosen = [action for group in groups for action in group._group_actions]
        needed = [action for action in self._actions if action.option_strings and action.required]
        line = argparse.HelpFormatter(self.prog, width=1000)
        line.add_usage(None, [*needed, *chosen, *self._get_positional_actions()], groups, prefix="")
        return line.format_help().strip().replace(self.prog, f"{self.prog} [-h]", 1)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if choices and value not in (action.choices or ()):
            known = ", ".join(map(repr, choices))  # which Python quotes, or not, by its version
            raise argparse.ArgumentError(
                action,
                f"invalid choice: {value!r} (choose from {known}){nearest(str(value), choices)}",
            )

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the line, of which an address may hold a secret."""
        from airscoop.transfer.places import displayed

        for word in sorted(self._line, key=len, reverse=True):
            message = message.replace(word, displayed(word)) if word else message
        super().error(message)


def nearest(word: str, known: Iterable[str]) -> str:
    """What was meant, perhaps."""
    from difflib import get_close_matches

    found = get_close_matches(word, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""
