"""How to reach S3, Kinesis and the registry of exports, from an Airflow connection of type aws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from airscoop.aws.botocore_chain import botocore_errors, from_botocore
from airscoop.aws.dynamodb import client_options
from airscoop.aws.settings import KinesisSettings, S3Settings
from airscoop.errors import UsageError
from airscoop.exports.registry import Registry

if TYPE_CHECKING:
    from botocore.config import Config

    from airscoop.aws.credentials import Credentials, CredentialsProvider
    from airscoop.aws.settings import PayloadSigning


class _Reached(TypedDict, total=False):
    """What a connection says of a service."""

    credentials: Credentials | None
    credentials_provider: CredentialsProvider | None
    endpoint_url: str | None
    region: str | None


def s3_settings(
    aws_conn_id: str | None,
    *,
    payload_signing: PayloadSigning = "auto",
    requester_pays: bool = False,
    expected_bucket_owner: str | None = None,
) -> tuple[S3Settings, str | None]:
    """How to reach S3, and the CA file to trust (None: the usual ones).

    None for `aws_conn_id` leaves all to botocore's own chain (environment, profile, role). The
    connection is read by Airflow's Amazon provider, so everything that it knows works: keys,
    profiles, assumed roles, `endpoint_url`, `region_name`, `verify`. Credentials that expire are
    renewed while a transfer runs.
    """
    values, ca_file = _read(aws_conn_id, S3Settings.SERVICE)
    settings = S3Settings(
        payload_signing=payload_signing,
        requester_pays=requester_pays,
        expected_bucket_owner=expected_bucket_owner,
        **values,
    )
    return settings, ca_file


def kinesis_settings(aws_conn_id: str | None) -> tuple[KinesisSettings, str | None]:
    """The same for Kinesis."""
    values, ca_file = _read(aws_conn_id, KinesisSettings.SERVICE)
    return KinesisSettings(**values), ca_file


def registry(aws_conn_id: str | None, table: str) -> Registry:
    """The registry of exports in the DynamoDB table `table`; connections as above."""
    from botocore.config import Config

    if aws_conn_id is None:
        return Registry(table)
    hook = _hook(aws_conn_id, "dynamodb", config=Config(**client_options()))
    with botocore_errors():
        return Registry(table, client=hook.get_conn())


def _read(aws_conn_id: str | None, service: str) -> tuple[_Reached, str | None]:
    if aws_conn_id is None:
        return {}, None
    hook = _hook(aws_conn_id, service)
    with botocore_errors():
        found = hook.get_session(region_name=hook.region_name).get_credentials()
        credentials, provider = (None, None) if found is None else from_botocore(found)
    values: _Reached = {
        "credentials": credentials,
        "credentials_provider": provider,
        "endpoint_url": hook.conn_config.get_service_endpoint_url(service),
        "region": hook.region_name,
    }
    return values, hook.verify if isinstance(hook.verify, str) else None


def _hook(aws_conn_id: str, service: str, config: Config | None = None) -> Any:
    try:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    except ImportError as error:
        raise UsageError(
            f"the connection {aws_conn_id} needs the package apache-airflow-providers-amazon; "
            "install it, or set aws_conn_id=None to use botocore's own credentials"
        ) from error
    hook = AwsBaseHook(aws_conn_id=aws_conn_id, client_type=service, config=config)
    if hook.verify is False:
        raise UsageError(
            f"the connection {aws_conn_id} sets verify to false; airscoop always checks "
            "certificates: set verify to a CA file instead"
        )
    return hook
