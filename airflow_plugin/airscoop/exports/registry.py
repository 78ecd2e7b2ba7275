"""The registry of exports: one DynamoDB table that says what was seen, what is done, and how far.

An export goes from *registered* by *running*, *computed* and *published* to *done*; from each of
them to *failed*. Every change after the first is made under the table's lock, in one transaction
with the condition that the lock is still the writer's (owner and fence); *done* also writes the
item that names the last done export.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

from airscoop import kinds
from airscoop.aws.dynamodb import Action, DynamoTable, Item, Key, make_client
from airscoop.errors import ExportConflict, NotFound, UsageError, WrongExportState
from airscoop.exports import model
from airscoop.exports.last_done import NOT_NEWER, SCHEMA, LastDone, refuse_newer
from airscoop.exports.lease import LOCK, MINE, Lease, lock_lost
from airscoop.exports.model import Export, version_order
from airscoop.exports.registry_arguments import OF_NAMES

State = Literal["registered", "running", "computed", "published", "done", "failed"]

UNFINISHED: tuple[State, ...] = ("registered", "running", "computed", "published")
EXPORT = "export#"
AFTER_EXPORTS = "export$"
AT_ONCE = 4  # records that a look at the next open one reads
TABLE = "registry"
STALE, CONFLICT = "STALE_EXPORT", "EXPORT_CONFLICT"


@dataclass(frozen=True, kw_only=True)
class ChangesFile:
    """The file of an export's changes: JSON lines, and how many."""

    uri: str
    etag: str
    count: int


