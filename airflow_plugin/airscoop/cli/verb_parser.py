"""The parser of the command and of each verb."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn


class VerbParser(argparse.ArgumentParser):
    """Takes flags anywhere among the places of a verb, of which there may be several; behind --
    all are places."""

    _mixes = False
    _line: tuple[str, ...] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As of argparse, which does not mix by itself."""
        self._line = self._line or tuple(args or ())
        if self._subparsers is not None or self._mixes or "--" in args:
            return super().parse_known_args(args, namespace)
        self._mixes = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixes = False

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the line, of which an address may hold a secret."""
        from airscoop.transfer.places import displayed

        for word in sorted(self._line, key=len, reverse=True):
            message = message.replace(word, displayed(word)) if word else message
        super().error(message)
