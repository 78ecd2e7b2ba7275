"""The delta of two exports as SQL for Athena, where exports are beyond one machine.

The two exports are tables of the Glue catalog whose columns are all text. The SQL is written once,
in Athena's dialect; the changes are those of `airscoop.delta`, with the same ids. What a table
cannot tell, whether a value was NULL or empty, is as the table's SerDe reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COUNTS = (
    "old_rows",
    "new_rows",
    "old_duplicates",
    "new_duplicates",
    "empty_keys",
    "inserted",
    "updated",
    "deleted",
    "unchanged",
)


def quoted(name: str) -> str:
    """An identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, kw_only=True)
class DeltaSql:
    """The statements for one pair of tables. `old` None: there is no old export.

    Tables are given as in SQL, with their database. `columns` are those of the new table, in order;
    the old one must have the same.
    """

    old: str | None
    new: str
    columns: Sequence[str]
    key: Sequence[str]
    version: str = ""

    def __post_init__(self) -> None:
        missing = [name for name in self.key if name not in self.columns]
        if missing or not self.key:
            from airscoop.errors import UsageError

            what = f'"{missing[0]}" is no column of {self.new}' if missing else "there is none"
            raise UsageError(f"the key: {what}; the columns are {', '.join(self.columns)}")

    def counts(self) -> str:
        """One row with COUNTS, to be checked before the changes are used."""
        fates = {
            "inserted": "o.k IS NULL",
            "updated": f"o.k IS NOT NULL AND n.k IS NOT NULL AND ({self._differs()})",
            "deleted": "n.k IS NULL",
            "unchanged": f"o.k IS NOT NULL AND n.k IS NOT NULL AND NOT ({self._differs()})",
        }
        sums = [f"COALESCE(SUM(CASE WHEN {on} THEN 1 ELSE 0 END), 0)" for on in fates.values()]
        keys = ", ".join(map(quoted, self.key))
        empty = " OR ".join(f"{quoted(name)} IS NULL OR {quoted(name)} = ''" for name in self.key)

        def count(side: str) -> str:
            return f"(SELECT COUNT(*) FROM {side})"

        def duplicates(side: str) -> str:
            return f"{count(side)} - (SELECT COUNT(*) FROM (SELECT DISTINCT {keys} FROM {side}) d)"

        values = [
            count("old_rows"),
            count("new_rows"),
            duplicates("old_rows"),
            duplicates("new_rows"),
            f"(SELECT COUNT(*) FROM old_rows WHERE {empty})"
            f" + (SELECT COUNT(*) FROM new_rows WHERE {empty})",
            *sums,
        ]
        select = ",\n  ".join(
            f"{value} AS {name}" for name, value in zip(COUNTS, values, strict=True)
        )
        return f"{self._tables()}SELECT\n  {select}\n{self._join()}"

    def changes(self) -> str:
        """The changes: op, key, row, changed, id."""
        op = "CASE WHEN o.k IS NULL THEN 'INSERT' WHEN n.k IS NULL THEN 'DELETE' ELSE 'UPDATE' END"
        changed = ", ".join(
            f"CASE WHEN {self._distinct(name)} THEN {literal(name)} END" for name in self.columns
        )
        return (
            f"{self._tables()}SELECT\n  {op} AS op,\n"
            f"  {self._row(self.key)} AS {quoted('key')},\n"
            f"  {self._row(self.columns)} AS {quoted('row')},\n"
            "  CASE WHEN o.k IS NOT NULL AND n.k IS NOT NULL THEN\n"
            f"    FILTER(ARRAY[{changed}], x -> x IS NOT NULL) END AS changed,\n"
            f"  {self._id(op)} AS id\n"
            f"{self._join()}\nWHERE o.k IS NULL OR n.k IS NULL OR {self._differs()}"
        )

    def unload(self, destination: str) -> str:
        """Writes the changes as JSON lines below an empty s3:// prefix."""
        return (
            f"UNLOAD (\n{self.changes()}\n) TO {literal(destination)} "
            "WITH (format = 'JSON', compression = 'GZIP')"
        )

    def _tables(self) -> str:
        names = ", ".join(map(quoted, self.columns))
        nothing = f"SELECT {names} FROM {self.new} WHERE FALSE"
        old = nothing if self.old is None else f"SELECT {names} FROM {self.old}"
        return (
            f"WITH old_rows AS ({old}),\nnew_rows AS (SELECT {names} FROM {self.new}),\n"
            "o AS (SELECT 1 AS k, old_rows.* FROM old_rows),\n"
            "n AS (SELECT 1 AS k, new_rows.* FROM new_rows)\n"
        )

    def _join(self) -> str:
        on = " AND ".join(f"o.{quoted(name)} = n.{quoted(name)}" for name in self.key)
        return f"FROM o FULL JOIN n ON {on}"

    def _distinct(self, name: str) -> str:
        return f"o.{quoted(name)} IS DISTINCT FROM n.{quoted(name)}"

    def _differs(self) -> str:
        return " OR ".join(map(self._distinct, self.columns))

    def _row(self, names: Sequence[str]) -> str:
        values = ", ".join(
            f"CASE WHEN n.k IS NULL THEN o.{quoted(name)} ELSE n.{quoted(name)} END"
            for name in names
        )
        types = ", ".join(f"{quoted(name)} VARCHAR" for name in names)
        return f"CAST(ROW({values}) AS ROW({types}))"

    def _id(self, op: str) -> str:
        """As csrc/table/change_id.c and docs/delta.md say."""

        def text(side: str) -> str:
            values = (
                f"COALESCE('S' || CAST(LENGTH({side}.{name}) AS VARCHAR) || ':' || {side}.{name},"
                " 'N')"
                for name in map(quoted, sorted(self.columns, key=str.encode))
            )
            return " || ".join(values)

        row = (
            f"CASE WHEN o.k IS NULL THEN {text('n')} WHEN n.k IS NULL THEN {text('o')}"
            f" ELSE {text('n')} || CHR(10) || {text('o')} END"
        )
        hashed = f"{literal(self.version)} || CHR(10) || {op} || CHR(10) || {row}"
        return f"SUBSTR(LOWER(TO_HEX(SHA256(TO_UTF8({hashed})))), 1, 32)"


def check_counts(
    counts: Mapping[str, int], *, name: str, max_delete_ratio: float, min_rows: int
) -> None:
    """Refuses what `airscoop.delta` refuses: empty or equal keys, exports that look cut short."""
    from airscoop import errors

    duplicates = counts["old_duplicates"] + counts["new_duplicates"]
    if counts["empty_keys"]:
        raise errors.BadRecord(f"{name}: {counts['empty_keys']} rows have an empty key")
    if duplicates:
        raise errors.DuplicateKey(f"{name}: {duplicates} rows have a key that another row has")
    if counts["new_rows"] < min_rows:
        raise errors.SuspectExport(
            f"{name} has {counts['new_rows']} rows, fewer than min_rows, {min_rows}; if that is "
            "right, approve it with a lower min_rows"
        )
    if counts["deleted"] > max_delete_ratio * counts["old_rows"]:
        raise errors.SuspectExport(
            f"{name} lacks {counts['deleted']} of {counts['old_rows']} rows, more than "
            f"max_delete_ratio, {max_delete_ratio:g}; if that is right, approve it with a higher"
        )
    both = counts["updated"] + counts["unchanged"]
    if (counts["old_rows"], counts["new_rows"]) != (
        both + counts["deleted"],
        both + counts["inserted"],
    ):
        raise errors.CountMismatch(f"{name}: the counts do not add up: {dict(counts)}")