@dataclass(frozen=True, kw_only=True)
class ExportRecord:
    """What the registry knows of an export.

    owner, fence: who worked on it last. previous: the version that it is compared with, None for a
    first import. offset: how many changes of the file are published. error: why it failed, or what
    a try failed with; code: the error's name. conflict: what else stands under the version, which
    nobody works on before that is removed. begun: something of it may be on the stream. given_up:
    nobody waits for it any more, by hand. approved_delete_ratio: what was approved for this version
    by hand. receipts: by state.
    """

    export: Export
    state: State
    owner: str | None = None
    fence: int = 0
    previous: str | None = None
    changes: ChangesFile | None = None
    offset: int = 0
    attempts: int = 0
    error: str | None = None
    code: str | None = None
    conflict: str | None = None
    begun: bool = False
    given_up: bool = False
    approved_delete_ratio: float | None = None
    receipts: Mapping[str, Any] = field(default_factory=dict)
    registered_at: str
    updated_at: str

    @property
    def id(self) -> str:
        """TENANT/TABLE/VERSION."""
        return self.export.id

    @property
    def half_published(self) -> bool:
        """It failed when some of its changes may have been sent."""
        return self.state == "failed" and self.begun and not self.given_up and self.code != STALE

    @property
    def has_failed(self) -> bool:
        """It failed, nobody has let it go, and no run goes on with it by itself."""
        return self.state == "failed" and not self.given_up and not self.half_published

    @property
    def lacks_changes(self) -> bool:
        """Some of its changes may have been sent, and some were not."""
        count = None if self.changes is None else self.changes.count
        return self.begun and self.state == "computed" and self.offset != count

    @property
    def is_open(self) -> bool:
        """Whether it is to be worked on, before later versions.

        Also when it failed half published: consumers have that part, and a later version that is
        compared with an earlier one could not take it back.
        """
        return self.state in UNFINISHED or self.half_published


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What `register` did: a new record, one that was there, or one refused as too old."""

    record: ExportRecord
    status: Literal["registered", "already_there", "refused"]


KINDS: kinds.Kinds = {
    **OF_NAMES,
    "record": kinds.instance(ExportRecord, "an ExportRecord"),
    "changes": kinds.instance(ChangesFile, "a ChangesFile"),
}


@kinds.of_methods(KINDS)
class Registry:
    """The table, named `table`, through `client` (DynamoDB, boto3's or botocore's).

    Without a client one is made; endpoint, region and profile are found where botocore finds them.
    """

    def __init__(
        self,
        table: str = TABLE,
        *,
        client: Any = None,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
    ) -> None:
        optional = {"endpoint_url": endpoint_url, "region": region, "profile": profile}
        kinds.check(KINDS, {"table": table}, optional)
        if client is None:
            client = make_client(endpoint_url=endpoint_url, region=region, profile=profile)
        self.table = DynamoTable(table, client)

    # --- exports, without a lock ---

    def register(self, export: Export, *, last: LastDone | None = None) -> Registration:
        """Registers an export once, whoever else tries.

        The same export again is `already_there`; one that is older than the last done one is
        registered as failed, and `refused`. ExportConflict when the version was registered with
        other objects. last: what `find_last_done` gave, where many are registered.
        """
        last = last or self.find_last_done(export.dataset, after=export.version)
        stale = export.order < last.order
        item = _new_item(export)
        if stale:
            item |= {"error": stale_message(export, last.id), "code": STALE, "state": "failed"}
        # What was never an export, for its conflict, may become one.
        written = self._put(item, "attribute_not_exists(#pk) OR attribute_exists(#unusable)")
        if written is not None:
            return Registration(
                record=_record(written), status="refused" if stale else "registered"
            )
        found = self.get(export.id)
        if found.export.fingerprint != export.fingerprint:
            raise _conflict(found.export, export)
        if found.conflict is not None:
            self._note_conflict(export.id, None)
            found = dataclasses.replace(found, conflict=None)
        return Registration(record=found, status="already_there")

    def report_conflict(self, export: Export, message: str) -> bool:
        """Keeps what is wrong with a version: it has a second object, or other content than was
        registered. False when that was known. A version that is not registered becomes a failed one
        until it is an export.
        """
        item = _new_item(dataclasses.replace(export, objects=export.objects[:2]))
        item |= {"state": "failed", "error": message, "code": CONFLICT, "conflict": message}
        item["unusable"] = True
        if self._put(item, "attribute_not_exists(#pk)") is not None:
            return True
        return self.get(export.id).conflict != message and self._note_conflict(export.id, message)

    def retry(self, record: ExportRecord) -> ExportRecord:
        """Has a failed export worked on once more; what was computed and published stays known."""
        token = uuid.uuid4().hex
        item = self.table.settled(
            _key(record.id),
            ("token", token),
            lambda: self.table.update(
                _key(record.id),
                "SET #state = :registered, #given_up = :no, #token = :token, #updated_at = :now, "
                "#schema = :schema",
                {
                    "registered": "registered",
                    "no": False,
                    "token": token,
                    "now": _now(),
                    "failed": "failed",
                    "schema": SCHEMA,
                },
                condition=f"#state = :failed AND attribute_not_exists(#conflict) AND {NOT_NEWER}",
            ),
        )
        return self.get(record.id) if item is None else _record(item)

    def give_up(self, export_id: str) -> ExportRecord:
        """Lets later versions go on without an export that failed, and runs end well with it.

        If it failed after a part was published consumers keep that part, also where a later version
        does not differ from the one before.
        """
        self.table.update(
            _key(export_id),
            "SET #given_up = :yes, #schema = :schema",
            {"yes": True, "failed": "failed", "schema": SCHEMA},
            condition=f"#state = :failed AND {NOT_NEWER}",
        )
        return self.get(export_id)

    def _put(self, item: Item, condition: str) -> Item | None:
        return self.table.settled(
            (item["pk"], item["sk"]),
            ("token", item["token"]),
            lambda: self.table.put(item, condition=condition),
        )

    def _note_conflict(self, export_id: str, message: str | None) -> bool:
        values = {} if message is None else {"message": message}
        change = "REMOVE #conflict" if message is None else "SET #conflict = :message"
        found = self.table.update(
            _key(export_id), change, values, condition="attribute_exists(#pk)"
        )
        return found is not None

    def find(self, export_id: str) -> ExportRecord | None:
        """The record of TENANT/TABLE/VERSION."""
        item = self.table.get(_key(export_id))
        return None if item is None else _record(item)

    def get(self, export_id: str) -> ExportRecord:
        """The same; NotFound when the export is not registered."""
        record = self.find(export_id)
        if record is None:
            raise NotFound(f"{export_id} is not registered in the table {self.table.name}")
        return record

    def records(
        self,
        dataset: str,
        *,
        after: str | None = None,
        before: str | None = None,
        backwards: bool = False,
        first: int | None = None,
        where: tuple[str, str | bool] | None = None,
    ) -> Iterator[ExportRecord]:
        """The records of TENANT/TABLE in the order of versions, between two versions; `first` of
        them are read at once. where: an attribute and its value, such as ("state", "done").
        """
        items = self.table.query(
            dataset,
            after=EXPORT if after is None else EXPORT + version_order(after),
            before=AFTER_EXPORTS if before is None else EXPORT + version_order(before),
            backwards=backwards,
            first=first,
            where=where,
        )
        yield from map(_record, items)

    def is_newest(self, record: ExportRecord) -> bool:
        """Whether no later version of its table is registered."""
        later = self.records(record.export.dataset, after=record.export.version, first=1)
        return next(later, None) is None

    def datasets(self) -> list[str]:
        """Each TENANT/TABLE that has exports. It reads the whole table."""
        return sorted(self.table.first_keys(EXPORT))

    def last_done(self, dataset: str) -> ExportRecord | None:
        """The last done export in the order of versions."""
        last = self.find_last_done(dataset)
        return None if last.version is None else self.get(last.id)

    def kept_last_done(self, dataset: str) -> LastDone | None:
        """What the table's own item says of the last done export; None: it has none yet."""
        return LastDone.kept(self.table, dataset)

    def find_last_done(
        self,
        dataset: str,
        known: Iterable[ExportRecord] | None = None,
        *,
        after: str | None = None,
    ) -> LastDone:
        """The same; without the item what the records say, which are read unless they are known.

        after: only what is done behind this version matters, and is read.
        """
        kept = self.kept_last_done(dataset)
        if kept is not None:
            return kept
        if known is None:
            done = self.records(dataset, after=after, backwards=True, where=("state", "done"))
            known = islice(done, 1)
        return LastDone.among(dataset, known)

    def unfinished(self, dataset: str, *, before: str | None = None) -> list[ExportRecord]:
        """Those after the last done one, and before a version, that are open."""
        last = self.find_last_done(dataset)
        if before is not None and last.order >= version_order(before):
            return []
        found = self.records(dataset, after=last.version, before=before)
        return [record for record in found if record.is_open]

    def first_open(self, last: LastDone, *, before: str) -> tuple[LastDone, ExportRecord | None]:
        """The first open export behind the last done one and before a version, of which only few
        are read; and the last done one before it: an older airscoop, which does not know the item,
        may have ended more.
        """
        if last.order >= version_order(before):
            return last, None
        for record in self.records(last.dataset, after=last.version, before=before, first=AT_ONCE):
            if record.is_open:
                return last, record
            if record.state == "done":
                last = LastDone(dataset=last.dataset, version=record.export.version)
        return last, None

    def told_behind(self, record: ExportRecord) -> ExportRecord | None:
        """An export behind this one whose changes this one's would undo: done, as by an older
        airscoop, which does not know the item, or sent in part, before this one came late or was
        mended. None: there is none.
        """
        for where in (("state", "done"), ("begun", True)):
            for other in self.records(
                record.export.dataset, after=record.export.version, where=where
            ):
                if not other.given_up and other.code != STALE:
                    return other
        return None

    # --- one export's work, under the lock ---

    def start(self, lease: Lease, record: ExportRecord, *, previous: str | None) -> ExportRecord:
        """Begins or takes over the work. What an earlier run computed or published stays, if it was
        compared with the same version; an earlier failure is forgotten.

        The file of an export of which a part may be published stays, also after a failure.
        """
        same = record.previous == previous
        state: State = "running"
        if same and record.state in ("computed", "published"):
            state = record.state
        elif same and record.begun and record.changes is not None:
            state = "computed"
        kept = {} if same else {"changes": None, "offset": 0}
        return self._advance(
            lease,
            record.id,
            (record.state,),
            {
                **kept,
                "state": state,
                "previous": previous,
                "attempts": record.attempts + 1,
                "error": None,
                "code": None,
            },
        )

    def computed(
        self, lease: Lease, export_id: str, changes: ChangesFile, receipt: Mapping[str, Any]
    ) -> ExportRecord:
        """The changes are written. The offset stays only with the file that it counts in."""
        record = self.get(export_id)
        return self._advance(
            lease,
            export_id,
            ("running", "computed", "published"),
            {
                "state": "computed",
                "changes": dataclasses.asdict(changes),
                "offset": record.offset if record.changes == changes else 0,
                "receipts": {**record.receipts, "computed": dict(receipt)},
            },
        )

    def approve(self, lease: Lease, export_id: str, delete_ratio: float) -> ExportRecord:
        """So large a share of deletes is right in this version, in this run and in later ones."""
        return self._advance(lease, export_id, UNFINISHED, {"approved_delete_ratio": delete_ratio})

    def begin_publishing(self, lease: Lease, export_id: str) -> None:
        """From now on something of it may be on the stream, or in a table."""
        self._change(lease, export_id, ("computed", "published"), {"begun": True})

    def applied(
        self, lease: Lease, export_id: str, table: str, receipt: Mapping[str, Any]
    ) -> ExportRecord:
        """All changes are applied to a table of a warehouse."""
        receipts = self.get(export_id).receipts
        tables = {**receipts.get("applied", {}), table: dict(receipt)}
        return self._advance(
            lease,
            export_id,
            ("computed", "published"),
            {"receipts": {**receipts, "applied": tables}, "begun": True},
        )

    def save_offset(self, lease: Lease, export_id: str, offset: int) -> None:
        """So many changes, from the first on, are published."""
        self._change(lease, export_id, ("computed", "published"), {"offset": offset, "begun": True})

    def published(
        self, lease: Lease, export_id: str, offset: int, receipt: Mapping[str, Any]
    ) -> ExportRecord:
        """All changes are published."""
        receipts = {**self.get(export_id).receipts, "published": dict(receipt)}
        return self._advance(
            lease,
            export_id,
            ("computed", "published"),
            {"state": "published", "offset": offset, "receipts": receipts},
        )

    def done(self, lease: Lease, export_id: str) -> ExportRecord:
        """The export is done: the next one is compared with it.

        The last done one is another from then on, in the same transaction, unless that is newer.
        WrongExportState where a part of it may be on the stream, and the rest is not.
        """
        record = self.get(export_id)
        if record.lacks_changes and record.changes is not None:
            raise WrongExportState(
                f"{export_id} is half published ({record.offset} of {record.changes.count} "
                "changes), so it is not done: publish the rest, or finish it as failed; the next "
                "run goes on with it then"
            )
        changes = {"state": "done", "error": None, "code": None}
        last = self.bring_forward(lease)
        this = LastDone(dataset=lease.dataset, version=export_id.rpartition("/")[2])
        newer = this.order > last.order
        also = this.write(lease.fence, over=last) if newer else last.stays()
        self._change(lease, export_id, ("computed", "published"), changes, also)
        return self.get(export_id)

    def bring_forward(self, lease: Lease) -> LastDone:
        """The last done export. Where the table has no item for it yet, it gets one: derived from
        the records, and written while the lock is the lease's.
        """
        kept = self.kept_last_done(lease.dataset)
        if kept is not None:
            return kept
        found = self.find_last_done(lease.dataset)
        held = self.table.transact(found.write(lease.fence, over=None), _mine(lease))
        if held and not held[1]:
            raise lock_lost(self, lease.dataset, lease.owner)
        return found if not held else self.bring_forward(lease)

    def failed(
        self, lease: Lease, export_id: str, error: str, code: str | None = None
    ) -> ExportRecord:
        """The export failed, and why; the next one does not wait for it."""
        changes = {"state": "failed", "error": error[:4000], "code": code}
        return self._advance(lease, export_id, UNFINISHED, changes)

    def note_error(self, lease: Lease, export_id: str, error: str, code: str | None = None) -> None:
        """What a try failed with; the state stays, another try may mend it."""
        self._change(lease, export_id, UNFINISHED, {"error": error[:4000], "code": code})

    def _advance(
        self, lease: Lease, export_id: str, states: tuple[State, ...], changes: Mapping[str, Any]
    ) -> ExportRecord:
        self._change(lease, export_id, states, changes)
        return self.get(export_id)

    def _change(
        self,
        lease: Lease,
        export_id: str,
        states: tuple[State, ...],
        changes: Mapping[str, Any],
        *also: Action,
    ) -> None:
        """Sets attributes of a record that is in one of the states, if the lock is the lease's; in
        the same transaction whatever else is to be done.
        """
        token = uuid.uuid4().hex
        sets = {
            **changes,
            "owner": lease.owner,
            "fence": lease.fence,
            "updated_at": _now(),
            "token": token,
            "schema": SCHEMA,
        }
        values: Item = {f"new_{name}": value for name, value in sets.items()}
        values |= {f"state_{i}": state for i, state in enumerate(states)}
        allowed = ", ".join(f":state_{i}" for i in range(len(states)))
        change = Action(
            key=_key(export_id),
            change="SET " + ", ".join(f"#{name} = :new_{name}" for name in sets),
            condition=f"#state IN ({allowed}) AND #fence <= :new_fence AND {NOT_NEWER}",
            values=values | {"schema": SCHEMA},
        )
        held: list[bool] = []

        def write() -> Item | None:
            held[:] = self.table.transact(change, _mine(lease), *also)
            return None if held else {"token": token}

        if self.table.settled(_key(export_id), ("token", token), write) is None:
            raise self._refusal(lease, export_id, states, held)

    def _refusal(
        self, lease: Lease, export_id: str, states: tuple[State, ...], held: list[bool]
    ) -> Exception:
        """Why nothing was changed; held: whose conditions did: the record's, the lock's, others."""
        if not held[1]:
            return lock_lost(self, export_id, lease.owner)
        state = self.get(export_id).state
        if held[0]:
            return WrongExportState(f"{export_id}: another export was done at the same time")
        return WrongExportState(f"{export_id} is {state}, not {' or '.join(states)}")


