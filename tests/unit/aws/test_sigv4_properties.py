"""The engine's signer gives what botocore's gives, on generated requests."""

from __future__ import annotations

import calendar
import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from support.building import make
from support.paths import ROOT
from support.properties import examples

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SIGNERS_OWN = {"authorization", "date", "host", "x-amz-date", "x-amz-security-token"}
SIGNERS_OWN |= {"x-amz-content-sha256"}

Pairs = list[tuple[str, str]]


class Request(NamedTuple):
    method: str
    path: str  # decoded, starts with a slash
    query: Pairs
    headers: Pairs
    host: str
    timestamp: str
    region: str
    secret: str
    token: str | None


# Any text but NUL and lone surrogates, with what is special in paths made likely.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
special = st.sampled_from(
    ["/", "//", ".", "..", " ", "+", "%", "%2F", "~", "=", "&", "?", "*", "é"]
)
texts = st.lists(st.one_of(words, special), max_size=8).map("".join)
header_names = st.one_of(
    st.sampled_from(["Content-Type", "Range", "If-None-Match", "User-Agent", "Expect", "TE"]),
    st.text("abcXYZ-09", min_size=1, max_size=8).map(lambda text: f"X-Amz-Meta-{text}"),
    st.text("abcdefgXYZ-_.!09", min_size=1, max_size=10),
).filter(lambda name: name.lower() not in SIGNERS_OWN)
header_values = st.text(st.sampled_from([*map(chr, range(32, 127)), "\t", " ", "é", "你"]))
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    path=texts.map(lambda text: "/" + text),
    query=st.lists(st.tuples(texts.filter(bool), texts), max_size=6),
    headers=st.lists(st.tuples(header_names, header_values), max_size=6),
    host=st.sampled_from(["s3.eu-west-1.amazonaws.com", "127.0.0.1:8333", "[::1]:9000", "b.c.d"]),
    timestamp=st.datetimes(min_value=datetime(1970, 1, 1)).map(
        lambda time: time.strftime("%Y%m%dT%H%M%SZ")
    ),
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    secret=st.text("abcXYZ019/+", min_size=1, max_size=100),
    token=st.one_of(st.none(), st.text("abcXYZ019/+=", min_size=1, max_size=200)),
)
tricky = Request(
    method="GET",
    path="/bucket//a/../b c+%2F~é",
    query=[("uploads", ""), ("a-b", "1"), ("a", "2"), ("a", "10"), ("a=", "x/y")],
    headers=[("X-Amz-Meta-A", " two  words\t"), ("x-amz-meta-a", "B"), ("TE", "trailers")],
    host="127.0.0.1:8333",
    timestamp="20150830T123600Z",
    region="us-east-1",
    secret="secret/key",
    token="to/ken==",
)


class SignTool:
    """Our signer as a process that answers line by line."""

    def __init__(self) -> None:
        target = "../build/c/plain/tests/sign_tool"
        assert make(target) == ""
        program = ROOT / "csrc" / target
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def sign(self, task: dict[str, Any]) -> dict[str, str]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        answer: dict[str, str] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0


@pytest.fixture(scope="module")
def tool() -> Iterator[SignTool]:
    tool = SignTool()
    yield tool
    tool.close()


def sign_with_botocore(request: Request, *, service: str, payload_hash: str) -> dict[str, str]:
    pairs = [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in request.query]
    query = "&".join(f"{name}={value}" for name, value in pairs)
    url = f"https://{request.host}{quote(request.path, safe='/-_.~')}?{query}"
    theirs = AWSRequest(method=request.method, url=url)
    for name, value in [("Host", request.host), *request.headers]:
        theirs.headers[name] = value
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    credentials = Credentials("AKIDEXAMPLE", request.secret, request.token)
    signer = kind(credentials, service, request.region)
    signer.payload = lambda _: payload_hash
    theirs.context["timestamp"] = request.timestamp
    # add_auth() step by step, as it would take the time from the clock.
    signer._modify_request_before_signing(theirs)
    canonical = signer.canonical_request(theirs)
    signature = signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    signer._inject_signature_to_request(theirs, signature)
    return {
        "authorization": theirs.headers["Authorization"],
        "canonical_request": canonical,
    }


def sign_with_ours(
    tool: SignTool, request: Request, *, service: str, payload_hash: str
) -> dict[str, str]:
    stamp = request.timestamp
    fields = (stamp[:4], stamp[4:6], stamp[6:8], stamp[9:11], stamp[11:13], stamp[13:15])
    return tool.sign(
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": [("Host", request.host), *request.headers],
            "payload_hash": payload_hash,
            "region": request.region,
            "service": service,
            "timestamp": calendar.timegm(tuple(map(int, fields))),
            "access_key_id": "AKIDEXAMPLE",
            "secret_access_key": request.secret,
            "session_token": request.token,
            "send_payload_hash": service == "s3",
            "normalize_path": service != "s3",
            "encode_path": service != "s3",
        }
    )


@examples(400, HealthCheck.too_slow)
@given(request=requests, payload_hash=st.sampled_from(["UNSIGNED-PAYLOAD", EMPTY_SHA256]))
@example(request=tricky, payload_hash="UNSIGNED-PAYLOAD")
def test_s3_signature_equals_botocores(tool: SignTool, request: Request, payload_hash: str) -> None:
    ours = sign_with_ours(tool, request, service="s3", payload_hash=payload_hash)
    assert ours == sign_with_botocore(request, service="s3", payload_hash=payload_hash)


@examples(400, HealthCheck.too_slow)
@given(request=requests, service=st.sampled_from(["glue", "kinesis", "sts"]))
@example(request=tricky, service="glue")
def test_other_services_signature_equals_botocores(
    tool: SignTool, request: Request, service: str
) -> None:
    ours = sign_with_ours(tool, request, service=service, payload_hash=EMPTY_SHA256)
    assert ours == sign_with_botocore(request, service=service, payload_hash=EMPTY_SHA256)
