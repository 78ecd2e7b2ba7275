"""What botocore's chain finds, and how it fails, in airscoop's terms."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airscoop.credentials import Credentials

if TYPE_CHECKING:
    import botocore.credentials
    import botocore.session

    from airscoop.credentials import CredentialsProvider
    from airscoop.errors import AirscoopError


@contextlib.contextmanager
def botocore_errors(profile: str | None = None) -> Iterator[None]:
    """Raises botocore's exceptions as airscoop's own, with the name of the profile in use.

    CredentialsMissing: none, incomplete or expired. UsageError: an unknown profile, a wrong region
    or configuration. AccessDenied, Throttled: AWS's answer to a request for temporary credentials.
    ConnectionFailed: there was none.
    """
    from botocore import exceptions

    try:
        yield
    except (exceptions.BotoCoreError, exceptions.ClientError) as error:
        name = profile or os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE")
        place = f"AWS profile {name}" if name else "AWS configuration"
        raise _kind(error)(f"{place}: {error}") from error


def _kind(error: Exception) -> type[AirscoopError]:
    from botocore import exceptions

    from airscoop import errors

    if isinstance(error, exceptions.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        again = status >= 500 or "Throttling" in error.response.get("Error", {}).get("Code", "")
        return errors.Throttled if again else errors.AccessDenied
    if isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        return errors.ConnectionFailed
    missing = (
        exceptions.CredentialRetrievalError,
        exceptions.LoginError,
        exceptions.MetadataRetrievalError,
        exceptions.NoAuthTokenError,
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.SSOError,
        exceptions.TokenRetrievalError,
    )
    return errors.CredentialsMissing if isinstance(error, missing) else errors.UsageError


def session_of(profile: str | None) -> botocore.session.Session:
    import botocore.session

    return botocore.session.Session(profile=profile)


def from_botocore(
    found: botocore.credentials.Credentials, profile: str | None = None
) -> tuple[Credentials, CredentialsProvider | None]:
    """What botocore found, and what renews it; None for keys that do not change."""
    credentials = _frozen(found)
    if not hasattr(found, "refresh_needed"):
        return credentials, None

    def renew() -> Credentials:
        with botocore_errors(profile):
            return _frozen(found)

    return credentials, renew


def _frozen(found: botocore.credentials.Credentials) -> Credentials:
    frozen = found.get_frozen_credentials()
    return Credentials(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token,
        expires_at=getattr(found, "_expiry_time", None),
    )
