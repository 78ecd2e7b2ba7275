"""Resume: what a later try must know to go on with an upload that was cut off.

A store keeps one small dict per copy: the upload's name, the source's identity (ETag or times, and
size), a digest of the options, and how far the upload had come. It holds no secret.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from airscoop import __version__, kinds
from airscoop.aws.storage import bucket_and_key
from airscoop.errors import AccessDenied, AirscoopError, Cancelled, NotFound
from airscoop.transfer import places
from airscoop.transfer.leftover_uploads import OpenUpload, abort_with, parts_with

if TYPE_CHECKING:
    from airscoop._native import Resumed, Transfer
    from airscoop.transfer.leftover_uploads import UploadedPart
    from airscoop.transfer.options import TransferOptions

__all__ = [
    "FileResumeStore",
    "ResumeStore",
    "TaskStateResumeStore",
    "default_file",
]

log = logging.getLogger(__name__)

FORMAT = 1
MOST_BYTES = 64 * 1024
# What neither the uploaded bytes nor the object's attributes depend on, or may be a secret.
NOT_COMPARED = frozenset(
    {"source", "source_s3", "destination_s3", "timeout", "retry_seconds", "restarts"}
    | {"headers", "auth", "body", "idempotent"}
)


class ResumeStore(Protocol):
    """Keeps a dict of JSON types from one try to the next."""

    seconds_between_saves: float

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None when there is nothing. ValueError when it is damaged."""

    def save(self, state: dict[str, Any]) -> None:
        """Replaces what was saved, as a whole."""

    def clear(self) -> None:
        """Forgets it; nothing to forget is no fault."""


