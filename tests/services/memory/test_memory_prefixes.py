"""A prefix of very many objects takes no more memory than one of a few."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import PrefixIncomplete
from airscoop.transfer.prefix_entries import files
from support.fault_server import Request, fault_proxy
from support.s3 import BUCKET, MIB, Store

PAGE, PAGES = 1_000, 40
GROWTH = 8 * MIB


def page(number: int, name: str) -> bytes:
    """One page of a listing."""
    keys = "".join(
        f"<Contents><Key>in/{name}{number:04}{one:04}</Key><Size>4</Size><ETag>e</ETag></Contents>"
        for one in range(PAGE)
    )
    more = number + 1 < PAGES
    token = f"<NextContinuationToken>{number + 1}</NextContinuationToken>" if more else ""
    return (
        f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{keys}"
        "</ListBucketResult>"
    ).encode()


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("chosen", [True, False])
def test_what_is_kept_of_objects_does_not_grow_with_their_number(
    store: Store, tmp_path: Path, chosen: bool
) -> None:
    """Keys that no file can have: each fails before anything is asked for."""
    sizes: list[int] = []

    def listing(handler: Any, request: Request) -> None:
        handler.answer(200, page(len(sizes), "a//"), {})
        sizes.append(resident())

    with fault_proxy(store.endpoint) as proxy:
        proxy.on("list", listing, times=PAGES)
        copy: dict[str, Any] = {
            "source_s3": store.settings(endpoint_url=proxy.url),
            "exclude": [] if chosen else ["*"],
        }
        if chosen:
            with pytest.raises(PrefixIncomplete) as caught:
                airscoop.copy_prefix(f"s3://{BUCKET}/in/", tmp_path, **copy)
            receipt = caught.value.receipt
            assert (receipt.objects, receipt.failed) == (PAGE * PAGES, PAGE * PAGES)
            assert len(receipt.failures) == 1_000
        else:
            receipt = airscoop.copy_prefix(f"s3://{BUCKET}/in/", tmp_path, allow_empty=True, **copy)
            assert receipt.objects == 0
    assert len(sizes) == PAGES
    assert sizes[-1] - sizes[5] < GROWTH, sizes


def test_a_folder_of_very_many_files_is_not_kept(tmp_path: Path) -> None:
    """They are looked at as the system lists them."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "0").write_bytes(b"")
    for number in range(1, 20_000):
        (folder / f"{number:080}").hardlink_to(folder / "0")
    found = files(f"{folder}/", lambda name: True)
    next(found)
    before = resident()
    assert sum(1 for _ in found) == 19_999
    assert resident() - before < 1 * MIB
