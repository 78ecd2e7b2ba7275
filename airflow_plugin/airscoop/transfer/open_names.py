"""Names of compressions that `open` neither reads nor writes, and the lines that do."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NoReturn

from airscoop.errors import UsageError
from airscoop.transfer import places


def _opened(call: str) -> tuple[str, str]:
    """The lines to read and to write; in the call {0} is "r" or "w", {1} "rb" or "wb"."""
    return call.format("r", "rb"), call.format("w", "wb")


def _by_tool(reading: str, writing: str) -> tuple[str, str]:
    run = 'subprocess.run(["{}", "{}"], input={}, stdout=subprocess.PIPE, check=True).stdout'
    return (
        run.format(*reading.split(), "file.read()"),
        f"file.write({run.format(*writing.split(), 'data')})",
    )


# What reads and what writes the bytes of such a file, `file`.
_BZ2 = _opened('bz2.open(file, "{1}")')
_ZSTD = _opened('zstandard.open(file, "{1}")')
_GZIP = _opened('gzip.open(file, "{1}")')
_TAR_BZ2 = _opened('tarfile.open(fileobj=file, mode="{0}|bz2")')
_LZMA = ('lzma.open(file, "rb")', 'lzma.open(file, "wb", format=lzma.FORMAT_ALONE)')
_ZLIB = ("zlib.decompress(file.read())", "file.write(zlib.compress(data))")
_SNAPPY = ("snappy.stream_decompress(file, text)", "snappy.stream_compress(text, file)")
_COMPRESS = _by_tool("uncompress -c", "compress -c")
_LINES = {
    ".bz2": _BZ2,
    ".bz": _BZ2,
    ".xz": _opened('lzma.open(file, "{1}")'),
    ".lzma": _LZMA,
    ".zst": _ZSTD,
    ".zstd": _ZSTD,
    ".lz4": _opened('lz4.frame.open(file, "{1}")'),
    ".7z": _opened('py7zr.SevenZipFile(file, "{0}")'),
    ".tgz": _opened('tarfile.open(fileobj=file, mode="{0}|gz")'),
    ".tbz": _TAR_BZ2,
    ".tbz2": _TAR_BZ2,
    ".txz": _opened('tarfile.open(fileobj=file, mode="{0}|xz")'),
    ".tzst": _opened('tarfile.open(fileobj=zstandard.open(file, "{1}"), mode="{0}|")'),
    ".tlz": tuple(f'tarfile.open(fileobj={_LZMA[i]}, mode="{"rw"[i]}|")' for i in (0, 1)),
    ".br": ("brotli.decompress(file.read())", "file.write(brotli.compress(data))"),
    ".snappy": _SNAPPY,
    ".sz": _SNAPPY,
    ".deflate": _ZLIB,
    ".zlib": _ZLIB,
    ".zz": _ZLIB,
    ".z": _COMPRESS,
    ".taz": _COMPRESS,
    ".lz": _by_tool("lzip -dc", "lzip -c"),
    ".lzo": _by_tool("lzop -dc", "lzop -c"),
    ".rar": ("rarfile.RarFile(file)", "file.write(data)"),
}
# Gzip data: inflated when read, but only `.gz` is packed.
_READ_ONLY = {".svgz": _GZIP, ".emz": _GZIP, ".bgz": _GZIP, ".gzip": _GZIP}
# Archives, which are bytes to whoever opens them: no text.
_ARCHIVES = {".zip": _opened('zipfile.ZipFile(file, "{0}")')}


def check_name(name: str, mode: str, compression: str) -> None:
    """A UsageError, with the right line, for a name whose compression `open` does not know."""
    if compression != "auto":
        return
    suffix = _suffix(name)
    unknown = _LINES | ({} if "r" in mode else _READ_ONLY) | ({} if "b" in mode else _ARCHIVES)
    if suffix in unknown:
        _refuse(name, suffix, unknown[suffix], reads="r" in mode)


def _suffix(name: str) -> str:
    last = name.rpartition("/")[2]
    if places.is_http(name):
        from urllib.parse import unquote, urlsplit

        last = unquote(urlsplit(name).path.rpartition("/")[2].partition(";")[0])
    return PurePosixPath(last).suffix.lower()


def _refuse(name: str, suffix: str, lines: tuple[str, ...], *, reads: bool) -> NoReturn:
    shown = places.displayed(name)
    verb, mode, line = ("read", "rb", lines[0]) if reads else ("write", "wb", lines[1])
    raise UsageError(
        f"{shown}: airscoop.open does not {verb} {suffix} data. "
        f'with airscoop.open("{shown}", "{mode}", compression="keep") as file: {line}'
    )
