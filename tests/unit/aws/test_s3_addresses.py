"""Where requests for a bucket or an access point go is what botocore's own rules say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airscoop import Credentials, S3Settings, errors
from airscoop.aws.access_points import located
from airscoop.transfer.options import TransferOptions
from airscoop.transfer.places import normalized
from support.properties import examples

KEYS = Credentials(access_key_id="KEYID", secret_access_key="secret")
POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/mypoint"


@pytest.fixture(autouse=True)
def own_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "config"


def configure(file: Path, text: str) -> None:
    file.write_text(f"[default]\ns3 =\n  us_east_1_regional_endpoint = regional\n{text}")


def client(region: str) -> Any:
    return botocore.session.Session().create_client(
        "s3",
        region_name=region,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )


def botocores(bucket: str, region: str, asked: Any = None) -> tuple[str, str]:
    """The URL without its query, and the region that is signed for."""
    told: list[tuple[str, str]] = []

    def stop(request: Any, **_: Any) -> None:
        told.append((request.url, request.headers["Authorization"].decode().split("/")[2]))
        raise KeyboardInterrupt

    asked = asked or client(region)
    asked.meta.events.register("before-send.s3.GetObject", stop, unique_id="stop")
    with pytest.raises(KeyboardInterrupt):
        asked.get_object(Bucket=bucket, Key="k")
    asked.meta.events.unregister("before-send.s3.GetObject", unique_id="stop")
    return told[0]


def airscoops(bucket: str, region: str) -> tuple[str, str]:
    """The same by the rules of the engine (csrc/aws/s3/client.c), from what it is given."""
    options = TransferOptions(
        source=normalized(f"s3://{bucket}/k"),
        source_s3=S3Settings(region=region, credentials=KEYS),
    ).native()
    name = options["source"].split("/")[2]
    endpoint, signed = options["source_endpoint_url"], options["source_region"]
    suffix = ".cn" if signed.startswith("cn-") else ""
    virtual = options["source_virtual_hosts"] or endpoint is None
    url = urlsplit(endpoint or f"https://s3.{signed}.amazonaws.com{suffix}")
    if virtual and "." not in name:
        return f"{url.scheme}://{name}.{url.netloc}{url.path}/k", signed
    return f"{url.scheme}://{url.netloc}{url.path}/{name}/k", signed


BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]", fullmatch=True).filter(
    lambda name: (
        not any(bad in name for bad in ("..", ".-", "-.", "--"))
        and not name.replace(".", "").isdigit()
        and not name.startswith(("xn-", "sthree-", "amzn-s3-demo-"))
        and not name.endswith("s3alias")
    )
)


@pytest.mark.hypothesis
@pytest.mark.parametrize(
    ("region", "lines"),
    [
        ("eu-west-1", ""),
        ("cn-north-1", ""),
        ("us-iso-east-1", ""),
        ("aws-global", ""),
        ("us-west-2", "  addressing_style = path\n"),
        ("us-west-2", "use_dualstack_endpoint = true\nuse_fips_endpoint = true\n"),
    ],
)
def test_a_bucket_is_asked_for_where_botocore_asks(
    own_configuration: Path, region: str, lines: str
) -> None:
    configure(own_configuration, lines)
    asks = client(region)

    @example("bucket")
    @example("my.bucket")
    @examples(15)
    @given(BUCKETS)
    def asked_alike(bucket: str) -> None:
        assert airscoops(bucket, region) == botocores(bucket, region, asks)

    asked_alike()


@pytest.mark.parametrize(
    "arn",
    [
        POINT,
        "arn:aws:s3:us-west-2:123456789012:accesspoint:mypoint",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point-2",
    ],
)
@pytest.mark.parametrize("lines", ["", "use_dualstack_endpoint = true\n"])
def test_an_access_point_is_asked_for_where_botocore_asks(
    own_configuration: Path, arn: str, lines: str
) -> None:
    configure(own_configuration, lines)
    assert airscoops(arn, "eu-west-1") == botocores(arn, "eu-west-1")


def test_an_alias_is_a_bucket(own_configuration: Path) -> None:
    alias = "mypoint-abcdefghijklmnop-s3alias"
    assert airscoops(alias, "eu-west-1") == botocores(alias, "eu-west-1")


@pytest.mark.parametrize("style", ["path", "virtual", "auto"])
def test_an_endpoint_of_ones_own_is_addressed_as_the_configuration_says(
    own_configuration: Path, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    configure(own_configuration, f"  addressing_style = {style}\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://store.example/base")
    assert airscoops("bucket", "eu-west-1") == botocores("bucket", "eu-west-1")


@pytest.mark.parametrize(
    ("variable", "host"),
    [
        ("AWS_USE_DUALSTACK_ENDPOINT", "bucket.s3.dualstack.eu-west-1.amazonaws.com"),
        ("AWS_USE_FIPS_ENDPOINT", "bucket.s3-fips.eu-west-1.amazonaws.com"),
    ],
)
def test_variables_choose_dual_stack_and_fips(
    monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    monkeypatch.setenv(variable, "true")
    assert airscoops("bucket", "eu-west-1") == (f"https://{host}/k", "eu-west-1")


def test_acceleration_is_used_where_it_is_configured(own_configuration: Path) -> None:
    configure(own_configuration, "  use_accelerate_endpoint = true\n")
    url = "https://bucket.s3-accelerate.amazonaws.com/k"
    assert airscoops("bucket", "eu-west-1") == (url, "eu-west-1")


def test_keys_an_endpoint_and_a_region_need_no_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airscoop.aws.botocore_chain.chains", None)
    given_all = S3Settings(credentials=KEYS, endpoint_url="http://127.0.0.1:1", region="r")
    assert given_all.resolved() is given_all
    assert given_all.addressing_style is None


def test_the_key_behind_an_access_point_is_the_same() -> None:
    name = normalized(f"s3://{POINT}/a/b//c d")
    uri, found = located(name, S3Settings(region="eu-west-1", credentials=KEYS))
    assert uri == "s3://mypoint-123456789012/a/b//c d"
    assert found.endpoint_url == "https://s3-accesspoint.us-west-2.amazonaws.com"
    assert dataclasses.replace(found, endpoint_url=None).region == "us-west-2"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap", "SigV4A"),
        ("arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/p", "Outposts"),
        ("arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/p", "Object Lambda"),
        ("arn:aws:s3express:us-east-1:123456789012:bucket/b--use1-az4--x-s3", "Express"),
        ("arn:aws:s3:::bucket", "ARN"),
        ("arn:aws:s3:eu-west-1:123456789012:job/x", "access points"),
        ("bucket--use1-az4--x-s3", "S3 Express"),
        ("point--use1-az4--xa-s3", "S3 Express"),
        ("point-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3", "Outposts"),
    ],
)
def test_what_cannot_be_spoken_to_is_refused_by_its_name(name: str, why: str) -> None:
    import airscoop

    s3 = S3Settings(region="eu-west-1", credentials=KEYS, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(errors.UsageError, match=why):
        airscoop.check(f"s3://{name}/k", format="raw", s3=s3)
