"""What a result was made from: nothing that is written may replace it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from airscoop import _native
from airscoop.aws.access_points import is_arn
from airscoop.aws.settings import S3_SETTINGS, S3Settings
from airscoop.errors import UsageError
from airscoop.transfer import places
from airscoop.transfer.options import place


@dataclass(frozen=True, kw_only=True)
class ReadPlaces:
    """Sources, as the engine takes them, and how they are reached."""

    sources: Sequence[str] = ()
    s3: S3Settings | None = None

    def refuse(self, destination: str | os.PathLike[str], s3: S3Settings | None) -> None:
        """Raises UsageError where `destination` is one of them, also by another spelling; in doubt
        it is. Nothing is opened."""
        name = place(destination, "destination")
        if s3 is not None:
            S3_SETTINGS.read(s3, "s3")
        if "\0" in name:
            raise UsageError("destination holds a NUL character")
        for source in self.sources:
            if self._is_same(source, name, s3 or S3Settings()):
                raise UsageError(
                    f"the destination {places.displayed(name)} is the source "
                    f"{places.displayed(source)}, which it would replace: name another place"
                )

    def _is_same(self, source: str, name: str, s3: S3Settings) -> bool:
        own = self.s3 or S3Settings()
        of_object = places.is_http(source) and places.is_s3(name)
        if places.is_s3(source) != places.is_s3(name) and not of_object:
            return False
        if of_object:
            s3 = s3.resolved()
        elif places.is_s3(source):
            if _key(source) != _key(name):
                return False
            if is_arn(source) or is_arn(name):  # an access point may be any bucket's
                return True
            own, s3 = own.resolved(), s3.resolved()
        return _native.same_place(
            places.encoded(source),
            own.endpoint_url,
            own.region,
            places.encoded(name),
            s3.endpoint_url,
            s3.region,
        )


def _key(name: str) -> str:
    return name[len("s3://") :].partition("/")[2]
