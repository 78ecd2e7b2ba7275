"""What a copy of a prefix would do: the same questions are asked, and nothing is written."""

from __future__ import annotations

from pathlib import Path

from airscoop.errors import PlaceExists
from airscoop.receipts.prefix import PlannedCopy
from airscoop.transfer import places
from airscoop.transfer.prefix_entries import Entry, room_for
from airscoop.transfer.prefix_run import PrefixCopy


class PrefixPlan(PrefixCopy):
    """Counts and names what `PrefixCopy` would copy."""

    DRY_RUN = True

    def _destination_of(self, entry: Entry) -> str:
        """Where it would go; a file's folder is not made."""
        if self._to_s3:
            return super()._destination_of(entry)
        folder = Path(self._options.destination or "")
        room_for(folder, entry.name)
        return str(self._options.destination) + places.path_of(entry.name)

    def _transfer(self, entry: Entry, destination: str, limit: int) -> None:
        """Notes what would be copied."""
        if not self._options.overwrite and self._there(destination) is not None:
            raise PlaceExists(f"{destination} is there already and would not be overwritten")
        self._job(entry, destination, limit)  # refuses what does not go together
        self._tally.note_planned(
            PlannedCopy(
                source=places.printable(places.displayed(entry.uri)),
                destination=places.printable(destination),
                bytes=self._size(entry),
            )
        )

    def _size(self, entry: Entry) -> int | None:
        """Of an object or file; a web server is not asked."""
        if entry.size is not None or places.is_http(entry.uri):
            return entry.size
        if places.is_s3(entry.uri):
            return self._head(entry.uri, self._source_s3).size
        return Path(entry.uri).stat().st_size