class FileResumeStore:
    """A file that only its owner can read, replaced as a whole."""

    seconds_between_saves = 1.0

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(kinds.PATH.read(places.path(path), "path"))

    def load(self) -> dict[str, Any] | None:
        try:
            with self.path.open("rb") as file:
                text = file.read(MOST_BYTES)
        except FileNotFoundError:
            return None
        state = json.loads(text)
        if not isinstance(state, dict):
            raise ValueError("it holds no JSON object")
        return state

    def save(self, state: dict[str, Any]) -> None:
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=folder, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(state, file)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(self.path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def __str__(self) -> str:
        return str(self.path)


class TaskStateResumeStore:
    """Airflow's `context["task_state_store"]`, which the tries of one task instance share."""

    seconds_between_saves = 5.0

    def __init__(self, accessor: Any, *, name: str = "airscoop_upload") -> None:
        self._accessor = accessor
        self._name = name

    def load(self) -> dict[str, Any] | None:
        state = self._accessor.get(self._name)
        if state is not None and not isinstance(state, dict):
            raise ValueError("it holds no JSON object")
        return state

    def save(self, state: dict[str, Any]) -> None:
        self._accessor.set(self._name, state)

    def clear(self) -> None:
        self._accessor.delete(self._name)

    def __str__(self) -> str:
        return f"task_state_store[{self._name!r}]"


def default_file(destination: str) -> Path:
    """Where the command line keeps the state of a copy to `destination`."""
    kinds.TEXT.read(destination, "destination")
    home = os.environ.get("XDG_STATE_HOME") or places.path("~/.local/state")
    name = hashlib.sha256(destination.encode()).hexdigest()[:32]
    return Path(home) / "airscoop" / "resume" / f"{name}.json"


class Resumption:
    """One try of a copy with a store. `outcome` is the receipt's `resumed` where the engine's own
    facts do not say it: an upload was found that could not be used."""

    def __init__(
        self,
        store: ResumeStore,
        options: TransferOptions,
        native: dict[str, Any],
        *,
        last_try: bool,
    ) -> None:
        self._store = store
        self._native = native
        self._last_try = last_try
        self._options = options
        self._owner = os.getpid()
        self._description: dict[str, Any] = {
            "format": FORMAT,
            "airscoop": __version__,
            "source": places.displayed(options.source),
            "destination": options.destination,
            "endpoint": native.get("destination_endpoint_url"),
            "options": _digest(options),
        }
        self._state: dict[str, Any] | None = None  # as it is stored
        self._taken_up: dict[str, Any] | None = None
        self._saved_at = 0.0
        self._found_other = self._has_failed = False

    @property
    def outcome(self) -> Resumed | None:
        """`restarted` when there was an upload that did not fit."""
        return "restarted" if self._found_other else None

    def left_behind(self) -> dict[str, str]:
        """The upload under way, which a kill would leave; after an error the one that a later try
        can go on with. Empty where there is none."""
        if self._state is None or (self._has_failed and not self._state["resumable"]):
            return {}
        return {name: self._state[name] for name in ("destination", "upload_id")}

    def begin(self, transfer: Transfer) -> None:
        """Has the transfer go on with what an earlier try left, if that fits; ends it otherwise."""
        state = self._load()
        if state is None:
            return
        try:
            if not self._fits(state):
                raise _Unfit("it was begun for another source or with other options")
            parts = _distinct(parts_with(_upload(state), self._requests()))
        except _Unfit as reason:
            self._give_up(state, str(reason))
        except NotFound:
            self._give_up(state, "the server no longer knows it")
        except AccessDenied as error:
            self._give_up(state, f"its parts cannot be listed: {error}")
        else:
            self._state = self._taken_up = state
            kept = _kept(state, parts)
            transfer.take_up(
                upload_id=state["upload_id"],
                source=state["identity"],
                parts=[(part.number, part.size, part.etag, self._checksum(part)) for part in parts],
                kept_parts=kept[0],
                kept_bytes=kept[1],
                kept_checksum=kept[2],
                keep=not self._last_try,
            )

    def on_upload(self, upload_id: str, identity: str, resumable: bool, seekable: bool) -> bool:
        """A new upload has got its name: stored at once, so that a later try finds it."""
        self._state = self._description | {
            "upload_id": upload_id,
            "identity": identity,
            "resumable": resumable,
            "seekable": seekable,
            "mark": None,
        }
        return self._save() and resumable and not self._last_try

    def progress(self, transfer: Transfer, *, final: bool = False) -> None:
        """Stores now and then how far the upload has come."""
        due = final or time.monotonic() - self._saved_at >= self._store.seconds_between_saves
        if self._state is None or not self._state["seekable"] or not due:
            return
        parts, size, checksum, etags = transfer.mark()
        stored = self._state["mark"]
        if parts == 0 or (stored is not None and stored["parts"] >= parts):
            return
        self._state["mark"] = {
            "parts": parts, "bytes": size, "checksum": checksum, "etags": etags
        }  # fmt: skip
        self._save()

    def committed(self, resumed: str | None) -> None:
        """The object is there: nothing is to be resumed."""
        if self._taken_up is not None and resumed not in ("bytes", "parts"):
            self._give_up(self._taken_up, "the copy went another way")
        self._clear()

    def failed(self, transfer: Transfer, error: BaseException) -> None:
        """Keeps what the next try can use, or must end; without a next try it is ended here.

        The engine has aborted what it did not leave; when it was cancelled, there is no time to ask
        again. A process forked meanwhile leaves its parent's upload alone.
        """
        if self._state is None or self._owner != os.getpid():
            return
        self._has_failed = True
        terminal = isinstance(error, AirscoopError) and not error.retryable
        if not terminal and not self._last_try:
            self.progress(transfer, final=True)
            return
        if isinstance(error, AirscoopError) and not isinstance(error, Cancelled):
            self._end(self._state)
        self._clear()

    def _checksum(self, part: UploadedPart) -> str:
        listed = {"crc32c": part.crc32c, "crc64nvme": part.crc64nvme}
        return listed.get(self._options.checksum, "")

    def _load(self) -> dict[str, Any] | None:
        try:
            state = self._store.load()
            return None if state is None else _checked(state)
        except ValueError as error:
            log.warning(
                "%s: the state of an earlier try cannot be read (%s); starting from the beginning",
                self._store,
                error,
            )
            self._found_other = True
            self._clear()
            return None
        except Exception as error:  # any store's own: a copy does not fail for want of a note
            log.warning(
                "%s cannot be read (%s): starting from the beginning; an upload may be left behind",
                self._store,
                error,
            )
            return None

    def _fits(self, state: dict[str, Any]) -> bool:
        same = all(state.get(name) == value for name, value in self._description.items())
        return same and bool(state["resumable"]) and bool(state["identity"])

    def _give_up(self, state: dict[str, Any], reason: str) -> None:
        log.info(
            "%s: the upload of an earlier try is not used: %s", self._options.destination, reason
        )
        self._found_other = True
        self._end(state)
        self._clear()

    def _end(self, state: dict[str, Any]) -> None:
        """Aborts an upload; what fails here is left to `airscoop uploads clean`."""
        if state["endpoint"] != self._description["endpoint"]:
            log.warning("an upload at another endpoint is left behind: %s", state["destination"])
            return
        try:
            abort_with(_upload(state), self._requests())
        except AirscoopError as error:
            log.warning("an upload could not be aborted: %s", error)

    def _requests(self) -> dict[str, Any]:
        """The binding's options for questions about the destination."""
        end = "destination_"
        given = {name: value for name, value in self._native.items() if name.startswith(end)}
        options = {"source_" + name.removeprefix(end): value for name, value in given.items()}
        return options | {"ca_file": self._native.get("ca_file")}

    def _save(self) -> bool:
        self._saved_at = time.monotonic()
        try:
            self._store.save(dict(self._state or {}))
        except Exception as error:  # any store's own: a copy does not fail for want of a note
            log.warning("%s: the upload cannot be noted for a later try: %s", self._store, error)
            return False
        return True

    def _clear(self) -> None:
        self._state = None
        try:
            self._store.clear()
        except Exception as error:  # the note of an upload that has ended is found out later
            log.warning("%s cannot be cleared: %s", self._store, error)


class _Unfit(Exception):
    pass


def _digest(options: TransferOptions) -> str:
    compared = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(options)
        if field.name not in NOT_COMPARED
    }
    text = json.dumps(compared, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(state: dict[str, Any]) -> dict[str, Any]:
    """The state with the types that the rest relies on; ValueError without them."""
    texts = ("destination", "upload_id", "identity")
    if not all(isinstance(state.get(name), str) for name in texts) or not all(
        isinstance(state.get(name), bool) for name in ("resumable", "seekable")
    ):
        raise ValueError("it lacks an upload")
    mark = state.get("mark")
    if mark is not None:
        numbers = [mark.get(name) for name in ("parts", "bytes", "checksum")]
        if not all(isinstance(number, int) and 0 <= number < 2**64 for number in numbers):
            raise ValueError("its mark is no mark")
    return {"endpoint": None, "mark": None} | state


def _upload(state: dict[str, Any]) -> Any:
    bucket, key = bucket_and_key(state["destination"])
    return OpenUpload(bucket=bucket, key=key, upload_id=state["upload_id"])


def _distinct(listed: Iterable[UploadedPart]) -> list[UploadedPart]:
    """By number, without those listed twice, as SeaweedFS does after an overwrite: either may
    count."""
    parts: dict[int, UploadedPart | None] = {}
    for part in listed:
        parts[part.number] = None if part.number in parts else part
    return [part for _, part in sorted(parts.items()) if part is not None]


def _kept(state: dict[str, Any], parts: list[UploadedPart]) -> tuple[int, int, int]:
    """Parts, bytes and checksum of the mark, if S3 lists just these parts; else zeros."""
    mark = state["mark"]
    if mark is None or not state["seekable"]:
        return 0, 0, 0
    first = parts[: mark["parts"]]
    digest = bytes(32)
    for part in first:
        digest = hashlib.sha256(digest + part.etag.encode()).digest()
    same = (
        [part.number for part in first] == list(range(1, mark["parts"] + 1))
        and sum(part.size for part in first) == mark["bytes"]
        and digest.hex() == mark["etags"]
    )
    return (mark["parts"], mark["bytes"], mark["checksum"]) if same else (0, 0, 0)
