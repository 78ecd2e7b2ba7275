"""How to reach S3, Kinesis and the registry of exports, from an Airflow connection of type aws."""

from __future__ import annotations

import functools
import logging
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from airscoop.aws.botocore_chain import botocore_errors
from airscoop.aws.dynamodb import client_options
from airscoop.aws.settings import KinesisSettings, S3Settings
from airscoop.errors import UsageError
from airscoop.exports.registry import Registry
from airscoop.hooks.aws_extras import ca_file_of, kinesis_values, s3_values
from airscoop.hooks.connections import extras_errors, find_connection

if TYPE_CHECKING:
    from airscoop.aws.settings import PayloadSigning

log = logging.getLogger(__name__)

# The one that Airflow's Amazon provider does without where nobody has made it.
DEFAULT = "aws_default"


def s3_settings(
    aws_conn_id: str | None,
    *,
    payload_signing: PayloadSigning = "auto",
    requester_pays: bool = False,
    expected_bucket_owner: str | None = None,
) -> S3Settings:
    """How to reach S3.

    None for `aws_conn_id` leaves all to botocore's own chain (environment, profile, role), as does
    `aws_default` where it does not exist. The connection is read by Airflow's Amazon provider, so
    what it knows works: keys, profiles, assumed roles, `endpoint_url`, `region_name`, `verify`, and
    of `config_kwargs` unsigned requests and how S3 is addressed and signed. Credentials that expire
    are renewed while a transfer runs.
    """
    hook = _hook(aws_conn_id, S3Settings.SERVICE)
    values: dict[str, Any] = {"payload_signing": payload_signing}
    if hook is not None:
        with connection_errors(aws_conn_id):
            values = {"ca_file": ca_file_of(hook), **s3_values(hook, payload_signing)}
    return S3Settings(
        requester_pays=requester_pays, expected_bucket_owner=expected_bucket_owner, **values
    )


def kinesis_settings(aws_conn_id: str | None) -> KinesisSettings:
    """The same for Kinesis."""
    hook = _hook(aws_conn_id, KinesisSettings.SERVICE)
    if hook is None:
        return KinesisSettings()
    with connection_errors(aws_conn_id):
        return KinesisSettings(ca_file=ca_file_of(hook), **kinesis_values(hook))


def registry(aws_conn_id: str | None, table: str) -> Registry:
    """The registry of exports in the DynamoDB table `table`; connections as above."""
    from botocore.config import Config

    hook = _hook(aws_conn_id, "dynamodb")
    if hook is None:
        return Registry(table)
    with connection_errors(aws_conn_id):
        ca_file_of(hook)
        with extras_errors(hook.aws_conn_id):
            config = hook.config.merge(Config(**client_options()))
            found = hook.get_client_type(region_name=hook.region_name, config=config)
    return Registry(table, client=found)


def client(
    aws_conn_id: str | None, service: str, *, needed_by: str, region: str | None = None
) -> Any:
    """botocore's client of a service, as the provider makes it; `needed_by` stands in its error."""
    hook = _provided(existing(aws_conn_id), service, needed_by)
    with connection_errors(aws_conn_id):
        ca_file_of(hook)  # refuses one that checks no certificates
        with extras_errors(hook.aws_conn_id):
            return hook.get_client_type(region_name=region or hook.region_name)


def existing(aws_conn_id: str | None) -> str | None:
    """The connection's name; None, once said, for an `aws_default` that does not exist.

    UsageError for any other that does not.
    """
    if aws_conn_id is None:
        return None
    try:
        find_connection(aws_conn_id, "aws")
    except UsageError:
        if aws_conn_id != DEFAULT:
            raise
        _say_missing()
        return None
    return aws_conn_id


def connection_errors(conn_id: str | None) -> AbstractContextManager[None]:
    """What botocore raises over a connection, as an AirscoopError that names it."""
    return botocore_errors(place=None if conn_id is None else f"the connection {conn_id}")


@functools.cache
def _say_missing() -> None:
    log.warning(
        "the connection %s does not exist: AWS is asked with what botocore finds in the "
        "environment; aws_conn_id=None asks for that",
        DEFAULT,
    )


def _hook(aws_conn_id: str | None, service: str) -> Any:
    """The provider's; None where botocore's own chain is meant."""
    if aws_conn_id is None:
        return None
    advice = "; aws_conn_id=None asks for botocore's own credentials"
    hook = _provided(aws_conn_id, service, f"the connection {aws_conn_id}", advice)
    return None if existing(aws_conn_id) is None else hook


def _provided(aws_conn_id: str | None, service: str, needed_by: str, advice: str = "") -> Any:
    try:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    except ImportError as error:
        raise UsageError(
            f"{needed_by} needs the package apache-airflow-providers-amazon; install it{advice}"
        ) from error
    return AwsBaseHook(aws_conn_id=aws_conn_id, client_type=service)
