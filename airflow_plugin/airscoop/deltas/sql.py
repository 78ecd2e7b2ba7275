"""The delta of two exports as SQL for Athena, where exports are beyond one machine.

The two exports are tables of the Glue catalog whose columns are all text. The SQL is written once,
in Athena's dialect; the changes are those of `airscoop.delta`, with the same ids. What a table
cannot tell, whether a value was NULL or empty, is as the table's SerDe reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airscoop import errors
from airscoop.error_facts import with_facts

COUNTS = (
    "old_rows",
    "new_rows",
    "old_duplicates",
    "new_duplicates",
    "empty_keys",
    "cut_rows",
    "inserted",
    "updated",
    "deleted",
    "unchanged",
)
MOST_QUERY_BYTES = 262_144  # StartQueryExecution's


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def literal(text: str) -> str:
    """A string."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, kw_only=True)
class DeltaSql:
    """The statements for one pair of tables. `old` None: there is no old export.

    Tables are given as in SQL, with their database. `columns` are the names in the changes;
    new_columns and old_columns what the tables call them, in the same order (None: the same; as an
    element: the table lacks it). new_last and old_last: the last column of a table in which NULL
    means that a row was cut short.
    empty_is_null: so are empty texts read. version: in the ids; stamp: members of each change.
    """

    old: str | None
    new: str
    columns: Sequence[str]
    key: Sequence[str]
    version: str = ""
    stamp: str = ""
    old_columns: Sequence[str | None] | None = None
    new_columns: Sequence[str | None] | None = None
    old_last: str | None = None
    new_last: str | None = None
    empty_is_null: bool = False

    def __post_init__(self) -> None:
        missing = [name for name in self.key if name not in self.columns]
        if missing or not self.key:
            what = f'"{missing[0]}" is no column of {self.new}' if missing else "there is none"
            raise errors.UsageError(f"the key: {what}; the columns are {', '.join(self.columns)}")

    def counts(self) -> str:
        """One row with COUNTS, to be checked before the changes are used."""
        fates = {
            "inserted": "o.k IS NULL",
            "updated": f"o.k IS NOT NULL AND n.k IS NOT NULL AND ({self._differs()})",
            "deleted": "n.k IS NULL",
            "unchanged": f"o.k IS NOT NULL AND n.k IS NOT NULL AND NOT ({self._differs()})",
        }
        sums = [f"COALESCE(SUM(CASE WHEN {on} THEN 1 ELSE 0 END), 0)" for on in fates.values()]
        keys = ", ".join(map(self._own, self.key))
        empty = " OR ".join(
            f"{self._own(name)} IS NULL OR {self._own(name)} = ''" for name in self.key
        )

        def count(side: str) -> str:
            return f"(SELECT COUNT(*) FROM {side})"

        def duplicates(side: str) -> str:
            return f"{count(side)} - (SELECT COUNT(*) FROM (SELECT DISTINCT {keys} FROM {side}) d)"

        def cut(table: str | None, last: str | None) -> str:
            if table is None or last is None:
                return "0"
            return f"(SELECT COUNT(*) FROM {table} WHERE {quoted(last)} IS NULL)"

        values = [
            count("old_rows"),
            count("new_rows"),
            duplicates("old_rows"),
            duplicates("new_rows"),
            f"(SELECT COUNT(*) FROM old_rows WHERE {empty})"
            f" + (SELECT COUNT(*) FROM new_rows WHERE {empty})",
            f"{cut(self.old, self.old_last)} + {cut(self.new, self.new_last)}",
            *sums,
        ]
        select = ",\n  ".join(
            f"{value} AS {name}" for name, value in zip(COUNTS, values, strict=True)
        )
        return f"{self._tables()}SELECT\n  {select}\n{self._join()}"

    def lines(self) -> str:
        """The changes as JSON, one a row, in the order of their ids.

        It is text made here, not a row of Athena's: those have names in lower case.
        """
        op = "CASE WHEN o.k IS NULL THEN 'INSERT' WHEN n.k IS NULL THEN 'DELETE' ELSE 'UPDATE' END"
        names = ", ".join(
            f"CASE WHEN {self._distinct(name)} THEN {literal(_json(name))} END"
            for name in self.columns
        )
        changed = (
            "CASE WHEN o.k IS NULL OR n.k IS NULL THEN '' ELSE ',\"changed\":[' || "
            f"ARRAY_JOIN(FILTER(ARRAY[{names}], x -> x IS NOT NULL), ',') || ']' END"
        )
        stamp = f"{self.stamp}," if self.stamp else ""
        tail = literal(f',"format":"csv",{stamp}"id":"')
        return (
            f"{self._tables()}SELECT\n"
            f"  change || {tail} || id || '\"}}' AS line\n"
            f'FROM (SELECT\n  \'{{"op":"\' || {op} || \'","key":{{\' ||\n'
            f"  {self._members(self.key)} ||\n  '}},\"row\":{{' ||\n"
            f"  {self._members(self.columns)} || '}}' ||\n  {changed} AS change,\n"
            f"  {self._id(op)} AS id\n"
            f"{self._join()}\nWHERE o.k IS NULL OR n.k IS NULL OR {self._differs()}) c\n"
            "ORDER BY id"
        )

    def unload(self, destination: str) -> str:
        """Writes the changes as JSON lines below an empty s3:// prefix."""
        return (
            f"UNLOAD (\n{self.lines()}\n) TO {literal(destination)} "
            "WITH (format = 'TEXTFILE', compression = 'GZIP')"
        )

    def _own(self, name: str) -> str:
        """What a column is called within the statement: Athena folds the case of names."""
        return quoted(f"c{self.columns.index(name)}")

    def _value(self, name: str | None, last: str | None) -> str:
        """A column's value; of one that the table lacks, what the table has for nothing."""
        if name is None:
            return "CAST(NULL AS VARCHAR)" if self.empty_is_null or last is None else "''"
        return f"NULLIF({quoted(name)}, '')" if self.empty_is_null else quoted(name)

    def _select(self, table: str, columns: Sequence[str | None] | None, last: str | None) -> str:
        values = (self._value(name, last) for name in columns or self.columns)
        return "SELECT {} FROM {}".format(
            ", ".join(
                f"{value} AS {self._own(name)}"
                for name, value in zip(self.columns, values, strict=True)
            ),
            table,
        )

    def _tables(self) -> str:
        new = self._select(self.new, self.new_columns, self.new_last)
        old = (
            f"{new} WHERE FALSE"
            if self.old is None
            else self._select(self.old, self.old_columns, self.old_last)
        )
        return (
            f"WITH old_rows AS ({old}),\nnew_rows AS ({new}),\n"
            "o AS (SELECT 1 AS k, old_rows.* FROM old_rows),\n"
            "n AS (SELECT 1 AS k, new_rows.* FROM new_rows)\n"
        )

    def _join(self) -> str:
        on = " AND ".join(f"o.{self._own(name)} = n.{self._own(name)}" for name in self.key)
        return f"FROM o FULL JOIN n ON {on}"

    def _distinct(self, name: str) -> str:
        return f"o.{self._own(name)} IS DISTINCT FROM n.{self._own(name)}"

    def _differs(self) -> str:
        return " OR ".join(map(self._distinct, self.columns))

    def _members(self, names: Sequence[str]) -> str:
        """Name and value of each, as they stand in a JSON object."""

        def member(name: str) -> str:
            own = self._own(name)
            value = f"CASE WHEN n.k IS NULL THEN o.{own} ELSE n.{own} END"
            text = f"COALESCE(JSON_FORMAT(CAST({value} AS JSON)), 'null')"
            return f"{literal(_json(name) + ':')} || {text}"

        return " || ',' || ".join(map(member, names))

    def _id(self, op: str) -> str:
        """As csrc/table/changes/id.c and docs/how-to/delta.md say."""

        def text(side: str) -> str:
            values = (
                f"COALESCE('S' || CAST(LENGTH({side}.{name}) AS VARCHAR) || ':' || {side}.{name},"
                " 'N')"
                for name in map(self._own, sorted(self.columns, key=str.encode))
            )
            return " || ".join(values)

        row = (
            f"CASE WHEN o.k IS NULL THEN {text('n')} WHEN n.k IS NULL THEN {text('o')}"
            f" ELSE {text('n')} || CHR(10) || {text('o')} END"
        )
        hashed = f"{literal(self.version)} || CHR(10) || {op} || CHR(10) || {row}"
        return f"SUBSTR(LOWER(TO_HEX(SHA256(TO_UTF8({hashed})))), 1, 32)"


