"""The command: receipts on stdout, messages on stderr, exit codes."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from airscoop import S3Settings, errors
from airscoop.cli import main
from airscoop.cli.command import MODULES, parser

COMMAND = [sys.executable, "-m", "airscoop.cli"]
VERBS = [
    ["copy"],
    ["cat"],
    ["head"],
    ["check"],
    ["delta"],
    ["publish"],
    ["apply"],
    ["partition", "add"],
    ["partition", "list"],
    ["insert"],
    ["refresh"],
    ["script"],
    ["uploads", "list"],
    ["uploads", "clean"],
    ["exports", "list"],
    ["exports", "retry"],
    ["exports", "give-up"],
    ["exports", "unlock"],
    ["local"],
]


def airscoop(
    *arguments: str | Path, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.jsonl"
    path.write_text("".join(f'{{"n": {n}}}\n' for n in range(100)))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"n": 1}\n{"n": }\n{"n": 3}\n')
    return path


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help(verb: list[str]) -> None:
    done = airscoop(*verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(b"usage: airscoop")


def test_a_command_of_its_own_is_not_searched_for_cycles_at_its_end(good: Path) -> None:
    code = """if True:
        import atexit, gc, sys
        atexit.register(lambda: print(gc.get_freeze_count() > 1000))
        from airscoop.cli import main
        line = sys.argv[1:]
        assert main(line if sys.argv[0] == "called" else None) == 0
    """
    for name, frozen in (("called", "False"), ("command", "True")):
        run = f"import sys; sys.argv[0] = {name!r}\n{code}"
        done = subprocess.run(
            [sys.executable, "-c", run, "copy", good, "-"], capture_output=True, text=True
        )
        assert done.stdout.splitlines()[-1] == frozen


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize("more", [["--help"], [], ["--no-such-flag", "a", "b", "c", "d", "e"]])
def test_a_line_is_read_as_by_the_parser_of_all_verbs(
    verb: list[str], more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for reader in (parser(verb[0]), parser()):
        try:
            said.append(str(sorted(vars(reader.parse_args([*verb, *more])))))
        except SystemExit as end:
            said.append(f"{end.code}{capsys.readouterr()}")
    assert said[0] == said[1]


def test_the_help_has_all_verbs_and_fits_the_terminal() -> None:
    text = airscoop("--help", COLUMNS="60").stdout.decode()
    assert re.findall(r"^    (\w+)", text, re.MULTILINE) == list(chain(*MODULES.values()))
    assert 50 < max(map(len, text.splitlines())) <= 60
    assert max(map(len, airscoop("copy", "--help", COLUMNS="120").stdout.splitlines())) > 100
    assert b"invalid choice: 'nothing' (choose from 'copy', " in airscoop("nothing").stderr


def test_the_receipt_alone_is_on_stdout_as_json(good: Path, tmp_path: Path) -> None:
    done = airscoop("copy", good, tmp_path / "out.gz", "--format", "jsonl", "--json")
    receipt = json.loads(done.stdout)
    assert done.returncode == 0
    assert (receipt["records_in"], receipt["records_out"]) == (100, 100)
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == good.read_bytes()


def test_without_json_the_receipt_is_a_sentence(good: Path, tmp_path: Path) -> None:
    done = airscoop("copy", good, tmp_path / "out", "--format", "jsonl")
    assert b"100 records in = 100 out + 0 rejected" in done.stdout


def test_wrong_usage_is_exit_code_2(good: Path, tmp_path: Path) -> None:
    assert airscoop("copy", good).returncode == 2
    assert airscoop("copy", good, "http://host/x").returncode == 2
    assert airscoop("copy", good, tmp_path / "x", "--format", "xml").returncode == 2
    assert airscoop("refresh", "a.b", AIRSCOOP_WAREHOUSE_DSN="").returncode == 2


def test_options_of_prefixes_are_refused_for_one_file(good: Path, tmp_path: Path) -> None:
    for option in (["--include", "*.gz"], ["--exclude", "*"], ["--jobs", "2"]):
        done = airscoop("copy", good, tmp_path / "out", *option)
        assert done.returncode == 2
        assert b"for a source that ends in /" in done.stderr
    assert not (tmp_path / "out").exists()


def test_bad_data_is_exit_code_3_with_the_place(bad: Path, tmp_path: Path) -> None:
    done = airscoop("copy", bad, tmp_path / "out", "--format", "jsonl")
    assert done.returncode == 3
    assert b"BadRecord" in done.stderr
    assert b"line 2 (byte 9)" in done.stderr
    assert not (tmp_path / "out").exists()


def test_failure_is_exit_code_1(tmp_path: Path) -> None:
    done = airscoop("copy", tmp_path / "missing", tmp_path / "out")
    assert done.returncode == 1
    assert b"missing" in done.stderr


def test_an_error_with_json_is_the_one_object_on_stdout(tmp_path: Path) -> None:
    done = airscoop("copy", tmp_path / "missing", tmp_path / "out", "--json")
    facts = json.loads(done.stdout)
    assert facts["error"] == "NOT_FOUND"
    assert facts["committed"] is False
    assert len(done.stderr.splitlines()) == 1


def test_rejected_records_are_counted_and_kept(bad: Path, tmp_path: Path) -> None:
    done = airscoop(
        "copy", bad, tmp_path / "out", "--format", "jsonl", "--max-rejected", "1", "--json"
    )
    receipt = json.loads(done.stdout)
    assert receipt["records_rejected"] == 1
    reject = json.loads(Path(receipt["diagnostics"]["rejects"]).read_text())
    assert (reject["line"], reject["byte_offset"], reject["snippet"]) == (2, 9, '{"n": }')


def test_check_reads_all_and_writes_nothing(good: Path, bad: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    assert airscoop("check", good).returncode == 0
    assert airscoop("check", bad).returncode == 3
    assert sorted(tmp_path.iterdir()) == before


def test_head_stops_after_the_lines_asked_for(good: Path) -> None:
    assert airscoop("head", "-n", "2", good).stdout == b'{"n": 0}\n{"n": 1}\n'
    assert airscoop("head", "-n", "0", good).stdout == b""


def test_cat_inflates(good: Path, tmp_path: Path) -> None:
    packed = tmp_path / "good.gz"
    packed.write_bytes(gzip.compress(good.read_bytes()))
    assert airscoop("cat", packed).stdout == good.read_bytes()


def test_standard_input_and_output_are_a_dash(good: Path) -> None:
    done = airscoop("copy", "-", "-", "--format", "jsonl", stdin=good.read_bytes())
    assert done.stdout == good.read_bytes()
    assert b"100 records" in done.stderr


def test_a_reader_that_leaves_early_is_no_drama(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 70 + b"\n" + b"y" * 10_000_000)
    command = " ".join(["exec", *(f"'{part}'" for part in [*COMMAND, "cat", str(large)])])
    done = subprocess.run(["bash", "-c", f"{command} | head -c 10"], capture_output=True)
    assert done.stdout == b"x" * 10
    assert b"Traceback" not in done.stderr


def test_a_terminal_gets_a_progress_bar(good: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "slow"
    os.mkfifo(fifo)
    main_end, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    with subprocess.Popen(
        [*COMMAND, "copy", str(fifo), str(tmp_path / "out")],
        stderr=terminal,
        stdout=subprocess.DEVNULL,
    ) as process:
        os.close(terminal)
        with fifo.open("wb") as feed:
            feed.write(b"a" * 1000)
            feed.flush()
            shown = os.read(main_end, 4096)
        assert process.wait(60) == 0
    os.close(main_end)
    assert b"slow" in shown
    assert b"B/s" in shown


def test_a_terminal_that_goes_away_takes_the_progress_along_and_not_the_copy(
    tmp_path: Path,
) -> None:
    """As after `nohup`, or where a session keeps its processes: there is no signal, but EIO."""
    program = """if True:
        import sys, airscoop.transfer.copy as copy
        from airscoop.cli import main
        def run(job, *, on_progress, run=copy.TransferJob.run):
            on_progress(shown)
            sys.stdin.read()
            on_progress(shown)
            return run(job, on_progress=on_progress)
        shown = copy.Progress(source_bytes=1, total_bytes=2, records=0, rejected=0)
        copy.TransferJob.run = run
        sys.exit(main())
    """
    main_end, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    (tmp_path / "in").write_bytes(b"a" * 1000)
    with subprocess.Popen(
        [sys.executable, "-c", program, "copy", tmp_path / "in", tmp_path / "out"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        assert os.read(main_end, 4096)
        os.close(main_end)
        printed, _ = process.communicate()
    assert process.returncode == 0
    assert b"in -> " in printed
    assert (tmp_path / "out").read_bytes() == b"a" * 1000


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4096", 4096), ("64M", 2**26), ("1GiB", 2**30), ("64MB", 2**26), ("1.5M", 3 * 2**19),
    ],
)  # fmt: skip
def test_sizes_have_units(text: str, number: int) -> None:
    from airscoop.cli.flags import size

    assert size(text) == number


@pytest.mark.parametrize(
    "text", ["0", "0M", "0.0M", "", "M", "-1", "1.5.2M", ".5M", "²", "١٢", "1T"]
)
def test_what_is_no_size_above_0_is_wrong_usage(text: str) -> None:
    from airscoop.cli.flags import size

    with pytest.raises(argparse.ArgumentTypeError, match="is not a size"):
        size(text)


def test_a_number_of_expected_records_below_0_is_wrong_usage() -> None:
    load = ["insert", "a.b", "c.d", "--columns", "x", "--key", "x"]
    done = airscoop(*load, "--expected-records", "-1")
    assert done.returncode == 2
    assert b"--expected-records" in done.stderr
    assert b"not a whole number" in done.stderr


def test_an_output_that_cannot_be_written_is_said_in_a_line(good: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "copy", str(good), str(tmp_path / "out"), "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 4
    assert b"done, but the receipt could not be printed: No space left on device" in done.stderr
    assert (tmp_path / "out").read_bytes() == good.read_bytes()


@pytest.mark.parametrize(("number", "code"), [("HUP", 129), ("INT", 130), ("TERM", 143)])
def test_a_signal_ends_it_with_its_code_and_leaves_nothing(
    number: str, code: int, tmp_path: Path
) -> None:
    fifo = tmp_path / "endless"
    os.mkfifo(fifo)
    target = tmp_path / "target"
    target.mkdir()
    with subprocess.Popen(
        [*COMMAND, "copy", str(fifo), str(target / "out")], stderr=subprocess.PIPE
    ) as process:
        with fifo.open("wb") as feed:
            feed.write(b"a" * 1000)
            feed.flush()
            process.send_signal(getattr(signal, f"SIG{number}"))
            assert process.wait(30) == code
        assert process.stderr is not None
        assert b"was taken back" in process.stderr.read()
    assert list(target.iterdir()) == []


def test_a_pipe_that_closes_early_is_not_an_error_to_talk_about(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"y" * 10_000_000)
    with subprocess.Popen(
        [*COMMAND, "cat", str(large)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "job"),
    [
        (["delta", "s3://b/old", "s3://b/new"], "deltas.job.DeltaJob"),
        (["publish", "s3://b/changes", "stream"], "publishing.job.PublishJob"),
    ],
)
def test_every_verb_passes_on_what_it_is_told_of_s3(
    arguments: list[str], job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, Any] = {}

    def make(*_: object, **options: Any) -> None:
        made.update(options)
        raise errors.UsageError("far enough")

    monkeypatch.setattr(f"airscoop.{job}", make)
    s3 = "--endpoint-url http://s3 --region r --profile p --anonymous --payload-signing never"
    s3 += " --requester-pays --expected-bucket-owner 123456789012 --ca-file /ca.pem"
    assert main([*arguments, *s3.split()]) == 2
    assert made["s3"] == S3Settings(
        endpoint_url="http://s3",
        region="r",
        profile="p",
        anonymous=True,
        payload_signing="never",
        requester_pays=True,
        expected_bucket_owner="123456789012",
        ca_file="/ca.pem",
    )
