"""Clients of boto3 for the stack's servers; the caller's own AWS settings do not reach them.

Who starts the stack may have a profile that is not there, or a broken ~/.aws/config: the stack's
keys and addresses are its own, so nothing of that is looked at.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config

REGION = "us-east-1"
NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
# Of a server that was named, whose certificate the caller may have to vouch for.
KEPT = ("ca_bundle",)


def client(
    service: str, endpoint: str, credentials: Mapping[str, str], config: Config | None = None
) -> Any:
    """A client of a service, with these keys."""
    import boto3

    return boto3.Session(botocore_session=_session()).client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["secret_access_key"],
        aws_session_token=credentials.get("session_token"),
        config=config,
    )


def _session() -> Any:
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES
    from botocore.session import Session

    session = Session()
    known = session.get_component("config_store")  # the session itself takes None for not given
    for name, (_, _, default, _) in VARIABLES.items():
        if name not in KEPT:
            known.set_config_variable(name, default)
    known.set_config_variable("config_file", os.devnull)
    known.set_config_variable("credentials_file", os.devnull)
    return session


def environment() -> dict[str, str]:
    """The caller's variables without those of AWS, for the stack's own processes."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return others | NO_FILES