def check_counts(
    counts: Mapping[str, int],
    *,
    name: str,
    max_delete_ratio: float,
    min_rows: int,
    max_update_ratio: float | None = None,
) -> None:
    """Refuses what `airscoop.delta` refuses: empty or equal keys, exports that look cut short."""
    if counts["cut_rows"]:
        raise errors.BadRecord(
            f"{name}: {counts['cut_rows']} rows have too few values; Athena's reader of CSV knows "
            "no newline within quotes: compare such exports without it"
        )
    duplicates = counts["old_duplicates"] + counts["new_duplicates"]
    if counts["empty_keys"]:
        raise errors.BadRecord(f"{name}: {counts['empty_keys']} rows have an empty key")
    if duplicates:
        raise errors.DuplicateKey(f"{name}: {duplicates} rows have a key that another row has")
    _check_limits(
        counts,
        name=name,
        max_delete_ratio=max_delete_ratio,
        min_rows=min_rows,
        max_update_ratio=max_update_ratio,
    )
    both = counts["updated"] + counts["unchanged"]
    for counted, expected in (
        ("old_rows", both + counts["deleted"]),
        ("new_rows", both + counts["inserted"]),
    ):
        if counts[counted] != expected:
            mismatch = errors.CountMismatch(f"{name}: the counts do not add up: {dict(counts)}")
            raise with_facts(
                mismatch,
                counted=counted.replace("_", " "),
                expected=counts[counted],
                found=expected,
            )


