"""S3 settings from an Airflow connection of type aws."""

from __future__ import annotations

from typing import Any


def s3_options(aws_conn_id: str | None) -> dict[str, Any]:
    """The arguments credentials, endpoint_url, region and ca_file of `airscoop.copy`.

    None for `aws_conn_id` leaves all to botocore's own chain (environment, profile, role). The
    connection is read by Airflow's Amazon provider, so everything that it knows works: keys,
    profiles, assumed roles, `endpoint_url`, `region_name`.
    """
    if aws_conn_id is None:
        return {}
    try:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    except ImportError as error:
        raise ImportError(
            f"the connection {aws_conn_id} needs the package apache-airflow-providers-amazon; "
            "install it, or set aws_conn_id=None to use botocore's own credentials"
        ) from error
    hook = AwsBaseHook(aws_conn_id=aws_conn_id, client_type="s3")
    if hook.verify is False:
        raise ValueError(
            f"the connection {aws_conn_id} sets verify to false; airscoop always checks "
            "certificates: set verify to a CA file instead"
        )
    return {
        "credentials": hook.get_session(region_name=hook.region_name).get_credentials(),
        "endpoint_url": hook.conn_config.get_service_endpoint_url("s3"),
        "region": hook.region_name,
        "ca_file": hook.verify if isinstance(hook.verify, str) else None,
    }
