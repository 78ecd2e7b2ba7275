"""The parser of the command and of each verb."""

from __future__ import annotations

import argparse
from typing import Any


class VerbParser(argparse.ArgumentParser):
    """Takes flags anywhere among the places of a verb, of which there may be several; behind --
    all are places."""

    _mixes = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As of argparse, which does not mix by itself."""
        if self._subparsers is not None or self._mixes or "--" in args:
            return super().parse_known_args(args, namespace)
        self._mixes = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixes = False