def _mine(lease: Lease) -> Action:
    """That the lock is the lease's."""
    values = {"owner": lease.owner, "fence": lease.fence, "no": False}
    return Action(key=(lease.dataset, LOCK), condition=MINE, values=values)


def stale_message(export: Export, newer: str, what: str = "the last export that is done") -> str:
    """Why an export is refused; newer: TENANT/TABLE/VERSION."""
    return (
        f"{export.id} is older than {newer}, {what}: its changes would "
        "undo newer ones; to publish it all the same, export it again under a newer version"
    )


def _new_item(export: Export) -> Item:
    now = _now()
    return {
        **dict(zip(("pk", "sk"), _key(export.id), strict=True)),
        "export": model.to_dict(export),
        "fingerprint": export.fingerprint,
        "state": "registered",
        "offset": 0,
        "attempts": 0,
        "fence": 0,
        "receipts": {},
        "registered_at": now,
        "updated_at": now,
        "token": uuid.uuid4().hex,
        "schema": SCHEMA,
    }


def _key(export_id: str) -> Key:
    tenant, _, rest = export_id.partition("/")
    table, _, version = rest.partition("/")
    if not (tenant and table and version) or "/" in version:
        raise UsageError(f"{export_id!r} is not TENANT/TABLE/VERSION")
    return f"{tenant}/{table}", EXPORT + version_order(version)


def _record(item: Item) -> ExportRecord:
    refuse_newer(item)
    changes = item.get("changes")
    return ExportRecord(
        export=model.from_dict(item["export"]),
        state=item["state"],
        owner=item.get("owner"),
        fence=item["fence"],
        previous=item.get("previous"),
        changes=None if changes is None else ChangesFile(**changes),
        offset=item["offset"],
        attempts=item["attempts"],
        error=item.get("error"),
        code=item.get("code"),
        conflict=item.get("conflict"),
        begun=item.get("begun", False),
        given_up=item.get("given_up", False),
        approved_delete_ratio=item.get("approved_delete_ratio"),
        receipts=item["receipts"],
        registered_at=item["registered_at"],
        updated_at=item["updated_at"],
    )


def _conflict(registered: Export, found: Export) -> Exception:
    def words(export: Export) -> str:
        first = export.objects[0]
        more = f" and {len(export.objects) - 1} more" if len(export.objects) > 1 else ""
        return f"{first.uri} ({first.size} bytes, ETag {first.etag}){more}"

    return ExportConflict(
        f"{registered.id} was registered as {words(registered)}, and now is {words(found)}: a "
        "version is one export for good; export again under a new version"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
