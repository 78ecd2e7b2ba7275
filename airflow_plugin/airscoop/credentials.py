"""Where requests to AWS go and how they are signed: botocore's chain, in the engine's terms."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal, Self

if TYPE_CHECKING:
    import botocore.session

PayloadSigning = Literal["auto", "never", "always"]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """AWS credentials. The secrets are left out of `repr`.

    `expires_at` (with a time zone) says until when they hold. Without it they hold until they are
    refused.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            from airscoop.errors import UsageError

            raise UsageError("expires_at needs a time zone: datetime.now(timezone.utc), say")


CredentialsProvider = Callable[[], Credentials]

# With no other AWS_ variable, and no file, all that botocore could find is in these.
_PLAIN_VARIABLES = (
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|DEFAULT_REGION|REGION|ENDPOINT_URL(_\w+)?"
    r"|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CA_BUNDLE|EC2_METADATA_DISABLED)"
)
_REGION = r"[a-z][a-z0-9-]{,61}[a-z0-9]"


@dataclass(frozen=True, kw_only=True)
class AwsSettings:
    """How to reach a service of AWS. What is None is found where botocore finds it.

    `credentials_provider` is called for credentials when a transfer starts, shortly before those it
    gave expire, and when they are refused as expired; once each time, though both ends of a
    transfer may have it, and on the thread that runs the transfer. Without it botocore's own
    credentials are renewed in this way, if they can be (roles, single sign-on, processes).
    """

    SERVICE: ClassVar[str]  # botocore's name of it
    # The host names that the engine makes itself; "{region}" stands for the region.
    USUAL_HOSTS: ClassVar[tuple[str, ...]]

    credentials: Credentials | None = None
    credentials_provider: CredentialsProvider | None = field(default=None, repr=False)
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None

    @property
    def needs_credentials(self) -> bool:
        """Whether its requests are signed."""
        return True

    def resolved(self) -> Self:
        """The same with credentials, endpoint and region filled in from botocore.

        Raises CredentialsMissing when there are no credentials but they are needed,
        CredentialsExpired when they have expired and no provider has others, and what
        `botocore_errors` raises.
        """
        if self.credentials_provider is None and self.credentials is not None:
            _check_valid(self.credentials)
        given = self.credentials is not None or self.credentials_provider is not None
        if given and self.endpoint_url and self.region:
            return self
        plain = self._from_environment()
        if plain is not None:
            return plain
        from airscoop.botocore_chain import botocore_errors

        with botocore_errors(self.profile):
            return self._resolved()

    def _from_environment(self) -> Self | None:
        """What botocore would find where variables say it all; None where botocore is needed.

        To load botocore takes some 0.3 s of CPU time, and 14 MiB.
        """
        from pathlib import Path

        environment = os.environ
        files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}
        known = all(
            re.fullmatch(_PLAIN_VARIABLES, name) for name in environment if "AWS_" in name[:4]
        )
        if self.profile is not None or not known:
            return None
        for variable, name in files.items():
            if Path(environment.get(variable) or f"~/.aws/{name}").expanduser().exists():
                return None
        region = self.region or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint_url = self.endpoint_url or next(
            filter(None, map(environment.get, self._endpoint_variables())), None
        )
        if endpoint_url and not self.endpoint_url and self._is_usual(endpoint_url, region):
            endpoint_url = None
        if re.fullmatch(_REGION, region) is None:
            return None
        settings = dataclasses.replace(self, endpoint_url=endpoint_url, region=region)
        given = self.credentials is not None or self.credentials_provider is not None
        if given or not self.needs_credentials:
            return settings
        pair = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
        if not (pair[0] and pair[1]):
            return None
        credentials = Credentials(
            access_key_id=pair[0],
            secret_access_key=pair[1],
            session_token=environment.get("AWS_SESSION_TOKEN") or None,
        )
        return dataclasses.replace(settings, credentials=credentials)

    def _endpoint_variables(self) -> tuple[str, str]:
        return f"AWS_ENDPOINT_URL_{self.SERVICE.upper()}", "AWS_ENDPOINT_URL"

    def _resolved(self) -> Self:
        from botocore.utils import validate_region_name

        from airscoop.botocore_chain import from_botocore, session_of

        session = session_of(self.profile)
        region = self.region or session.get_config_variable("region") or "us-east-1"
        endpoint_url = self.endpoint_url or self._endpoint(session, region)
        if endpoint_url is None:  # the region becomes a part of the host's name
            validate_region_name(region)
        settings = dataclasses.replace(self, endpoint_url=endpoint_url, region=region)
        given = self.credentials is not None or self.credentials_provider is not None
        if given or not self.needs_credentials:
            return settings
        found = session.get_credentials()
        if found is None:
            from airscoop.errors import CredentialsMissing

            raise CredentialsMissing(
                "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "a profile or a role"
            )
        credentials, provider = from_botocore(found, self.profile)
        return dataclasses.replace(settings, credentials=credentials, credentials_provider=provider)

    def _endpoint(self, session: botocore.session.Session, region: str) -> str | None:
        """The endpoint that is configured; None for AWS's usual one in that region.

        The usual one is the engine's to address. A client, which knows the endpoints for FIPS and
        dual stack, takes half a second to make, so it is made for those only.
        """
        from botocore.configprovider import ConfiguredEndpointProvider

        if not session.get_config_variable("ignore_configured_endpoint_urls"):
            scoped = session.get_scoped_config()
            provider = ConfiguredEndpointProvider(
                full_config=session.full_config, scoped_config=scoped, client_name=self.SERVICE
            )
            configured: str | None = provider.provide()
            if configured:
                return None if self._is_usual(configured, region) else configured
        variants = ("use_fips_endpoint", "use_dualstack_endpoint")
        if not any(session.get_config_variable(variant) for variant in variants):
            return None
        client = session.create_client(self.SERVICE, region_name=region)
        url: str = client.meta.endpoint_url
        return url

    def _is_usual(self, url: str, region: str) -> bool:
        """Others of AWS's (VPC endpoints, say) are kept: they were configured for a reason."""
        usual = [host.format(region=region) for host in self.USUAL_HOSTS]
        return url.split("://", 1)[-1].rstrip("/") in usual


