"""What of a web source is tried again, how soon, and what is left to who called."""

from __future__ import annotations

import email.utils
import logging
import re
import threading
import time
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
from support.fault_server import Answer, Origin, raw, redirect, status, then_reset, with_length
from support.web_waits import WAIT_MS, WAITS_MS

DATA = b"a line\n" * 1000
SOON = (429, 500, 502, 503, 504)
LATER = (202, 408, 409, 423, 425)
NEVER = (204, 400, 401, 403, 404, 405, 406, 410, 418, 451, 501, 505)
WHOLE = with_length(DATA)
LOST = {
    "closed at once": raw(),
    "reset at once": then_reset(raw()),
    "reset after the head": then_reset(with_length(b"", said=7)),
    "cut in the status line": raw(b"HTTP/1.1 2"),
}


@pytest.fixture
def waits(caplog: pytest.LogCaptureFixture) -> Waits:
    caplog.set_level(logging.DEBUG, "airscoop")
    return Waits(caplog)


class Waits:
    """What the trace tells of waits."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def lines(self) -> list[str]:
        lines = [record.getMessage() for record in self._caplog.records]
        return [line for line in lines if re.search(r" in \d+ ms, try ", line)]

    @property
    def ms(self) -> list[int]:
        return [int(ms) for line in self.lines for ms in re.findall(r" in (\d+) ms, try ", line)]


@pytest.mark.parametrize("code", SOON)
def test_a_server_in_trouble_is_asked_again(
    code: int, web: Origin, tmp_path: Path, waits: Waits
) -> None:
    receipt = airscoop.copy(web.serve("/f", *[status(code)] * 3, WHOLE), tmp_path / "f")
    assert (receipt.retries, len(web.heads)) == (3, 4)
    assert (tmp_path / "f").read_bytes() == DATA
    for n, ms in enumerate(waits.ms):
        assert 0.75 * 2**n * WAIT_MS - 1 <= ms <= 1.25 * 2**n * WAIT_MS


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
def test_a_lost_connection_is_made_again(answer: Answer, web: Origin, tmp_path: Path) -> None:
    receipt = airscoop.copy(web.serve("/f", answer, answer, WHOLE), tmp_path / "f")
    assert (receipt.retries, receipt.restarts) == (2, 0)
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize("code", SOON)
def test_an_outage_is_waited_for_so_long_and_no_longer(
    code: int, web: Origin, tmp_path: Path, waits: Waits
) -> None:
    with pytest.raises(errors.AirscoopError, match=f"HTTP {code}") as failed:
        airscoop.copy(web.serve("/f", status(code)), tmp_path / "f")
    assert failed.value.retryable
    assert sum(waits.ms) == WAITS_MS
    assert len(web.heads) == len(waits.ms) + 1 > 4
    assert all("/f: " in line for line in waits.lines)


def test_the_waits_of_an_outage_can_be_set(web: Origin, tmp_path: Path, waits: Waits) -> None:
    with pytest.raises(errors.HttpError):
        airscoop.copy(web.serve("/f", status(503)), tmp_path / "f", retry_seconds=0.05)
    assert sum(waits.ms) == 50


def test_without_retries_there_is_one_request(web: Origin, tmp_path: Path) -> None:
    for answer in (status(503), status(429, headers="Retry-After: 0\r\n"), raw()):
        url = web.serve("/f", answer)
        with pytest.raises(errors.AirscoopError):
            airscoop.copy(url, tmp_path / "f", retry_seconds=0)
    assert len(web.heads) == 3


@pytest.mark.parametrize("code", [*LATER, *NEVER])
def test_what_another_status_means_is_left_to_who_called(
    code: int, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/f", status(code, body=b"" if code == 204 else b"no"))
    with pytest.raises(errors.AirscoopError, match=f"HTTP {code}") as failed:
        airscoop.copy(url, tmp_path / "f")
    assert failed.value.retryable is (code in LATER)
    assert len(web.heads) == 1
    assert failed.value.source_missing is (code in (404, 410))


def test_an_unknown_name_is_not_waited_for(tmp_path: Path, waits: Waits) -> None:
    with pytest.raises(errors.ConnectionFailed) as failed:
        airscoop.copy("http://nowhere.invalid/f", tmp_path / "f")
    assert failed.value.retryable
    assert waits.lines == []


def in_seconds(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


NOON, THEN = "Sat, 01 Jan 2022 12:00:00 GMT", "Sat, 01 Jan 2022 12:00:01 GMT"
FORMS = {
    "seconds": "Retry-After: 1\r\n",
    "a date": f"Date: {NOON}\r\nRetry-After: {THEN}\r\n",
    "a date of an older form": f"Date: {NOON}\r\nRetry-After: Saturday, 01-Jan-22 12:00:01 GMT\r\n",
}


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("line", FORMS.values(), ids=FORMS)
def test_retry_after_is_obeyed_in_both_forms(
    line: str, code: int, web: Origin, tmp_path: Path, waits: Waits
) -> None:
    airscoop.copy(web.serve("/f", status(code, headers=line), WHOLE), tmp_path / "f")
    assert waits.ms == [1000]
    assert "as the server asks" in waits.lines[0]


@pytest.mark.parametrize(
    "line",
    [
        "Retry-After: 0", "Retry-After: -5", "Retry-After: soon", "Retry-After:",
        "Retry-After: 1.5",
        f"Date: {THEN}\r\nRetry-After: {NOON}", "Retry-After: Monday",
    ],
)  # fmt: skip
def test_a_retry_after_that_says_nothing_changes_nothing(
    line: str, web: Origin, tmp_path: Path, waits: Waits
) -> None:
    airscoop.copy(web.serve("/f", status(503, headers=f"{line}\r\n"), WHOLE), tmp_path / "f")
    assert waits.ms[0] <= 1.25 * WAIT_MS


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Retry-After: 61", 61),
        ("Retry-After: 3600", 3600),
        ("Retry-After: 99999999999999999999", 1_000_000_000),
        (f"Date: {NOON}\r\nRetry-After: Sat, 01 Jan 2022 13:00:00 GMT", 3600),
    ],
)
def test_a_longer_retry_after_ends_the_try_and_is_told(
    line: str, seconds: int, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/f", status(429, headers=f"{line}\r\n"))
    with pytest.raises(errors.Throttled, match=f"asks for a wait of {seconds} s") as failed:
        airscoop.copy(url, tmp_path / "f")
    assert failed.value.retryable
    assert len(web.heads) == 1


def test_a_retry_after_counts_among_the_waits(web: Origin, tmp_path: Path, waits: Waits) -> None:
    url = web.serve("/f", status(503, headers="Retry-After: 1\r\n"))
    with pytest.raises(errors.HttpError, match="asks for a wait of 1 s"):
        airscoop.copy(url, tmp_path / "f")
    assert waits.ms == [1000]


def test_a_wait_ends_at_once_by_a_cancel(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", status(503, headers="Retry-After: 60\r\n"))
    job = TransferJob(TransferOptions(source=url, destination=str(tmp_path / "f")))
    threading.Timer(0.3, job.cancel).start()
    start = time.monotonic()
    with pytest.raises(errors.Cancelled):
        job.run()
    assert time.monotonic() - start < 30


def test_a_redirect_to_a_server_in_trouble_is_followed_again(web: Origin, tmp_path: Path) -> None:
    web.serve("/there", status(502), WHOLE)
    airscoop.copy(web.serve("/here", redirect("/there")), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_report_that_is_not_ready_says_so(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", status(202, headers="Retry-After: 120\r\n"))
    with pytest.raises(errors.HttpError, match=r"HTTP 202, it is not ready; it asks .* 120 s"):
        airscoop.copy(url, tmp_path / "f")
