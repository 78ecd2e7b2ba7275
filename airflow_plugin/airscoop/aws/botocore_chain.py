"""What botocore's chain finds, and how it fails, in airscoop's terms."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airscoop.aws.credentials import KEPT_SECONDS, Credentials
from airscoop.aws.service_errors import MEND, aws_errors
from airscoop.errors import AirscoopError, UsageError

if TYPE_CHECKING:
    import botocore.credentials
    from botocore.config import Config

    from airscoop.aws.credentials import CredentialsProvider

MOST_CHAINS = 8
ANY_BUCKET = "airscoop"  # whose address shows that of the others


@contextlib.contextmanager
def botocore_errors(profile: str | None = None, *, place: str | None = None) -> Iterator[None]:
    """Raises what botocore's chain raises as airscoop's own (`aws_errors`), with the name of the
    profile in use, or `place`: what else says who asks.
    """
    name = profile or os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE")
    said = place or (f"AWS profile {name}" if name else "AWS configuration")
    try:
        with aws_errors(said):
            yield
    except AirscoopError:
        raise
    except (OSError, TypeError, ValueError) as error:  # as AWS_METADATA_SERVICE_TIMEOUT=soon
        if place is not None:  # a fault in what a connection says is told as it is
            raise
        raise UsageError(f"{said}: {error}; {MEND}") from error


@dataclass(frozen=True, kw_only=True)
class S3Address:
    """An endpoint, what stands before its host for a bucket ("": nothing), and the region."""

    endpoint_url: str
    label: str
    region: str


class _Unsent(Exception):
    """Ends a request of botocore's before it is sent."""


def _unsent(client: Any, bucket: str) -> tuple[str, str]:
    """The URL of a request for the object k, and the region that it is signed for."""
    told: list[tuple[str, str]] = []

    def stop(request: Any, **_: Any) -> None:
        signature = request.headers["Authorization"]
        text = signature.decode() if isinstance(signature, bytes) else signature
        told.append((request.url, text.split("/")[2]))
        raise _Unsent

    client.meta.events.register("before-send.s3.HeadObject", stop)
    with contextlib.suppress(_Unsent):
        client.head_object(Bucket=bucket, Key="k")
    return told[0]


def _address(url: str, region: str, bucket: str) -> S3Address:
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.removesuffix("/k").partition("/")
    if f"/{path}".endswith(f"/{bucket}"):
        endpoint, label = f"{authority}/{path}".removesuffix(f"/{bucket}"), ""
    else:
        label, _, host = authority.partition(".")
        endpoint = f"{host}/{path}".rstrip("/")
    return S3Address(endpoint_url=f"{scheme}://{endpoint}", label=label, region=region)


