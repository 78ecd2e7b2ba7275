"""What a copy of a prefix copies: the objects or files below it, each with its name there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from airscoop.aws.settings import S3Settings
from airscoop.aws.storage import ObjectInfo, list_objects
from airscoop.errors import FileError, UsageError
from airscoop.system_errors import told
from airscoop.transfer import places
from airscoop.transfer.naming import taken_name
from airscoop.transfer.prefix_overlap import Overlap

LONGEST_NAME = 255  # bytes, of a file


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One object or file to copy; `name` is what follows the prefix."""

    name: str
    uri: str
    size: int | None  # None: nobody has looked
    info: ObjectInfo | None = None  # of an object
    refused: str | None = None  # why it cannot be copied


def objects(
    source: str,
    *,
    to_files: bool,
    s3: S3Settings,
    overlap: Overlap | None,
    is_chosen: Callable[[str], bool],
    skip_marker: Callable[[], object],
) -> Iterator[Entry]:
    """The chosen objects below the prefix, in key order; one that cannot stand beside others
    fails."""
    prefix = source if "/" in source[5:] else source + "/"
    skipped = len(prefix[5:].partition("/")[2])
    above: list[str] = []  # names that the present one begins with

    def name_of(info: ObjectInfo) -> str:
        return info.key[skipped:]

    def listed(start: str) -> Iterator[ObjectInfo]:
        return list_objects(prefix + start, s3=s3)

    def is_copied(info: ObjectInfo) -> bool:
        return not _is_marker(name_of(info), info) and is_chosen(name_of(info))

    for info in listed("") if overlap is None else overlap.apart(listed, name_of, is_copied):
        name = name_of(info)
        if _is_marker(name, info):
            skip_marker()
            continue
        if not is_chosen(name):
            continue
        while above and not name.startswith(above[-1]):
            above.pop()
        file = next((one for one in above if name.startswith(one + "/")), None)
        above.append(name)
        refused = None
        if to_files and file is not None:
            refused = f"key {name!r}: {file!r} is a file, so it cannot be a folder, too"
        yield Entry(name=name, uri=info.uri, size=info.size, info=info, refused=refused)


def _is_marker(name: str, info: ObjectInfo) -> bool:
    return (name == "" or name.endswith("/")) and info.size == 0


def files(source: str, is_chosen: Callable[[str], bool]) -> Iterator[Entry]:
    """The chosen files below the folder, as the system lists them: a folder of a million names is
    not kept to be sorted. Links to files are read, links to folders refused."""
    folders = [Path(source)]
    while folders:
        below = folders.pop()
        try:
            with os.scandir(below) as found:
                for one in found:
                    if one.is_dir(follow_symlinks=False):
                        folders.append(Path(one.path))
                        continue
                    path = Path(one.path)
                    name = path.relative_to(source).as_posix()
                    if is_chosen(name):
                        yield _file(path, name)
        except OSError as error:
            raise FileError(told(error)) from error


def singles(sources: Sequence[str], folder: str) -> list[Entry]:
    """Several sources, each under its own name; a UsageError if two have one name."""
    named: dict[str, str] = {}
    for source in sources:
        if places.is_prefix(source):
            raise UsageError(f"{source} is a prefix or folder: copy it alone")
        name = taken_name(source)
        if not places.is_s3(source) and not places.is_http(source):
            name = places.key_of(name)
        if name in named:
            raise UsageError(
                f"{places.displayed(named[name])} and {places.displayed(source)} would both be "
                f"{folder}{name}. Nothing was copied"
            )
        named[name] = source
    return [Entry(name=name, uri=source, size=None) for name, source in named.items()]


def _file(path: Path, name: str) -> Entry:
    refused, size = None, 0
    if path.is_file():
        size = path.stat().st_size
    else:
        refused = f"{name!r} is no file (a link to a folder, a broken link, a pipe): exclude it"
    return Entry(name=places.key_of(name), uri=str(path), size=size, refused=refused)


def room_for(folder: Path, name: str) -> Path:
    """The path of a key's file; refuses names that are no file's below the folder."""
    parts = places.path_of(name).split("/")
    refused = next((part for part in parts if part in ("", ".", "..") or "\0" in part), None)
    if name.endswith("/"):
        raise UsageError(
            f"key {name!r}: it ends in /, as no file's name does, and has content: exclude it"
        )
    if refused is not None:
        raise UsageError(f"key {name!r}: {refused!r} is no name of a file below {folder}")
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in parts):
        raise UsageError(f"key {name!r}: the name of a file has at most {LONGEST_NAME} bytes")
    path = folder.joinpath(*parts)
    # Before a folder is made; other than Path.resolve it bears links that lead in a circle.
    root, real = (Path(os.path.realpath(one)) for one in (folder, path.parent))
    if path.is_symlink() or not real.is_relative_to(root):
        raise UsageError(f"key {name!r}: a symbolic link leads out of {folder}")
    return path


def make_room(folder: Path, name: str) -> None:
    """Makes the folder that a key's file goes into."""
    path = room_for(folder, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise FileError(
            f"key {name!r}: a folder is needed where there is a file: {told(error)}"
        ) from error
