"""The verb `aggregate`: the records of many objects, counted in groups."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Unpack, cast

from airscoop import _native, kinds
from airscoop.aggregation.columns import groupings_of, measures_of
from airscoop.aggregation.inputs import entries, sources_of
from airscoop.aggregation.options import DEFAULTS, KINDS, AggregateOptions, Source
from airscoop.aggregation.result import Aggregation
from airscoop.aws.settings import S3Settings
from airscoop.cancelling import Cancellation
from airscoop.errors import UsageError
from airscoop.receipts.aggregation import (
    MOST_INPUTS,
    AggregationReceipt,
    CountedGrouping,
    CountedInput,
)
from airscoop.signatures import refuse_unknown, showing
from airscoop.transfer import places
from airscoop.transfer.csv_dialect import CsvDialect
from airscoop.transfer.options import Format, TransferOptions, place
from airscoop.transfer.prefix_filters import chooser
from airscoop.transfer.read_places import ReadPlaces

if TYPE_CHECKING:
    from airscoop._native import Aggregated, AggregateFacts
    from airscoop.transfer.prefix_entries import Entry

AHEAD = 2  # sources that are open, as the engine has it


class AggregateJob:
    """A grouped count that another thread (or a signal handler) can cancel: while it runs, and
    while its result is written."""

    @showing(AggregateOptions, DEFAULTS)
    def __init__(self, sources: Source, **options: Unpack[AggregateOptions]) -> None:
        refuse_unknown("AggregateJob.__init__", options, DEFAULTS)
        given = _given(options)
        self._options = given
        self._cancellation = Cancellation("the count")
        self._sources = sources_of(sources)
        self._is_chosen = chooser(given["include"] or (), given["exclude"] or (), ())
        self._s3 = given["s3"] or S3Settings()
        template = _template(given)
        self._rejects = None if given["rejects"] is None else place(given["rejects"], "rejects")
        groupings = groupings_of(given["group_by"])
        temp_dir = given["temp_dir"]
        self._native = _native.Aggregate(
            tuple(
                (name, tuple(column.native() for column in columns))
                for name, columns in groupings.items()
            ),
            tuple(measure.native() for measure in measures_of(given["measures"])),
            reject_missing=given["on_missing"] == "error",
            reject_other_type=given["on_other_type"] == "error",
            top=given["top"] or 0,
            max_rejected=given["max_rejected"],
            keep_rejects=given["max_rejected"] > 0,
            memory_limit=int(given["memory_limit"] or 0),
            temp_dir=None if temp_dir is None else places.path(temp_dir),
        )
        if any(places.is_s3(source) for source in self._sources):
            self._s3 = self._s3.resolved()
        self._template = dataclasses.replace(template, source_s3=self._s3)
        self._inputs: list[CountedInput] = []
        self._objects = 0

    def cancel(self) -> None:
        """Makes `run`, or the `write` of its result, end in Cancelled soon."""
        self._native.cancel()  # refuses in a forked child, whose parent's work this is
        self._cancellation.cancel()

    def run(self, *, on_progress: Callable[[AggregateFacts], object] | None = None) -> Aggregation:
        """Counts to the end; `on_progress` is called about once a second, on this thread."""
        start = time.monotonic()
        if on_progress is not None:
            kinds.FUNCTION.read(on_progress, "on_progress")

        def report() -> None:
            if on_progress is not None:
                on_progress(self._native.facts())

        progress = report if on_progress is not None else None
        self._count_all(progress)
        groups = self._native.finish(progress)
        rejects = self._native.rejects()
        receipt = self._receipt(groups, time.monotonic() - start)
        result = Aggregation(
            groups,
            receipt,
            rejects=rejects,
            read=ReadPlaces(sources=self._sources, s3=self._options["s3"]),
            cancellation=self._cancellation,
        )
        if self._rejects is not None and rejects:
            result.write_rejects(self._rejects, s3=self._options["s3"])
        return result

    # --- the objects ---

    def _entries(self) -> Iterator[Entry]:
        for entry in entries(self._sources, self._is_chosen, self._s3):
            self._cancellation.check()
            yield entry

    def _count_all(self, progress: Callable[[], object] | None) -> None:
        """Counts one object while the next is opened, in their order."""
        opened: deque[Entry] = deque()
        for entry in self._entries():
            self._native.add(self._native_options(entry))
            opened.append(entry)
            if len(opened) == AHEAD:
                self._count(opened.popleft(), progress)
        while opened:
            self._count(opened.popleft(), progress)
        if self._objects == 0 and not self._options["allow_empty"]:
            raise places.not_found(
                self._sources[0],
                f"{self._label()}: there is nothing to count; allow_empty=True (--allow-empty) "
                "accepts that",
            )

    def _count(self, entry: Entry, progress: Callable[[], object] | None) -> None:
        facts = self._native.count(progress)
        self._objects += 1
        if len(self._inputs) == MOST_INPUTS:
            return
        self._inputs.append(
            CountedInput(
                source=places.printable(places.displayed(entry.uri)),
                records=facts["records"],
                counted=facts["counted"],
                rejected=facts["rejected"],
                source_bytes=facts["source_bytes"],
                etag=facts["etag"] or None,
                last_modified=None if entry.info is None else entry.info.last_modified,
            )
        )

    def _native_options(self, entry: Entry) -> dict[str, Any]:
        found = self._options["format"]
        format = _format_by_name(entry.uri) if found == "auto" else found
        if self._options["csv"] is not None:
            format = "csv"
        return dataclasses.replace(self._template, source=entry.uri, format=format).native()

    # --- the receipt ---

    def _label(self) -> str:
        more = f" and {len(self._sources) - 1} more" if len(self._sources) > 1 else ""
        return places.displayed(self._sources[0]) + more

    def _receipt(self, groups: Aggregated, seconds: float) -> AggregationReceipt:
        facts = self._native.facts()
        return AggregationReceipt(
            seconds=seconds,
            source=self._label(),
            objects=self._objects,
            records=facts["records"],
            counted=facts["counted"],
            rejected=facts["rejected"],
            missing=facts["missing"],
            other_type=facts["other_type"],
            groupings=[CountedGrouping(**found) for found in groups.facts()],
            inputs=self._inputs,
            first_reject=facts["first_reject"] or None,
            rejects=None if self._rejects is None or not facts["rejected"] else self._rejects,
            source_bytes=facts["source_bytes"],
            text_bytes=facts["text_bytes"],
            spilled_bytes=facts["spilled_bytes"],
            retries=facts["retries"],
        )


def _given(options: AggregateOptions) -> AggregateOptions:
    """All options, each read by its kind."""
    given = {**DEFAULTS, **kinds.read_all(options, KINDS, DEFAULTS)}
    if given["measures"] is None:
        given["measures"] = DEFAULTS["measures"]
    return cast("AggregateOptions", given)


def _template(options: AggregateOptions) -> TransferOptions:
    """What the objects have in common, as a transfer takes it."""
    dialect = CsvDialect.of(options["csv"])
    if dialect is not None and options["format"] not in ("auto", "csv"):
        raise UsageError(f"csv says how the format csv is written, not {options['format']}")
    if dialect is not None and not dialect.header and options["columns"] is None:
        raise UsageError("CSV without a header needs the names of its columns: columns")
    return TransferOptions(
        source="",
        max_record_bytes=options["max_record_bytes"],
        on_invalid_characters=options["on_invalid_characters"],
        on_nonfinite=options["on_nonfinite"],
        on_key_case=options["on_key_case"],
        records=options["records"],
        csv=dialect,
        columns=options["columns"],
        allow_unknown_length=options["allow_unknown_length"],
    )


def _format_by_name(uri: str) -> Format:
    """Of "auto": raw is JSON, an array or values as its first byte says."""
    name = uri.partition("?")[0].lower().removesuffix(".gz")
    if name.endswith(".csv"):
        return "csv"
    return "jsonl" if name.endswith((".jsonl", ".ndjson")) else "raw"


@showing(AggregateOptions, DEFAULTS)
def aggregate(
    sources: Source,
    *,
    on_progress: Callable[[AggregateFacts], object] | None = None,
    **options: Unpack[AggregateOptions],
) -> Aggregation:
    """Counts the records of all sources in groups: one pass, and any number of groupings at once.

    Sources are http(s)://, s3:// or a path; one that ends in "/" stands for all objects, or files,
    below it (`include` and `exclude` are patterns for what follows it). Text is gzip or plain.
    `format` is that of the records: "auto" is CSV or JSON lines where a name ends in .csv, .jsonl
    or .ndjson (and .gz), else JSON: an array, or values one after another, over any lines, with
    commas between them or without.

    `group_by` names each grouping, and lists its columns as FIELD:TYPE:NAME: a member of the
    records, its type ("string", "int", "bigint", "double", "boolean" or "json"; a string, if it is
    left out) and its name in the result (the field's, if it is left out). Two values are one group
    when they are equal: 1, 1.0 and 1e0 are one number. "json" takes any value, as its canonical
    text. `measures` names what is told of each group: "count" of records, "count:FIELD:TYPE" of its
    values that are not NULL, and sum, min and max of numbers ("sum:Bytes:bigint"). A sum of whole
    numbers is exact; one beyond 64 bits is TooLarge. A sum of doubles is compensated, and its last
    digits may depend on `memory_limit`.

    A record that lacks a field, or has null there, is bad (on_missing="error"), or the value is
    NULL ("null"); so is one whose field is of another type than declared (`on_other_type`). A bad
    record ends the run, or is rejected: up to `max_rejected` of them, in all sources, which then
    are in the reject file, `rejects`. Each is counted in the receipt.

    With `top`, each grouping has so many groups, those of which the first measure is greatest (of
    equal ones the first in the result's order); the others are one group, "(other)", the last.
    The groups come in the order of their columns, texts by their bytes, NULL first.

    Up to `memory_limit` (64 MiB) is used, and beyond that temporary files in `temp_dir`.

    Raises a subclass of airscoop.errors.AirscoopError; nothing is left behind then.
    """
    refuse_unknown("aggregate", options, DEFAULTS)
    return AggregateJob(sources, **options).run(on_progress=on_progress)
