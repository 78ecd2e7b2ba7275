"""What each change says of its file: which table it is of, which version, and the one before."""

from __future__ import annotations

from airscoop.deltas.options import DeltaOptions
from airscoop.errors import UsageError

MOST_BYTES = {"dataset": 1024, "version": 512, "previous": 512}  # airscoop.applied's columns


def version_of_ids(options: DeltaOptions) -> str | None:
    """The version as the changes' ids have it: a dataset's name makes it that dataset's own."""
    if options["dataset"] is None:
        return options["version"]
    return f"{options['dataset']}/{options['version']}"


def stamp_of(options: DeltaOptions, *, first: bool) -> str:
    """The members of each change, as JSON text; "" where no dataset is named.

    first: there is no export before. UsageError where one of the three is missing.
    """
    dataset, version, previous = (options[name] for name in ("dataset", "version", "previous"))
    if dataset is None and previous is None:
        return ""
    if dataset is None or version is None or (previous is None) != first:
        raise UsageError(
            "dataset, version and previous go together: dataset names the table, version the new "
            "export, previous the old one (none where there is no old export)"
        )
    import json

    named = {"dataset": dataset, "version": version, "previous": previous}
    for name, value in named.items():
        if value is not None:
            _check(name, value)
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))[1:-1]


def line_without_changes(stamp: str) -> bytes:
    """The one line of a file in which nothing has changed."""
    return f'{{{stamp},"changes":0}}\n'.encode()


def _check(name: str, value: str) -> None:
    if not value or any(ord(each) < 32 for each in value):
        raise UsageError(f"{name} is {value!r}; give a name without control characters")
    if len(value.encode()) > MOST_BYTES[name]:
        raise UsageError(f"{name} has more than {MOST_BYTES[name]} bytes: {value[:60]}…")
