"""The verbs copy, cat, head and check."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airscoop.cli import streams
from airscoop.cli.csv_dialect import add_csv, csv_of
from airscoop.cli.flags import (
    PLACES,
    add_quiet,
    add_record_rules,
    add_s3,
    count,
    s3_of,
    size,
)
from airscoop.cli.object_options import add_object_options, object_options
from airscoop.cli.output import ProgressShown, add_json, show, show_found
from airscoop.cli.web import add_web, web_of

if TYPE_CHECKING:
    from airscoop.errors import AirscoopError
    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.transfer.options import TransferOptions
    from airscoop.transfer.resume import FileResumeStore

ALL = 2**63 - 1  # records
RAW = "auto (the default): raw, or csv with the flags of CSV"
BY_NAME = "auto (the default): csv for a name in .csv or with the flags of CSV, else jsonl"
FORMATS = ("auto", "raw", "jsonl", "python-literal", "json-array", "json-values", "csv")


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verbs to the command line."""
    _add_copy(verbs)
    for name, run, help_text in (
        ("cat", run_cat, "write a source, inflated and checked, to standard output"),
        ("head", run_head, "write a source's first lines to standard output"),
        ("check", run_check, "read a source to its end and check it; write nothing"),
    ):
        verb = verbs.add_parser(name, help=help_text, description=help_text.capitalize() + ".")
        verb.add_argument("source", help=PLACES)
        _add_reading(verb, auto=BY_NAME if name == "check" else RAW)
        if name == "head":
            verb.add_argument("-n", "--lines", type=count, default=10, help="lines (default 10)")
        if name == "check":
            _add_rejecting(verb)
            verb.add_argument(
                "--show",
                type=count,
                default=0,
                metavar="N",
                help="print the first N bad records; then all of the source is read, and counted",
            )
            add_json(verb)
        verb.set_defaults(run=run)