def _check_limits(
    counts: Mapping[str, int],
    *,
    name: str,
    max_delete_ratio: float,
    min_rows: int,
    max_update_ratio: float | None,
) -> None:
    rows = counts["old_rows"]

    def suspect(message: str, **facts: object) -> errors.SuspectExport:
        error = errors.SuspectExport(f"{name} {message}")
        return with_facts(error, old_rows=rows, new_rows=counts["new_rows"], **facts)

    if counts["new_rows"] < min_rows:
        raise suspect(
            f"has {counts['new_rows']} rows, fewer than min_rows, {min_rows}; if that is right, "
            "approve it with a lower min_rows",
            limit_name="min_rows",
            limit=min_rows,
            deleted=counts["deleted"],
        )
    for counted, verb, limit_name, limit in (
        ("deleted", "lacks", "max_delete_ratio", max_delete_ratio),
        ("updated", "changes", "max_update_ratio", max_update_ratio),
    ):
        if limit is not None and counts[counted] > limit * rows:
            raise suspect(
                f"{verb} {counts[counted]} of {rows} rows, more than {limit_name}, {limit:g}; if "
                "that is right, approve it with a higher",
                limit_name=limit_name,
                limit=limit,
                ratio=counts[counted] / rows if rows else 0.0,
                **{counted: counts[counted]},
            )


def check_length(statement: str) -> None:
    """Refuses a statement that Athena would not take."""
    if len(statement.encode()) > MOST_QUERY_BYTES:
        raise errors.UsageError(
            f"the statement would have {len(statement.encode()):,} bytes, more than Athena's "
            f"{MOST_QUERY_BYTES:,}: the table has too many columns for it"
        )
