"""Messages in the command's own words: its flags in place of Python's arguments, sizes in units."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping

from airscoop.cli.flags import size

# What Python calls otherwise than the command, whole phrases before their words.
PHRASES = {
    "S3Settings(region=…), --region": "--region",
    "endpoint_url and region are": "--endpoint-url and --region are",
    "csv=CsvDialect(header=False)": "--csv-no-header",
    "csv=CsvDialect(encoding=…)": "--csv-encoding",
    "csv says how CSV is written: it does": "the flags of CSV do",
    "csv says how the format csv is written": "the flags of CSV are for that format",
    "access_key_id and secret_access_key": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "overwrite=False": "--no-overwrite",
    "server_side=False": "--no-server-side",
    "object_options": "the flags of the object",
}
# Python's names, or the engine's, of what a flag has another name for.
NAMES = {
    "compression_level": "--level",
    "ignore_columns": "--ignore-column",
    "null_values": "--csv-null",
    "skip_rows": "--csv-skip-rows",
}
UNITS = (("G", 2**30), ("M", 2**20), ("K", 2**10))
_LIMIT = r"((?:at least|at most|the least,|the most,) )(\d+)(?! bytes)\b"


def flags_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The flags of a verb by the names that Python has for them."""
    found = {
        action.dest: action for action in parser._actions if action.option_strings and action.dest
    }
    names = {_flag(action): action for action in found.values()}
    found |= {name: names[flag] for name, flag in NAMES.items() if flag in names}
    return found


def _flag(action: argparse.Action) -> str:
    return max(action.option_strings, key=len)


def spoken(message: str, flags: Mapping[str, argparse.Action], words: Iterable[str] = ()) -> str:
    """The message with flags for Python's arguments; `words` of the line stay as they are."""
    kept = sorted({word for word in words if "_" in word or "=" in word}, key=len, reverse=True)
    if not kept:
        return _spoken(message, flags)
    parts = re.split(f"({'|'.join(map(re.escape, kept))})", message)
    return "".join(part if part in kept else _spoken(part, flags) for part in parts)


def _spoken(text: str, flags: Mapping[str, argparse.Action]) -> str:
    for phrase, said in PHRASES.items():
        text = text.replace(phrase, said)
    for name in sorted(flags, key=len, reverse=True):
        text = _with_flag(text, name, flags[name])
    return text


def _with_flag(text: str, name: str, action: argparse.Action) -> str:
    flag = _flag(action)
    if name not in text and flag not in text:
        return text
    word = rf"(?<![\w./\"'=-]){name}"
    # Both are named already: Python's argument goes.
    text = re.sub(rf"{word}(?:=[\w\".…]*)? \(({flag})\)", r"\1", text)
    text = re.sub(rf"{word}=[\w\".…]*, ({flag})\b", r"\1", text)
    text = re.sub(rf"{word}=(?:True|…)?(?![\w\"])", flag, text)
    text = re.sub(rf"{word}=\"?([\w.-]+?)\"?(?=[\s,;:.)]|$)", rf"{flag} \1", text)
    if "_" in name:
        text = re.sub(rf"{word}(?![\w./\"'=-]*[/\"'=])\b", flag, text)
    if action.type is size and flag in text:
        text = re.sub(rf"({flag}(?: is|,)? )(\d+)\b", _in_units, text)
        text = re.sub(_LIMIT, _in_units, text)
    return text


def _in_units(found: re.Match[str]) -> str:
    number = int(found[2])
    for unit, factor in UNITS:
        if number and number % factor == 0:
            return f"{found[1]}{number // factor}{unit}"
    return found[0]
