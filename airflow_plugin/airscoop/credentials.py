"""Where S3 requests go and how they are signed: botocore's chain, in the engine's terms."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import botocore.session

PayloadSigning = Literal["auto", "never", "always"]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Static AWS credentials. The secrets are left out of `repr`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class S3Settings:
    """How to reach S3. What is None is found where botocore finds it.

    `anonymous` sends unsigned requests. `payload_signing` "auto" signs the payload over plain http
    only, where nothing else protects it.
    """

    credentials: Credentials | None = None
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    anonymous: bool = False
    payload_signing: PayloadSigning = "auto"

    def resolved(self) -> S3Settings:
        """The same with credentials, endpoint and region filled in from botocore.

        Raises CredentialsMissing when there are no credentials and `anonymous` is not set.
        """
        if self.credentials is not None and self.endpoint_url and self.region:
            return self
        session = _session(self.profile)
        meta = _client(session, self).meta
        return dataclasses.replace(
            self,
            credentials=self.credentials or (None if self.anonymous else _credentials(session)),
            endpoint_url=self.endpoint_url or _endpoint(meta.endpoint_url, meta.region_name),
            region=self.region or meta.region_name,
        )


def _session(profile: str | None) -> botocore.session.Session:
    import botocore.session

    return botocore.session.Session(profile=profile)


def _client(session: botocore.session.Session, settings: S3Settings) -> Any:
    # botocore knows every place an endpoint or a region can be configured in.
    import botocore
    from botocore.config import Config

    return session.create_client(
        "s3",
        region_name=settings.region or session.get_config_variable("region") or "us-east-1",
        endpoint_url=settings.endpoint_url,
        config=Config(signature_version=botocore.UNSIGNED),
    )


def _endpoint(url: str, region: str) -> str | None:
    """None for a region's usual endpoint, which the engine addresses by region and bucket.

    Others of AWS's (FIPS, dual stack, VPC) are kept: they were configured for a reason.
    """
    usual = ("s3.amazonaws.com", f"s3.{region}.amazonaws.com", f"s3.{region}.amazonaws.com.cn")
    return None if url.split("://", 1)[1].rstrip("/") in usual else url


def _credentials(session: botocore.session.Session) -> Credentials:
    found = session.get_credentials()
    if found is None:
        from airscoop.errors import CredentialsMissing

        raise CredentialsMissing(
            "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "a profile or a role"
        )
    frozen = found.get_frozen_credentials()
    return Credentials(
        access_key_id=frozen.access_key,
        secret_access_key=frozen.secret_key,
        session_token=frozen.token,
    )
