"""Objects that are named by an access point's ARN: s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/…"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from airscoop.errors import UsageError

if TYPE_CHECKING:
    from airscoop.aws.settings import S3Settings

_ARN = r"arn:(?P<partition>[\w-]+):(?P<service>[\w-]+):(?P<region>[\w-]*):(?P<account>\d{12}):"
_POINT = r"accesspoint[:/](?P<name>[a-z0-9][a-z0-9.-]*)"
_REFUSED = {
    "s3-outposts": "S3 on Outposts has a signature of its own",
    "s3-object-lambda": "S3 Object Lambda has a signature of its own",
    "s3express": "S3 Express One Zone has a protocol of its own",
}


def is_arn(name: str) -> bool:
    """Whether an s3:// name has an ARN where others have a bucket."""
    return name[:9].lower() == "s3://arn:"


def with_colons(name: str) -> str:
    """The ARN in the form without a slash, so that the first one ends it."""
    return re.sub(r"^(s3://arn:[^/]*:accesspoint)/", r"\1:", name, flags=re.IGNORECASE)


def located(name: str, settings: S3Settings) -> tuple[str, S3Settings]:
    """The object as the engine takes it: behind the host that stands for its access point.

    UsageError for an ARN of something else, and for access points of many regions (SigV4A).
    """
    if not is_arn(name):
        return name, settings
    arn, _, key = with_colons(name)[5:].partition("/")
    found = re.fullmatch(_ARN + r"(?P<rest>.*)", arn)
    if found is None:
        raise UsageError(
            f"{name}: an ARN is arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME, followed by /KEY"
        )
    if found["service"] in _REFUSED:
        raise UsageError(
            f"{name}: {_REFUSED[found['service']]}, which is not spoken here: name a bucket, or an "
            "access point of S3"
        )
    point = re.fullmatch(_POINT, found["rest"])
    if found["service"] != "s3" or point is None:
        raise UsageError(f"{name}: only ARNs of access points of S3 name objects")
    if not found["region"]:
        raise UsageError(
            f"{name}: a Multi-Region Access Point needs signatures of many regions (SigV4A), which "
            "are not made here: name the bucket, or an access point in its region"
        )
    label, settings = _label(arn, settings)
    return f"s3://{label}/{key}", settings


def _label(arn: str, settings: S3Settings) -> tuple[str, S3Settings]:
    from airscoop.aws.botocore_chain import botocore_errors, chains

    with botocore_errors(settings.profile):
        chain = chains.find(settings.profile)
        region = settings.region or chain.variable("region") or "us-east-1"
        endpoint_url = settings.endpoint_url or chain.configured_endpoint(settings.SERVICE)
        address = chain.s3_address(region, endpoint_url, arn)
    return address.label, dataclasses.replace(
        settings,
        endpoint_url=address.endpoint_url,
        region=address.region,
        addressing_style="virtual",
    )
