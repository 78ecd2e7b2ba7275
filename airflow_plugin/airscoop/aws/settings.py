"""Where requests to AWS go and how they are signed: botocore's chain, in the engine's terms."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from airscoop import kinds, timeouts
from airscoop.aws.credentials import Credentials, CredentialsProvider, Renewal
from airscoop.errors import CredentialsExpired, CredentialsMissing, UsageError
from airscoop.shown_fields import ShownFields
from airscoop.timeouts import Timeouts, of_service

if TYPE_CHECKING:
    from airscoop.aws.botocore_chain import Chain

PayloadSigning = Literal["auto", "never", "always"]
AddressingStyle = Literal["path", "virtual"]

# With no other AWS_ variable, and no file, all that botocore could find is in these.
_PLAIN_VARIABLES = (
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|DEFAULT_REGION|REGION|ENDPOINT_URL(_\w+)?"
    r"|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CA_BUNDLE|EC2_METADATA_DISABLED)"
)
# Regions whose hosts botocore alone knows: they stand for others, or are in other partitions.
_BOTOCORES_REGION = r"(aws-|fips-|us-iso|eu-iso|eusc-).*|.*-fips"
_REGION = r"[a-z][a-z0-9-]{,61}[a-z0-9]"


@dataclass(frozen=True, kw_only=True, repr=False)
class AwsSettings(ShownFields):
    """How to reach a service of AWS. What is None is found where botocore finds it.

    `credentials_provider` is called for credentials when something starts that has none, shortly
    before those it gave expire, and when they are refused as expired; once each time, though many
    threads and both ends of a transfer may have it, on the thread that needs them first. Without it
    botocore's own credentials are renewed in this way, if they can be (roles, single sign-on,
    processes).

    `proxies` names the proxy of requests over "http" and over "https", as botocore's Config does:
    with them the environment's proxies and NO_PROXY do not count, and a scheme that is not named
    goes without one. None: as the environment says.

    `timeout` is what a request to the service may take, such as Timeouts(connect=5, idle=30), in
    every call that these settings are given to; the call's own `timeout` counts where it says
    nothing.

    `ca_file` holds the certificate authorities to trust, of all connections of the call; None: as
    `airscoop.aws.tls` finds them.
    """

    SERVICE: ClassVar[str]  # botocore's name of it
    KINDS: ClassVar[dict[str, kinds.Kind]] = {
        "credentials": kinds.instance(Credentials, "an airscoop.Credentials"),
        "credentials_provider": kinds.FUNCTION,
        "endpoint_url": kinds.TEXT,
        "region": kinds.TEXT,
        "profile": kinds.TEXT,
        "ca_file": kinds.PATH,
    }
    # The host names that the engine makes itself; "{region}" stands for the region.
    USUAL_HOSTS: ClassVar[tuple[str, ...]]

    credentials: Credentials | None = None
    credentials_provider: CredentialsProvider | None = field(default=None, repr=False, hash=False)
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    proxies: Mapping[str, str | None] | None = field(default=None, repr=False, hash=False)
    ca_file: str | None = None
    timeout: Timeouts | Mapping[str, Any] | None = None
    # The provider's, shared by all that have it; None without one.
    renewal: Renewal | None = field(default=None, init=False, repr=False, compare=False)
    _is_resolved: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds.settle(self, self.KINDS)
        if self.credentials_provider is not None:
            object.__setattr__(self, "renewal", Renewal.of(self.credentials_provider))
        if self.proxies is not None:
            check_proxies(self.proxies)
        if self.timeout is not None:
            object.__setattr__(self, "timeout", of_service(self.timeout, type(self).__name__))

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
        named = self.region and not re.fullmatch(_BOTOCORES_REGION, self.region)
        if self._is_resolved or (given and self.endpoint_url and named):
            return self
        found = self._from_environment()
        if found is None:
            from airscoop.aws.botocore_chain import botocore_errors

            with botocore_errors(self.profile):
                found = self._resolved()
        object.__setattr__(found, "_is_resolved", True)  # not a second time, by each request
        return found

    def _from_environment(self) -> Self | None:
        """What botocore would find where variables say it all; None where botocore is needed.

        To load botocore takes some 0.3 s of CPU time, and 14 MiB.
        """
        environment = os.environ
        files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}
        known = all(
            re.fullmatch(_PLAIN_VARIABLES, name) for name in environment if "AWS_" in name[:4]
        )
        if self.profile is not None or not known:
            return None
        for variable, name in files.items():
            # As botocore looks: where there is no home, or none that may be entered, is no file.
            path = os.path.expanduser(environment.get(variable) or f"~/.aws/{name}")  # noqa: PTH111
            if os.path.exists(path):  # noqa: PTH110
                return None
        region = self.region or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint_url = self.endpoint_url or next(
            filter(None, map(environment.get, self._endpoint_variables())), None
        )
        if endpoint_url and not self.endpoint_url and self._is_usual(endpoint_url, region):
            endpoint_url = None
        if re.fullmatch(_REGION, region) is None or re.fullmatch(_BOTOCORES_REGION, region):
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

        from airscoop.aws.botocore_chain import chains, from_botocore

        chain = chains.find(self.profile)
        region = self.region or chain.variable("region") or "us-east-1"
        endpoint_url = self.endpoint_url or self._endpoint(chain, region)
        if endpoint_url is None:  # the region becomes a part of the host's name
            validate_region_name(region)
        settings = dataclasses.replace(self, endpoint_url=endpoint_url, region=region)
        settings = settings._addressed(chain)
        given = self.credentials is not None or self.credentials_provider is not None
        if given or not self.needs_credentials:
            return settings
        found = chain.credentials()
        if found is None:
            raise CredentialsMissing(
                "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "a profile or a role"
            )
        credentials, provider = from_botocore(found, self.profile)
        return dataclasses.replace(settings, credentials=credentials, credentials_provider=provider)

    def _addressed(self, chain: Chain) -> Self:
        """The same, with what else the configuration says of addresses."""
        return self

    def _endpoint(self, chain: Chain, region: str) -> str | None:
        """The endpoint that is configured; None for AWS's usual one in that region.

        The usual one is the engine's to address. Only a client knows those for FIPS and dual stack.
        """
        configured = self._configured(chain, region)
        if configured is not None:
            return configured
        variants = ("use_fips_endpoint", "use_dualstack_endpoint")
        if not any(chain.variable(variant) for variant in variants):
            return None
        return chain.client_endpoint(self.SERVICE, region)

    def _configured(self, chain: Chain, region: str) -> str | None:
        if chain.variable("ignore_configured_endpoint_urls"):
            return None
        configured = chain.configured_endpoint(self.SERVICE)
        return None if not configured or self._is_usual(configured, region) else configured

    def _is_usual(self, url: str, region: str) -> bool:
        """Others of AWS's (VPC endpoints, say) are kept: they were configured for a reason."""
        usual = [host.format(region=region) for host in self.USUAL_HOSTS]
        return url.split("://", 1)[-1].rstrip("/") in usual


