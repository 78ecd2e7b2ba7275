"""S3 settings from an Airflow connection of type aws."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airscoop.credentials import PayloadSigning, S3Settings


def s3_settings(
    aws_conn_id: str | None, *, payload_signing: PayloadSigning = "auto"
) -> tuple[S3Settings, str | None]:
    """How to reach S3, and the CA file to trust (None: the usual ones).

    None for `aws_conn_id` leaves all to botocore's own chain (environment, profile, role). The
    connection is read by Airflow's Amazon provider, so everything that it knows works: keys,
    profiles, assumed roles, `endpoint_url`, `region_name`, `verify`. Credentials that expire are
    renewed while a transfer runs.
    """
    from airscoop.credentials import S3Settings, botocore_errors, from_botocore
    from airscoop.errors import UsageError

    if aws_conn_id is None:
        return S3Settings(payload_signing=payload_signing), None
    try:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    except ImportError as error:
        raise UsageError(
            f"the connection {aws_conn_id} needs the package apache-airflow-providers-amazon; "
            "install it, or set aws_conn_id=None to use botocore's own credentials"
        ) from error
    hook = AwsBaseHook(aws_conn_id=aws_conn_id, client_type="s3")
    if hook.verify is False:
        raise UsageError(
            f"the connection {aws_conn_id} sets verify to false; airscoop always checks "
            "certificates: set verify to a CA file instead"
        )
    with botocore_errors():
        found = hook.get_session(region_name=hook.region_name).get_credentials()
        credentials, provider = (None, None) if found is None else from_botocore(found)
    settings = S3Settings(
        credentials=credentials,
        credentials_provider=provider,
        endpoint_url=hook.conn_config.get_service_endpoint_url("s3"),
        region=hook.region_name,
        payload_signing=payload_signing,
    )
    return settings, hook.verify if isinstance(hook.verify, str) else None