@dataclass(frozen=True, kw_only=True)
class S3Settings(AwsSettings):
    """How to reach S3. What is None is found where botocore finds it.

    `anonymous` sends unsigned requests. `payload_signing` "auto" signs the payload over plain http
    only, where nothing else protects it. `requester_pays` accepts the costs of requests to a bucket
    whose owner does not. With `expected_bucket_owner`, the number of an account, S3 refuses the
    buckets of others.
    """

    SERVICE = "s3"
    USUAL_HOSTS = (
        "s3.amazonaws.com",
        "s3.{region}.amazonaws.com",
        "s3.{region}.amazonaws.com.cn",
    )

    anonymous: bool = False
    payload_signing: PayloadSigning = "auto"
    requester_pays: bool = False
    expected_bucket_owner: str | None = None

    @property
    def needs_credentials(self) -> bool:
        return not self.anonymous


@dataclass(frozen=True, kw_only=True)
class KinesisSettings(AwsSettings):
    """How to reach Kinesis. What is None is found where botocore finds it."""

    SERVICE = "kinesis"
    USUAL_HOSTS = ("kinesis.{region}.amazonaws.com", "kinesis.{region}.amazonaws.com.cn")


def _check_valid(credentials: Credentials) -> None:
    expires_at = credentials.expires_at
    if expires_at is not None and expires_at <= datetime.now(UTC):
        from airscoop.errors import CredentialsExpired

        raise CredentialsExpired(f"the credentials expired at {expires_at.isoformat()}")


class Renewal:
    """One provider for the engine's clients: asked once, whichever of them needs others first."""

    def __init__(self, provider: CredentialsProvider) -> None:
        self._provider = provider
        self._last: Credentials | None = None

    def __call__(
        self, access_key_id: str | None, session_token: str | None
    ) -> tuple[str, str, str | None, int]:
        """Other credentials than those that a client holds."""
        last = self._last
        if last is None or (last.access_key_id, last.session_token) == (
            access_key_id,
            session_token,
        ):
            last = self._last = self._provider()
        if not isinstance(last, Credentials):
            raise TypeError(f"the provider gave a {type(last).__name__}, not airscoop.Credentials")
        expires_at = 0 if last.expires_at is None else int(last.expires_at.timestamp())
        return last.access_key_id, last.secret_access_key, last.session_token, expires_at
