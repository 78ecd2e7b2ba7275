"""Names of compressions that `open` neither reads nor writes, and the lines that do."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NoReturn

from airscoop.errors import UsageError
from airscoop.transfer import places

# What opens the bytes of such a file, `file`; {0} is "r" or "w", {1} "rb" or "wb".
_BZ2 = 'bz2.open(file, "{1}")'
_LZMA = 'lzma.open(file, "{1}")'
_ZSTD = 'zstandard.open(file, "{1}")'
_GZIP = 'gzip.open(file, "{1}")'
_LINES = {
    ".bz2": _BZ2,
    ".bz": _BZ2,
    ".xz": _LZMA,
    ".lzma": _LZMA,
    ".zst": _ZSTD,
    ".zstd": _ZSTD,
    ".lz4": 'lz4.frame.open(file, "{1}")',
    ".7z": 'py7zr.SevenZipFile(file, "{0}")',
    ".tgz": 'tarfile.open(fileobj=file, mode="{0}|gz")',
    ".tbz": 'tarfile.open(fileobj=file, mode="{0}|bz2")',
    ".tbz2": 'tarfile.open(fileobj=file, mode="{0}|bz2")',
    ".txz": 'tarfile.open(fileobj=file, mode="{0}|xz")',
    ".tzst": 'tarfile.open(fileobj=zstandard.open(file, "{1}"), mode="{0}|")',
    ".svgz": _GZIP,
    ".emz": _GZIP,
    ".bgz": _GZIP,
    ".gzip": _GZIP,
}
_WITHOUT_A_LINE = (".lz", ".lzo", ".br", ".z", ".sz", ".rar", ".tlz", ".taz")
# Archives, which are bytes to whoever opens them: no text.
_ARCHIVES = {".zip": 'zipfile.ZipFile(file, "{0}")'}


def check_name(name: str, mode: str, compression: str) -> None:
    """A UsageError, with the right line, for a name whose compression `open` does not know."""
    if compression != "auto":
        return
    suffix = _suffix(name)
    line = _LINES.get(suffix) or (None if "b" in mode else _ARCHIVES.get(suffix))
    if line is None and suffix not in _WITHOUT_A_LINE:
        return
    _refuse(name, suffix, "r" if "r" in mode else "w", line)


def _suffix(name: str) -> str:
    if places.is_http(name):
        from urllib.parse import urlsplit

        name = urlsplit(name).path
    return PurePosixPath(name.rpartition("/")[2]).suffix.lower()


def _refuse(name: str, suffix: str, letter: str, line: str | None) -> NoReturn:
    shown, mode = places.displayed(name), letter + "b"
    verb = "read" if letter == "r" else "write"
    opening = f'airscoop.open("{shown}", "{mode}", compression="keep")'
    how = (
        f"{opening} takes the bytes as they are"
        if line is None
        else f"with {opening} as file: {line.format(letter, mode)}"
    )
    raise UsageError(f"{shown}: airscoop.open does not {verb} {suffix} data. {how}")
