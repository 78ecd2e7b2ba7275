"""What the Amazon provider's hook says of S3 and Kinesis, its `config_kwargs` among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airscoop.aws.botocore_chain import chains, from_botocore
from airscoop.aws.credentials import Credentials
from airscoop.aws.settings import check_proxies
from airscoop.errors import UsageError
from airscoop.hooks.connections import extras_errors, tell_unused, truth
from airscoop.timeouts import Timeouts

# The extras that the provider reads, for a session or for what it is asked for here.
_READ = frozenset(
    {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region_name"}
    | {"profile_name", "role_arn", "assume_role_method", "assume_role_kwargs"}
    | {"assume_role_with_saml", "assume_role_with_web_identity_federation"}
    | {"assume_role_with_web_identity_token_file"}
    | {"assume_role_with_web_identity_federation_audience"}
    | {"config_kwargs", "endpoint_url", "verify", "service_config", "session_kwargs"}
)
_SESSION = frozenset({"aws_access_key_id", "aws_secret_access_key", "aws_session_token"})
_ADDRESSING = ("use_fips_endpoint", "use_dualstack_endpoint")
_S3_ADDRESSING = (
    *("addressing_style", "use_accelerate_endpoint", "use_dualstack_endpoint"),
    "us_east_1_regional_endpoint",
)


def ca_file_of(hook: Any) -> str | None:
    """The CA file that the connection names; one that checks no certificates is refused."""
    with extras_errors(hook.aws_conn_id):
        verify = hook.verify
    said = truth(verify)
    if verify is not None and said is False:
        raise UsageError(
            f"the connection {hook.aws_conn_id} sets verify to false; airscoop always checks "
            "certificates: set verify to a CA file instead"
        )
    return None if verify is None or said is True else str(verify)


def s3_values(hook: Any, payload_signing: str) -> dict[str, Any]:
    """The fields of `S3Settings`."""
    kwargs = _config_kwargs(hook)
    with extras_errors(hook.aws_conn_id):
        s3 = dict(kwargs.pop("s3", None) or {})
    signed = s3.pop("payload_signing_enabled", None)
    if payload_signing == "auto" and signed is not None:
        payload_signing = "always" if truth(signed) else "never"
    address = {name: s3.pop(name) for name in _S3_ADDRESSING if name in s3}
    asked = {name: kwargs.pop(name) for name in _ADDRESSING if name in kwargs}
    unsigned, ways = _unsigned(kwargs), _ways(hook, kwargs)
    _tell(hook, {**kwargs, **{f"s3.{name}": value for name, value in s3.items()}})
    values = {**_reached(hook, unsigned=unsigned), **ways}
    if address or any(asked.values()):
        chain, region = chains.find(values["profile"]), values["region"] or "us-east-1"
        with extras_errors(hook.aws_conn_id):
            found = chain.s3_address(
                region, values["endpoint_url"], config={**asked, "s3": address}
            )
        values["endpoint_url"], values["region"] = found.endpoint_url, found.region
        values["addressing_style"] = "virtual" if found.label else "path"
    return {**values, "anonymous": unsigned, "payload_signing": payload_signing}


def kinesis_values(hook: Any) -> dict[str, Any]:
    """The fields of `KinesisSettings`."""
    kwargs = _config_kwargs(hook)
    kwargs.pop("s3", None)
    asked = {name: kwargs.pop(name) for name in _ADDRESSING if name in kwargs}
    if _unsigned(kwargs):
        raise UsageError(
            f"the connection {hook.aws_conn_id} asks for unsigned requests, which Kinesis refuses; "
            "name another one"
        )
    ways = _ways(hook, kwargs)
    _tell(hook, kwargs)
    values = {**_reached(hook, unsigned=False), **ways}
    if any(asked.values()) and values["endpoint_url"] is None:
        chain = chains.find(values["profile"])
        region = values["region"] or "us-east-1"
        with extras_errors(hook.aws_conn_id):
            values["endpoint_url"] = chain.client_endpoint("kinesis", region, asked)
    return values


def _config_kwargs(hook: Any) -> dict[str, Any]:
    with extras_errors(hook.aws_conn_id):
        kwargs = dict(hook.conn_config.extra_config.get("config_kwargs") or {})
    return {name: value for name, value in kwargs.items() if value is not None}


def _unsigned(kwargs: dict[str, Any]) -> bool:
    version = kwargs.pop("signature_version", None)
    if version in (None, "unsigned", "v4", "s3v4"):
        return bool(version == "unsigned")
    kwargs["signature_version"] = version
    return False


def _ways(hook: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """By which proxies the requests go, and what they may take."""
    return {"proxies": _proxies(hook, kwargs), "timeout": _timeout(hook, kwargs)}


def _timeout(hook: Any, kwargs: dict[str, Any]) -> Timeouts | None:
    """What botocore waits for between two bytes is also what it waits for the first one."""
    connect, read = kwargs.pop("connect_timeout", None), kwargs.pop("read_timeout", None)
    if connect is None and read is None:
        return None
    try:
        return Timeouts(connect=connect, first_byte=read, idle=read)
    except UsageError as error:
        raise UsageError(
            f"the connection {hook.aws_conn_id}: config_kwargs has a connect_timeout or a "
            f"read_timeout that is none: {error}"
        ) from None


def _proxies(hook: Any, kwargs: dict[str, Any]) -> Mapping[str, str | None] | None:
    """Those of the engine's requests, as botocore takes them."""
    proxies, how = kwargs.pop("proxies", None), kwargs.pop("proxies_config", None)
    place = f"the connection {hook.aws_conn_id}: config_kwargs"
    if how:
        raise UsageError(
            f"{place}.proxies_config cannot be kept: a login stands in the proxy's address, and "
            "its certificate authority in the file that the extra verify names"
        )
    if proxies is None:
        return None
    try:
        check_proxies(proxies)
    except UsageError as error:
        raise UsageError(f"{place}.{error}") from None
    return dict(proxies)


def _tell(hook: Any, kwargs: Mapping[str, Any]) -> None:
    """The engine has its own retries and connections."""
    with extras_errors(hook.aws_conn_id):
        extras = hook.conn_config.extra_config
        sessions = dict(extras.get("session_kwargs") or {})
        service = dict(hook.conn_config.get_service_config(hook.client_type))
    unused = [name for name, value in extras.items() if name not in _READ and value is not None]
    unused += [f"config_kwargs.{name}" for name in kwargs if name != "region_name"]
    unused += [f"session_kwargs.{name}" for name in sessions if name not in _SESSION]
    unused += [
        f"service_config.{hook.client_type}.{name}" for name in service if name != "endpoint_url"
    ]
    tell_unused(hook.aws_conn_id, unused)


def _reached(hook: Any, *, unsigned: bool) -> dict[str, Any]:
    with extras_errors(hook.aws_conn_id):
        session = hook.get_session(region_name=hook.region_name)
        read = {
            "endpoint_url": hook.conn_config.get_service_endpoint_url(hook.client_type),
            "region": hook.region_name or hook.config.region_name or session.region_name,
            "profile": hook.conn_config.profile_name,
        }
    for name, value in read.items():
        if not isinstance(value, str | None):
            raise UsageError(f"the connection {hook.aws_conn_id}: its {name} is no text")
    credentials: Credentials | None = None
    provider = None
    if not unsigned and (found := session.get_credentials()) is not None:
        place = f"the connection {hook.aws_conn_id}"
        credentials, provider = from_botocore(found, place=place)
    return {**read, "credentials": credentials, "credentials_provider": provider}