Settings = TypeVar("Settings", bound=AwsSettings)


@dataclass(frozen=True, kw_only=True, repr=False)
class S3Settings(AwsSettings):
    """How to reach S3. What is None is found where botocore finds it.

    `anonymous` sends unsigned requests. `payload_signing` "auto" signs the payload over plain http
    only, where nothing else protects it. `requester_pays` accepts the costs of requests to a bucket
    whose owner does not. With `expected_bucket_owner`, the number of an account, S3 refuses the
    buckets of others. `addressing_style` "virtual" puts the bucket before the endpoint's host,
    "path" behind it.
    """

    SERVICE = "s3"
    KINDS = AwsSettings.KINDS | {
        "anonymous": kinds.FLAG,
        "payload_signing": kinds.choice(PayloadSigning),
        "requester_pays": kinds.FLAG,
        "expected_bucket_owner": kinds.TEXT,
        "addressing_style": kinds.choice(AddressingStyle),
    }
    USUAL_HOSTS = (
        "s3.amazonaws.com",
        "s3.{region}.amazonaws.com",
        "s3.{region}.amazonaws.com.cn",
    )

    anonymous: bool = False
    payload_signing: PayloadSigning = "auto"
    requester_pays: bool = False
    expected_bucket_owner: str | None = None
    addressing_style: AddressingStyle | None = None

    def _from_environment(self) -> Self | None:
        found = super()._from_environment()
        by_path = self.addressing_style == "path"
        return None if found is not None and found.endpoint_url is None and by_path else found

    def _endpoint(self, chain: Chain, region: str) -> str | None:
        return self._configured(chain, region)

    def _addressed(self, chain: Chain) -> Self:
        asks = self.addressing_style == "path" and self.endpoint_url is None
        if self.addressing_style is None:
            asks = chain.addresses_s3(str(self.region))
        if not asks:
            return self
        found = chain.s3_address(str(self.region), self.endpoint_url)
        style = self.addressing_style or ("virtual" if found.label else "path")
        return dataclasses.replace(
            self, endpoint_url=found.endpoint_url, region=found.region, addressing_style=style
        )

    @property
    def needs_credentials(self) -> bool:
        return not self.anonymous


