"""NO_PROXY means what it means to urllib, which botocore asks, and to requests."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st
from requests.utils import should_bypass_proxies

from support.building import make
from support.paths import ROOT
from support.properties import examples


class Tool:
    """`scoop_no_proxy_has` as a process that answers line by line."""

    def __init__(self) -> None:
        target = "../build/c/plain/tests/no_proxy_tool"
        assert make(target) == ""
        self.process = subprocess.Popen(
            [ROOT / "csrc" / target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def has(self, no_proxy: str, host: str, port: int) -> bool:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{no_proxy}\t{host}\t{port}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "1\n"


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    tool = Tool()
    yield tool
    tool.process.communicate()
    assert tool.process.returncode == 0


labels = st.sampled_from(["a", "b", "internal", "example", "com", "A", "x-1"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
ips = st.sampled_from(["10.1.2.3", "10.1.2.4", "192.168.0.9", "127.0.0.1"])
hosts = st.one_of(names, ips)
ports = st.sampled_from([80, 443, 8080, 9000])
entries = st.one_of(
    names,
    names.map(lambda name: f".{name}"),
    ips,
    st.sampled_from(["10.0.0.0/8", "10.1.2.0/30", "192.168.0.8/31", "127.0.0.0/33", "10.1/x"]),
    st.tuples(names, ports).map(lambda pair: f"{pair[0]}:{pair[1]}"),
)
lists = st.lists(entries, max_size=4).flatmap(
    lambda some: st.sampled_from([",", ", "]).map(lambda between: between.join(some))
)


@given(no_proxy=lists, host=hosts, port=ports)
@example(no_proxy="*", host="a", port=80)
@example(no_proxy=" .com , b", host="a.com", port=80)
@example(no_proxy="a:8080", host="a", port=8080)
@example(no_proxy="a:8080", host="a", port=9000)
@example(no_proxy="com", host="com.a", port=80)
@examples(300, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much)
def test_no_proxy_is_read_as_botocore_and_requests_read_it(
    tool: Tool, no_proxy: str, host: str, port: int
) -> None:
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
    by_urllib = bypass(f"{host}:{port}", {"no": no_proxy})
    by_requests = should_bypass_proxies(f"http://{host}:{port}/", no_proxy)
    # Where the two differ, requests ends a name within a word, and knows networks.
    assume(by_urllib == by_requests or "/" in no_proxy)
    assert tool.has(no_proxy, host, port) == by_requests


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "left_out"),
    [
        ("*.corp.example", "a.corp.example", 80, True),
        ("*.corp.example", "b.a.corp.example", 443, True),
        ("*.corp.example", "acorp.example", 80, False),
        ("*.corp.example:8080", "a.corp.example", 8080, True),
        ("*.corp.example:8080", "a.corp.example", 80, False),
        ("example", "notexample", 80, False),
        ("example.", "example", 80, False),
        ("example", "example.", 80, True),
        ("a b", "b", 80, True),
        ("::1", "[::1]", 80, True),
        ("[::1]", "[::1]", 80, True),
        ("[::1]:8080", "[::1]", 8080, True),
        ("[::1]:8080", "[::1]", 80, False),
        ("fd00::/8", "[fd12::1]", 80, True),
        ("fd00::/8", "[fe80::1]", 80, False),
        ("0:0:0:0:0:0:0:1", "[::1]", 80, True),
        ("10.0.0.0/8:80", "10.1.1.1", 80, True),
        ("10.0.0.0/", "10.0.0.0", 80, False),
        ("a:", "a", 80, False),
        ("a:x", "a", 80, False),
        (",, ,", "a", 80, False),
        ("*", "[::1]", 80, True),
        ("b,*", "a", 80, True),
        (".", "a", 80, False),
        ("*.", "a", 80, False),
    ],
)
def test_no_proxy_knows_wildcards_ports_and_networks(
    tool: Tool, no_proxy: str, host: str, port: int, left_out: bool
) -> None:
    assert tool.has(no_proxy, host, port) == left_out