def _add_copy(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser(
        "copy",
        help="copy a source to a destination, whole or not at all",
        description="Copy a source to a destination, or several below one that ends in /. What is "
        "copied appears only when its source was read to its proven end.",
    )
    verb.add_argument(
        "sources",
        nargs="+",
        metavar="source",
        help=PLACES + "; s3://bucket/prefix/ or folder/ for all below it",
    )
    verb.add_argument(
        "destination",
        help="s3://bucket/key, a path, or - for standard output; s3://bucket/prefix/ or folder/ "
        "takes the source's name",
    )
    _add_reading(verb, auto=RAW)
    _add_rejecting(verb)
    _add_min_records(verb)
    verb.add_argument("--rejects", metavar="PLACE", help="where bad records go")
    verb.add_argument(
        "--compression",
        choices=("auto", "keep", "gzip", "none"),
        default="auto",
        help="what arrives; auto: by the two names; keep: the source's bytes; gzip: gzip data; "
        "none: no gzip data, so it is inflated if it is that",
    )
    verb.add_argument(
        "--checksum",
        choices=("crc32c", "crc64nvme", "none"),
        default="crc32c",
        help="what S3 compares the object with (default crc32c); none for servers without it",
    )
    verb.add_argument(
        "--no-server-side",
        action="store_true",
        help="read and check an S3 object that the server could copy to S3 by itself",
    )
    verb.add_argument("--level", type=int, choices=range(1, 10), help="gzip level (default 6)")
    verb.add_argument(
        "--split-bytes",
        type=size,
        metavar="SIZE",
        help="write files of about this size, x-00000.json.gz and so on for x.json.gz",
    )
    verb.add_argument(
        "--split-replace",
        action="store_true",
        help="replace or remove files under those names, and under the unsplit one, that are not "
        "proven to be of an earlier split copy; without it they end the copy",
    )
    _add_prefix(verb)
    resume = verb.add_mutually_exclusive_group()
    resume.add_argument(
        "--resume",
        action="store_true",
        help="go on with the upload that an interrupted copy to this destination left, and leave "
        "this one's if it is interrupted; noted in $XDG_STATE_HOME/airscoop/resume",
    )
    resume.add_argument("--resume-file", metavar="FILE", help="the same, noted in FILE")
    add_json(verb)
    add_object_options(verb)
    verb.set_defaults(run=run_copy)


def _add_prefix(verb: argparse.ArgumentParser) -> None:
    prefix = verb.add_argument_group(
        "prefixes",
        "a source that ends in / is all that is below it; they, or several sources, share "
        "--memory-limit",
    )
    prefix.add_argument("--jobs", type=count, metavar="N", help="objects at once (default 8)")
    for kind in ("include", "exclude"):
        prefix.add_argument(
            f"--{kind}",
            action=_AddFilter,
            dest="filters",
            default=[],
            metavar="PATTERN",
            help="names below the prefix; of both flags the last that matches decides, and what "
            "none matches is copied if the first is --exclude"
            if kind == "include"
            else "the same",
        )
    prefix.add_argument(
        "--allow-empty", action="store_true", help="it is no error if there is nothing to copy"
    )
    prefix.add_argument(
        "--dry-run",
        action="store_true",
        help="copy nothing: say what would be copied, and what the destination has already",
    )


class _AddFilter(argparse.Action):
    """Keeps the order of --include and --exclude among each other."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        kind = self.option_strings[0].removeprefix("--")
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), (kind, values)])


def _add_reading(verb: argparse.ArgumentParser, *, auto: str) -> None:
    verb.add_argument("--format", choices=FORMATS, default="auto", help=auto)
    verb.add_argument(
        "--records",
        metavar="PATH",
        help="json-array: where in the document the array is, such as result.items",
    )
    verb.add_argument(
        "--max-record-bytes", type=size, metavar="SIZE", help="default 4M, at most 2G"
    )
    verb.add_argument("--memory-limit", type=size, metavar="SIZE", help="default 40M")
    add_record_rules(verb)
    verb.add_argument(
        "--on-nonfinite",
        choices=("error", "null"),
        default="error",
        help="what to do with nan, inf and 1e999 in Python literals",
    )
    verb.add_argument(
        "--allow-unknown-length",
        action="store_true",
        help="accept an HTTP body that ends with its connection, if it is whole gzip data",
    )
    verb.add_argument(
        "--version-id", metavar="ID", help="a version of a source in S3, instead of the newest"
    )
    verb.add_argument(
        "--allow-plain",
        action="store_true",
        help="accept a source that is named as gzip data (.gz, .tgz …) and is something else",
    )
    verb.add_argument(
        "--on-trailing-garbage",
        choices=("error", "ignore"),
        default="error",
        help="what to do with bytes behind the end of gzip data; padding with zeros is none",
    )
    add_csv(verb)
    add_web(verb)
    add_s3(verb)
    add_quiet(verb)


def _add_rejecting(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--max-rejected",
        type=count,
        default=0,
        metavar="N",
        help="bad records to put aside before giving up (default 0)",
    )


def _add_min_records(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--min-records",
        type=count,
        default=0,
        metavar="N",
        help="write nothing where fewer records would be written",
    )


def _options(
    options: argparse.Namespace, destination: str | None, *, by_name: bool = False
) -> TransferOptions:
    from airscoop.transfer.naming import format_to_check
    from airscoop.transfer.options import TransferOptions, place

    settings = s3_of(options)
    source = place(options.source, "SOURCE")
    dialect = csv_of(options)
    return TransferOptions(
        source=source,
        destination=destination,
        format=format_to_check(source, options.format, dialect) if by_name else options.format,
        csv=dialect,
        columns=options.columns,
        max_record_bytes=options.max_record_bytes,
        memory_limit=options.memory_limit,
        on_invalid_characters=options.on_invalid_characters,
        on_nonfinite=options.on_nonfinite,
        on_key_case=options.on_key_case,
        records=options.records,
        allow_unknown_length=options.allow_unknown_length,
        version_id=options.version_id,
        allow_plain=options.allow_plain,
        on_trailing_garbage=options.on_trailing_garbage,
        source_s3=settings,
        destination_s3=settings,
        **web_of(options),
    )


def _label(source: str) -> str:
    """A short name of the source, without what may be secret in a URL."""
    from airscoop.transfer.places import displayed

    return displayed(source).rstrip("/").rpartition("/")[2] or source


def _resume_store(options: argparse.Namespace, destination: str) -> FileResumeStore | None:
    if not options.resume and options.resume_file is None:
        return None
    from airscoop.errors import UsageError
    from airscoop.transfer import places
    from airscoop.transfer.resume import FileResumeStore, default_file

    if not places.is_s3(destination):
        raise UsageError(f"{destination}: only a copy to S3 can be resumed")
    return FileResumeStore(options.resume_file or default_file(destination))


def run_copy(options: argparse.Namespace) -> int:
    """airscoop copy SOURCE... DESTINATION"""
    from airscoop.transfer.options import place
    from airscoop.transfer.places import is_prefix

    sources = [place(source, "SOURCE") for source in options.sources]
    options.source = sources[0]
    transfer = dataclasses.replace(
        _options(options, place(options.destination, "DESTINATION")),
        compression=options.compression,
        compression_level=options.level,
        checksum=options.checksum,
        server_side=not options.no_server_side,
        max_rejected=options.max_rejected,
        min_records=options.min_records,
        rejects=options.rejects,
        overwrite=not options.no_overwrite,
        split_bytes=options.split_bytes,
        split_replace=options.split_replace,
        object_options=object_options(options),
    )
    if len(sources) > 1 or is_prefix(transfer.source):
        return _copy_several(options, sources, transfer)
    return _copy_one(options, transfer)


def _copy_one(options: argparse.Namespace, transfer: TransferOptions) -> int:
    from airscoop.transfer.job import TransferJob
    from airscoop.transfer.naming import destination_for

    if options.jobs is not None or options.filters or options.allow_empty or options.dry_run:
        from airscoop.errors import UsageError

        raise UsageError(
            "--jobs, --include, --exclude, --allow-empty and --dry-run are "
            "for a source that ends in /, or for several sources"
        )
    destination = destination_for(transfer.source, transfer.destination or "")
    transfer = dataclasses.replace(transfer, destination=destination)
    job = TransferJob(transfer, resume=_resume_store(options, destination))
    with ProgressShown(_label(transfer.source), quiet=options.quiet or options.json) as shown:
        receipt = job.run(on_progress=shown)
    show(receipt, as_json=options.json, data_on_stdout=destination == "-")
    return 0


def _copy_several(
    options: argparse.Namespace, sources: list[str], transfer: TransferOptions
) -> int:
    from airscoop.transfer.arguments import CopyOptions
    from airscoop.transfer.prefix import copy_prefix

    if options.resume or options.resume_file is not None:
        from airscoop.errors import UsageError

        raise UsageError("only the copy of one object is resumed; a prefix skips what is equal")
    known = {*CopyOptions.__annotations__} - {"if_match", "s3"}
    fields = {name: getattr(transfer, name) for name in known}
    fields["source"] = sources if len(sources) > 1 else sources[0]
    fields["destination"] = transfer.destination
    if options.jobs is not None:
        fields["jobs"] = options.jobs
    with ProgressShown(_label(sources[0]), quiet=options.quiet or options.json) as shown:
        receipt = copy_prefix(
            **fields,
            filters=options.filters,
            allow_empty=options.allow_empty,
            dry_run=options.dry_run,
            on_progress=shown,
        )
    (show_found if options.dry_run else show)(receipt, as_json=options.json)
    return 0


def run_cat(options: argparse.Namespace) -> int:
    """airscoop cat SOURCE"""
    from airscoop.transfer.job import TransferJob

    TransferJob(dataclasses.replace(_options(options, "-"), compression="none")).run()
    return 0


def run_head(options: argparse.Namespace) -> int:
    """airscoop head -n LINES SOURCE"""
    from airscoop.transfer.job import TransferJob

    if options.lines > 0:
        given = _options(options, "-")
        TransferJob(dataclasses.replace(given, head_lines=options.lines)).run()
    return 0


def run_check(options: argparse.Namespace) -> int:
    """airscoop check SOURCE"""
    from airscoop.transfer.job import TransferJob

    checked = dataclasses.replace(
        _options(options, None, by_name=True),
        max_rejected=ALL if options.show else options.max_rejected,
    )
    job = TransferJob(checked, verb="check", show_rejects=options.show)
    with ProgressShown(_label(options.source), quiet=options.quiet or options.json) as shown:
        receipt = job.run(on_progress=shown)
    if options.show:
        _show_rejected(job.rejected(), as_json=options.json)
        if receipt.records_rejected > options.max_rejected:
            raise _too_many(receipt)
    show(receipt, as_json=options.json)
    return 0


def _show_rejected(rejected: Iterable[Mapping[str, Any]], *, as_json: bool) -> None:
    """For programs they are on stderr, a JSON object a line: stdout has the receipt."""
    import json

    for record in rejected:
        if as_json:
            streams.say(json.dumps(record))
            continue
        byte = record["byte_offset"]
        place = f"line {record['line']}" + ("" if byte is None else f" (byte {byte})")
        streams.put(f"{place}: {record['reason']}: {json.dumps(record['snippet'])}")


def _too_many(receipt: CopyReceipt) -> AirscoopError:
    from airscoop.errors import BadRecord

    return BadRecord(
        f"{receipt.source}: {receipt.records_rejected:,} of {receipt.records_in:,} records are bad,"
        f" the first on {receipt.first_reject}"
    )