@dataclass(frozen=True, kw_only=True, repr=False)
class KinesisSettings(AwsSettings):
    """How to reach Kinesis. What is None is found where botocore finds it."""

    SERVICE = "kinesis"
    USUAL_HOSTS = ("kinesis.{region}.amazonaws.com", "kinesis.{region}.amazonaws.com.cn")


S3_SETTINGS = kinds.instance(S3Settings, "an airscoop.S3Settings")
KINESIS_SETTINGS = kinds.instance(KinesisSettings, "an airscoop.KinesisSettings")


def common_ca_file(*settings: AwsSettings | None) -> str | None:
    """The certificate authorities that all connections of one call trust; UsageError where its
    settings name different files."""
    named = {each.ca_file for each in settings if each is not None and each.ca_file is not None}
    if len(named) > 1:
        raise UsageError(
            f"ca_file is {' and '.join(sorted(named))}: one call trusts one file of certificate "
            "authorities; put all of them into one"
        )
    return next(iter(named), None)


def trusting(settings: Settings, ca_file: str | None) -> Settings:
    """The same settings with that `ca_file`."""
    same = settings.ca_file == ca_file
    return settings if same else dataclasses.replace(settings, ca_file=ca_file)


def _check_valid(credentials: Credentials) -> None:
    expires_at = credentials.expires_at
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise CredentialsExpired(f"the credentials expired at {expires_at.isoformat()}")


def s3_options(end: str, settings: S3Settings) -> dict[str, Any]:
    """The binding's options for one S3 end, "source" or "destination"."""
    return aws_options(end, settings) | {
        f"{end}_virtual_hosts": settings.addressing_style == "virtual",
        f"{end}_payload_signing": settings.payload_signing,
        f"{end}_requester_pays": settings.requester_pays,
        f"{end}_expected_bucket_owner": settings.expected_bucket_owner,
    }


def aws_options(end: str, settings: AwsSettings) -> dict[str, Any]:
    """Those of them that any service of AWS needs: where it is, and who signs."""
    options: dict[str, Any] = {
        f"{end}_endpoint_url": settings.endpoint_url,
        f"{end}_region": settings.region,
        f"{end}_proxy": _proxy(settings),
    } | timeouts.native(of_service(settings.timeout, type(settings).__name__), f"{end}_")
    if settings.renewal is not None:
        options[f"{end}_credentials_provider"] = settings.renewal
    elif settings.credentials is not None:
        options |= {
            f"{end}_access_key_id": settings.credentials.access_key_id,
            f"{end}_secret_access_key": settings.credentials.secret_access_key,
            f"{end}_session_token": settings.credentials.session_token,
        }
    return options


def check_proxies(proxies: object) -> None:
    """UsageError unless it maps http and https to addresses. An address may hold a password."""
    advice = 'write {"https": "http://proxy:3128"}'
    if not isinstance(proxies, Mapping):
        raise UsageError(f"proxies names no schemes; {advice}")
    if not set(proxies) <= {"http", "https"}:
        raise UsageError(f"proxies knows the schemes http and https alone; {advice}")
    if not all(proxy is None or isinstance(proxy, str) for proxy in proxies.values()):
        raise UsageError(f"proxies has an address that is no text; {advice}")


def _proxy(settings: AwsSettings) -> str | None:
    """The one of the endpoint's scheme; "" for none, None for what the environment says."""
    if settings.proxies is None:
        return None
    plain = (settings.endpoint_url or "").lower().startswith("http://")
    return settings.proxies.get("http" if plain else "https") or ""
