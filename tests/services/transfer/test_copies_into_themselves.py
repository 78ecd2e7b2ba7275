"""Copies whose outputs would be among their own sources, however the storage is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import PrefixReceipt
from airscoop.errors import AirscoopError, UsageError
from support.fault_server import fault_proxy
from support.s3 import BUCKET, NEXT_OWNER, Store, json_lines, noise

SPLIT = 5 * 2**20


def copy_prefix(store: Store, source: str, destination: str, **options: Any) -> PrefixReceipt:
    settings = store.settings()
    return airscoop.copy_prefix(
        store.uri(source),
        store.uri(destination),
        **({"source_s3": settings, "destination_s3": settings} | options),
    )


def bodies(store: Store, names: list[str]) -> dict[str, bytes]:
    return {name: store.get(name) for name in names}


def test_into_the_parent_each_object_is_copied_once_over_pages_of_the_listing(store: Store) -> None:
    names = [f"m/x/x/{number:04}" for number in range(1200)]
    for name in names:
        store.put(name, b"")
    receipt = copy_prefix(store, "m/x/", "m/")
    assert (receipt.objects, receipt.copied) == (1200, 1200)
    assert store.names() == sorted([*names, *(f"m/x/{number:04}" for number in range(1200))])


def test_into_the_parent_all_else_goes_where_it_should(store: Store) -> None:
    data = {"m/x/a": b"a", "m/x/b/c": b"c", "m/x/x/d": b"d", "m/x/x/x/e": b"e"}
    for name, body in data.items():
        store.put(name, body)
    assert copy_prefix(store, "m/x/", "m/").copied == 4
    copies = {"m/a": b"a", "m/b/c": b"c", "m/x/d": b"d", "m/x/x/e": b"e"}
    assert bodies(store, store.names()) == data | copies


def test_an_object_that_a_copy_would_replace_unread_is_refused_before_anything_is_copied(
    store: Store,
) -> None:
    data = {"m/x/0": b"0", "m/x/a": b"first", "m/x/x/a": b"second"}
    for name, body in data.items():
        store.put(name, body)
    with pytest.raises(UsageError, match=r"m/x/a .*exclude"):
        copy_prefix(store, "m/x/", "m/")
    assert bodies(store, store.names()) == data
    assert copy_prefix(store, "m/x/", "m/", exclude=["x/*"]).copied == 2
    assert store.get("m/a") == b"first"
    assert copy_prefix(store, "m/x/", "m/", exclude=["a"]).objects == 2
    assert (store.get("m/a"), store.get("m/x/a")) == (b"first", b"second")


def spelled_localhost(endpoint: str) -> str:
    return endpoint.replace("127.0.0.1", "localhost")


def spelled_with_a_slash(endpoint: str) -> str:
    return endpoint + "/"


def spelled_in_capitals(endpoint: str) -> str:
    return endpoint.replace("http", "HTTP")


FORMS = [spelled_localhost, spelled_with_a_slash, spelled_in_capitals]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("destination", ["in/", "in/copy/"])
def test_settings_that_differ_in_form_only_are_the_same_storage(
    store: Store, form: Callable[[str], str], destination: str
) -> None:
    store.put("in/a", b"data")
    other = store.settings(endpoint_url=form(store.endpoint))
    with pytest.raises(UsageError, match="lies within"):
        copy_prefix(store, "in/", destination, destination_s3=other)
    assert store.names() == ["in/a"]


@pytest.mark.parametrize(
    "changes", [{"credentials": NEXT_OWNER}, {"region": "eu-west-1"}, {"payload_signing": "always"}]
)
def test_who_asks_and_how_does_not_make_another_storage(
    store: Store, changes: dict[str, Any]
) -> None:
    store.put("in/a", b"data")
    with pytest.raises(UsageError, match="lies within"):
        copy_prefix(store, "in/", "in/copy/", destination_s3=store.settings(**changes))
    assert store.names() == ["in/a"]


def test_an_endpoint_of_the_environment_is_the_same_as_the_one_given(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.endpoint)
    store.put("in/a", b"data")
    with pytest.raises(UsageError, match="lies within"):
        copy_prefix(store, "in/", "in/copy/", destination_s3=store.settings(endpoint_url=None))
    assert store.names() == ["in/a"]


def test_through_a_proxy_that_nobody_can_know_copies_are_not_copied_again(store: Store) -> None:
    names = [f"in/{number:04}" for number in range(1100)]
    for name in names:
        store.put(name, b"")
    store.put("in/a-copy/old", b"old")
    with fault_proxy(store.endpoint) as proxy:
        other = store.settings(endpoint_url=proxy.url)
        receipt = copy_prefix(store, "in/", "in/a-copy/", destination_s3=other)
    assert receipt.copied == 1101
    assert len(store.names()) == 2 * 1101
    assert store.get("in/a-copy/a-copy/old") == b"old"


def test_a_mirror_with_equal_names_is_no_copy_into_itself(store: Store) -> None:
    store.put("in/a", b"data")
    with fault_proxy(store.endpoint) as proxy:
        other = store.settings(endpoint_url=proxy.url)
        assert copy_prefix(store, "in/", "in/", destination_s3=other).equal == 1


def test_reject_files_are_not_taken_for_sources(store: Store) -> None:
    store.put("out/_rejects/a.jsonl", json_lines(3))
    with pytest.raises(UsageError, match="rejected records"):
        copy_prefix(store, "out/_rejects/", "out/", format="jsonl", max_rejected=1)
    assert store.names() == ["out/_rejects/a.jsonl"]


@pytest.mark.parametrize("form", [*FORMS, None])
def test_a_reject_file_never_replaces_the_source_whatever_the_endpoint_is_called(
    store: Store, form: Callable[[str], str] | None
) -> None:
    source = store.put("in.jsonl", json_lines(3) + b"{bad\n")
    with fault_proxy(store.endpoint) as proxy:
        endpoint = proxy.url if form is None else form(store.endpoint)
        with pytest.raises(UsageError, match="would replace the source"):
            airscoop.copy(
                source,
                store.uri("out.jsonl"),
                format="jsonl",
                max_rejected=5,
                rejects=source,
                source_s3=store.settings(),
                destination_s3=store.settings(endpoint_url=endpoint),
            )
    assert store.names() == ["in.jsonl"]


@pytest.mark.parametrize("form", FORMS)
def test_the_web_address_of_an_object_is_that_object(
    store: Store, form: Callable[[str], str]
) -> None:
    data = json_lines(3)
    uri = store.put("in-00000.jsonl", data)
    address = f"{form(store.endpoint).rstrip('/')}/{BUCKET}/{store.key('in-00000.jsonl')}"
    settings: dict[str, Any] = {"destination_s3": store.settings(), "format": "jsonl"}
    with pytest.raises(UsageError, match="is the source"):
        airscoop.copy(address, uri, **settings)
    with pytest.raises(UsageError, match="would replace the source"):
        airscoop.copy(address, store.uri("out"), max_rejected=5, rejects=uri, **settings)
    with pytest.raises(UsageError, match="another destination"):
        airscoop.copy(address, store.uri("in.jsonl"), split_bytes=SPLIT, **settings)
    assert bodies(store, store.names()) == {"in-00000.jsonl": data}


def test_an_object_copied_onto_itself_stays_whole(store: Store) -> None:
    data = noise(9_000_000)
    source = store.put("x", data)
    settings = store.settings()
    airscoop.copy(source, source, source_s3=settings, destination_s3=settings)
    airscoop.copy(source, source, server_side=False, source_s3=settings, destination_s3=settings)
    assert store.get("x") == data


@pytest.mark.parametrize("in_s3", [True, False])
def test_a_split_output_never_replaces_its_source(
    store: Store, tmp_path: Path, in_s3: bool
) -> None:
    def place(name: str) -> str:
        return store.uri(name) if in_s3 else str(tmp_path / name)

    def write(name: str, data: bytes) -> None:
        with airscoop.open(place(name), "wb", s3=store.settings()) as file:
            file.write(data)

    with airscoop.open(place("x.csv"), "wb", s3=store.settings(), split_bytes=SPLIT) as file:
        file.write(b"1\n")
    both: dict[str, Any] = {"source_s3": store.settings(), "destination_s3": store.settings()}
    for replace in (True, False):
        with pytest.raises(UsageError, match="another destination"):
            airscoop.copy(
                place("x-00000.csv"),
                place("x.csv"),
                split_bytes=SPLIT,
                split_replace=replace,
                **both,
            )
    write("y.csv", b"2\n")
    airscoop.copy(place("y.csv"), place("x.csv"), split_bytes=SPLIT, **both)
    with airscoop.open(place("x-00000.csv"), "rb", s3=store.settings()) as written:
        assert written.read() == b"2\n"


def test_nothing_is_asked_where_names_show_that_they_do_not_meet(store: Store) -> None:
    store.put("in/a", b"data")
    with fault_proxy(store.endpoint) as proxy:
        settings = store.settings(endpoint_url=proxy.url)
        both = {"source_s3": settings, "destination_s3": settings}
        assert copy_prefix(store, "in/", "out/", **both).copied == 1
        assert proxy.kinds().count("list") == 1


def test_another_bucket_is_another_storage(store: Store) -> None:
    store.put("in/a", b"data")
    with pytest.raises(AirscoopError) as caught:
        airscoop.copy_prefix(
            f"s3://{BUCKET}/{store.key('in/')}",
            f"s3://{BUCKET}-other/{store.key('in/copy/')}",
            source_s3=store.settings(),
            destination_s3=store.settings(),
        )
    assert not isinstance(caught.value, UsageError)  # there is no such bucket