class Chain:
    """A botocore session that many threads may ask: to make one takes some 10 ms, and MiB."""

    def __init__(self, profile: str | None) -> None:
        import botocore.session

        self._session = botocore.session.Session(profile=profile)
        self._lock = threading.Lock()
        self._endpoints: dict[tuple[str, ...], str] = {}
        self._addresses: dict[tuple[str | None, ...], S3Address] = {}
        self.made_at = time.monotonic()

    def variable(self, name: str) -> Any:
        """A variable of the configuration."""
        with self._lock:
            return self._session.get_config_variable(name)

    def credentials(self) -> botocore.credentials.Credentials | None:
        """What the chain finds."""
        with self._lock:
            return self._session.get_credentials()

    def configured_endpoint(self, service: str) -> str | None:
        """The endpoint that the configuration names for a service."""
        from botocore.configprovider import ConfiguredEndpointProvider

        with self._lock:
            provider = ConfiguredEndpointProvider(
                full_config=self._session.full_config,
                scoped_config=self._session.get_scoped_config(),
                client_name=service,
            )
            configured: str | None = provider.provide()
        return configured

    def addresses_s3(self, region: str) -> bool:
        """Whether botocore would not address S3 as the engine does by itself."""
        from botocore.utils import ensure_boolean

        with self._lock:
            section = self._session.get_config_variable("s3") or {}
            flags = [
                self._session.get_config_variable("use_fips_endpoint"),
                self._session.get_config_variable("use_dualstack_endpoint"),
                section.get("use_accelerate_endpoint"),
                section.get("use_dualstack_endpoint"),
            ]
        styled = section.get("addressing_style") in ("path", "virtual")
        other = region.startswith(("aws-", "fips-", "us-iso", "eu-iso", "eusc-"))
        return styled or other or region.endswith("-fips") or any(map(ensure_boolean, flags))

    def s3_address(
        self,
        region: str,
        endpoint_url: str | None,
        bucket: str = ANY_BUCKET,
        config: Mapping[str, Any] | None = None,
    ) -> S3Address:
        """Where botocore's rules send a request for an object of `bucket`, or of an ARN.

        config: arguments of botocore's Config, which go before the configuration's.
        """
        asked = (region, endpoint_url, bucket, repr(config))
        with self._lock:
            found = self._addresses.get(asked)
            if found is None:
                client = self._session.create_client(
                    "s3",
                    region_name=region,
                    endpoint_url=endpoint_url,
                    aws_access_key_id="ASKS",
                    aws_secret_access_key="asks",  # noqa: S106
                    config=_config(config),
                )
                found = self._addresses[asked] = _address(*_unsent(client, bucket), bucket)
        return found

    def client_endpoint(
        self, service: str, region: str, config: Mapping[str, Any] | None = None
    ) -> str:
        """The one that a client of botocore would use. To make one takes half a second."""
        asked = (service, region, repr(config))
        with self._lock:
            found = self._endpoints.get(asked)
            if found is None:
                client = self._session.create_client(
                    service, region_name=region, config=_config(config)
                )
                found = self._endpoints[asked] = client.meta.endpoint_url
        return found


def _config(arguments: Mapping[str, Any] | None) -> Config:
    from botocore.config import Config

    return Config(**(arguments or {}))


class Chains:
    """The sessions that were made, by profile and by what they were made of."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Chain] = {}
        self._lock = threading.Lock()
        # A thread of the parent may have held a lock: a child begins anew.
        os.register_at_fork(after_in_child=self._forget)

    def find(self, profile: str | None) -> Chain:
        """The session of a profile, made anew when the environment or a file of it is another.

        And after some minutes: a program of the configuration may give other keys by then.
        """
        made_of = (profile, *_environment(), *_files())
        with self._lock:
            chain = self._made.get(made_of)
            if chain is None or time.monotonic() - chain.made_at > KEPT_SECONDS:
                self._made.pop(made_of, None)
                while len(self._made) >= MOST_CHAINS:
                    self._made.pop(next(iter(self._made)))
                chain = self._made[made_of] = Chain(profile)
        return chain

    def _forget(self) -> None:
        self._made.clear()
        self._lock = threading.Lock()


chains = Chains()


def _environment() -> Iterator[tuple[str, str]]:
    return (pair for pair in os.environ.items() if pair[0].startswith(("AWS_", "BOTO", "HOME")))


def _files() -> Iterator[tuple[int, int, int] | None]:
    for variable, name in (
        ("AWS_CONFIG_FILE", "config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ):
        path = os.environ.get(variable) or f"~/.aws/{name}"
        try:
            found = os.stat(os.path.expanduser(path))  # noqa: PTH111, PTH116
        except OSError:
            yield None
        else:
            yield found.st_ino, found.st_size, found.st_mtime_ns


def from_botocore(
    found: botocore.credentials.Credentials,
    profile: str | None = None,
    *,
    place: str | None = None,
) -> tuple[Credentials, CredentialsProvider | None]:
    """What botocore found, and what renews it; None for keys that do not change. Errors name the
    profile, or `place`.
    """
    credentials = _frozen(found)
    if not hasattr(found, "refresh_needed"):
        return credentials, None

    def renew() -> Credentials:
        with botocore_errors(profile, place=place):
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
