"""The command with standard streams that are closed, full, without a reader, in ASCII."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "airscoop"]
LINES = "".join(f'{{"PK": {n}, "text": "é"}}\n' for n in range(2000))
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
UNPRINTED = "airscoop: done, but the receipt could not be printed: "
NOWHERE = "--dsn=host=/nowhere"

# What a verb is called with; {in} is a good source, {out} a place for what it makes.
DONE = {
    "copy": "copy {in} {out}",
    "copy prefix": "copy {in} {out} -q",
    "check": "check {in} --format jsonl",
    "delta": "delta - {in} --out {out}",
}
FAILING = {
    "copy": ("copy {missing} {out}", 1),
    "bad data": ("copy {bad} {out} --format jsonl", 3),
    "delta": ("delta {missing} {in}", 1),
    "publish": (
        "publish {in} s --kinesis-endpoint-url http://127.0.0.1:1 --retry-seconds 0 --region r",
        1,
    ),
    "apply": (f"apply {{in}} s.t --key PK {NOWHERE}", 1),
    "partition add": (f"partition add s.t a=b --location s3://b/k/ {NOWHERE}", 1),
    "partition list": (f"partition list s.t {NOWHERE}", 1),
    "insert": (f"insert a.b c.d --columns x --key x {NOWHERE}", 1),
    "refresh": (f"refresh a.b {NOWHERE}", 1),
    "script": (f"script {{in}} {NOWHERE}", 1),
    "uploads list": ("uploads list s3://bucket --endpoint-url http://127.0.0.1:1 --anonymous", 1),
    "uploads clean": (
        "uploads clean s3://bucket --yes --endpoint-url http://127.0.0.1:1 --anonymous",
        1,
    ),
    "local": ("local status", 1),
    "wrong line": ("copy {in}", 2),
    "wrong verb": ("nothing", 2),
}
# Each ends in a file of its own where it is not closed or full.
STATES = {
    "stdout closed": ">&- 2>{err}",
    "stderr closed": ">{std} 2>&-",
    "stdin closed": "<&- >{std} 2>{err}",
    "all closed": "<&- >&- 2>&-",
    "stdout full": ">/dev/full 2>{err}",
    "stderr full": ">{std} 2>/dev/full",
    "both full": ">/dev/full 2>/dev/full",
    "stdout without a reader": "2>{err} | :",
    "stderr without a reader": "2>&1 >{std} | :",
}


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    names = ("in", "bad", "missing", "out", "std", "err")
    places = {name: str(tmp_path / name) for name in names}
    Path(places["in"]).write_text(LINES)
    Path(places["bad"]).write_text('{"n": }\n')
    return places


Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(places: dict[str, str], tmp_path: Path) -> Shell:
    def run(line: str, state: str, **environment: str) -> tuple[int, str, str]:
        """The exit code, and what is on stdout and stderr where they can be read."""
        # The reader of `| :` has gone before the command prints.
        wait = "sleep 0.2; " if "| :" in state else ""
        words = line.format(**places)
        script = f'{{ {wait}"$@" {words}; echo $? >{tmp_path}/code; }} {state.format(**places)}'
        folder = {"AIRSCOOP_LOCAL_DIR": str(tmp_path / "bad"), "HOME": str(tmp_path)}
        subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND],
            env={**os.environ, **folder, **environment},
            check=False,
            timeout=60,
        )
        texts = [Path(places[name]) for name in ("std", "err")]
        out, err = (path.read_text() if path.exists() else "" for path in texts)
        assert "Traceback" not in out + err
        assert "Exception ignored" not in out + err
        return int((tmp_path / "code").read_text()), out, err

    return run


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", DONE)
def test_what_is_done_is_0_or_says_that_the_receipt_could_not_be_printed(
    verb: str, state: str, shell: Shell, places: dict[str, str]
) -> None:
    code, out, err = shell(DONE[verb], STATES[state])
    full = state in ("stdout full", "both full")
    assert code == (4 if full else 0)
    assert not err or err.startswith(
        "airscoop: done, but the receipt could not be printed: No space"
    )
    assert len(out.splitlines()) <= 1
    if verb.startswith("copy"):
        assert Path(places["out"]).read_text() == LINES


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", DONE)
def test_a_receipt_that_programs_asked_for_is_there_or_the_code_is_4(
    verb: str, state: str, shell: Shell
) -> None:
    code, out, err = shell(f"{DONE[verb]} --json", STATES[state])
    if state.startswith(("stdout", "both", "all")):
        assert (code, out) == (4, "")
        assert not err or err.startswith(UNPRINTED)
    else:
        assert (code, json.loads(out)["verb"]) == (0, verb.partition(" ")[0])


@pytest.mark.parametrize(
    "state", ["stdout closed", "stderr closed", "all closed", "stdout full", "stderr full"]
)
@pytest.mark.parametrize("verb", FAILING)
def test_a_failure_keeps_its_code_and_is_one_line_and_one_object(
    verb: str, state: str, shell: Shell
) -> None:
    line, expected = FAILING[verb]
    code, out, err = shell(f"{line} --json", STATES[state])
    assert code == expected
    if state.startswith("stderr"):
        facts = json.loads(out)
        assert facts["committed"] is False and facts["error"].isupper() and facts["message"]
    else:
        assert out == ""
    assert not err or err.splitlines()[-1].startswith("airscoop")


@pytest.mark.parametrize("state", ["stderr closed", "stderr full", "stderr without a reader"])
def test_data_are_whole_and_without_messages_whatever_becomes_of_those(
    state: str, shell: Shell
) -> None:
    for line in ("cat {in}", "copy {in} -", "copy {in} - -v", "delta - {in} --out -"):
        code, out, _ = shell(line, STATES[state])
        assert code == 0
        assert out == LINES or out.startswith('{"op":"INSERT"')
    code, out, _ = shell("copy {in} - --json", STATES[state])
    assert (code, out) == (4, LINES)


@pytest.mark.parametrize("state", ["stdout closed", "stdout full", "all closed", "both full"])
@pytest.mark.parametrize("line", ["cat {in}", "head {in}", "copy {in} -", "delta - {in} --out -"])
def test_data_that_stdout_does_not_take_are_a_failure(line: str, state: str, shell: Shell) -> None:
    code, _, err = shell(line, STATES[state])
    assert code == (2 if "closed" in state else 1)
    if state == "stdout closed":
        assert "standard output is closed" in err


def test_data_do_not_go_to_a_file_that_has_got_the_number_of_stdout(
    places: dict[str, str], tmp_path: Path
) -> None:
    code = """if True:
        import os, sys
        other = os.open(sys.argv.pop(1), os.O_RDWR)
        assert other == 1
        from airscoop.cli import main
        sys.exit(main())
    """
    victim = tmp_path / "victim"
    victim.write_text("its own")
    for line in (["cat", places["in"]], ["copy", places["in"], places["out"], "--json"]):
        done = subprocess.run(
            ["bash", "-c", '"$@" >&-', "bash", sys.executable, "-c", code, victim, *line],
            stderr=subprocess.PIPE,
        )
        assert done.returncode == (2 if line[0] == "cat" else 4)
        assert b"standard output is closed" in done.stderr
        assert victim.read_text() == "its own"


def test_what_was_closed_is_held_before_anything_is_opened(
    places: dict[str, str], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "slow")
    line = f"copy {tmp_path}/slow {places['out']} <&- >&- 2>&-"
    shell = ["bash", "-c", f'exec "$@" {line}', "bash", *COMMAND]
    with subprocess.Popen(shell) as process, (tmp_path / "slow").open("wb") as feed:
        feed.write(b"a")
        feed.flush()
        folder = Path(f"/proc/{process.pid}/fd")
        for number in range(3):
            assert (folder / str(number)).readlink() == Path("/dev/null")
        others = {path.readlink() for path in folder.iterdir() if int(path.name) > 2}
        assert tmp_path / "slow" in others
    assert process.returncode == 0


def test_a_reader_that_has_gone_ends_data_as_other_commands_end(shell: Shell) -> None:
    for line in ("cat {in}", "copy {in} -", "delta - {in} --out -", "copy --help"):
        assert shell(line, "2>{err} | :") == (141, "", "")


@pytest.mark.parametrize("line", ["--help", "--version", "copy --help"])
def test_help_that_cannot_be_printed_is_a_failure_in_a_line(line: str, shell: Shell) -> None:
    for state in ("stdout full", "stdout closed"):
        code, _, err = shell(line, STATES[state])
        assert code == 1
        assert err.startswith("airscoop: the output could not be written: ")


def test_text_that_the_locale_does_not_have_is_escaped(
    shell: Shell, places: dict[str, str], tmp_path: Path
) -> None:
    for name in ("é", os.fsdecode(b"\xff")):
        places["out"] = str(tmp_path / name)
        code, out, err = shell("copy {in} {out}", ">{std} 2>{err}", **ASCII)
        assert (code, err) == (0, "") or err.startswith("airscoop: a name or value has characters")
        code, out, err = shell("copy {missing} {out} --json", ">{std} 2>{err}", **ASCII)
        assert code in (1, 2)
        message = json.loads(out)["message"].encode("ascii", "backslashreplace")
        assert message.decode() in err
    assert shell("--help", ">{std} 2>{err}", **ASCII)[0] == 0


def test_what_nobody_foresaw_is_a_line_and_an_object(places: dict[str, str]) -> None:
    for error, code, name in (
        ("MemoryError()", 1, "NO_MEMORY"),
        ("RecursionError('deep')", 1, "INTERNAL"),
        ("OSError(5, 'Input/output error', 'x')", 1, "IO"),
        ("PermissionError(13, 'Permission denied', 'x')", 1, "ACCESS_DENIED"),
        ("PermissionError(13, 'Permission denied', b'x')", 1, "ACCESS_DENIED"),
        ("FileNotFoundError(2, 'No such file', 'x')", 1, "NOT_FOUND"),
        ("UnicodeEncodeError('utf-8', 'x', 0, 1, 'surrogates')", 2, "USAGE"),
        ("KeyError('x')", 1, "INTERNAL"),
    ):
        program = f"""if True:
            import sys, airscoop.transfer.job
            from airscoop.cli import main
            def fail(*_, **__): raise {error}
            airscoop.transfer.job.TransferJob.run = fail
            sys.exit(main())
        """
        done = subprocess.run(
            [sys.executable, "-c", program, "copy", places["in"], places["out"], "--json"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == code
        assert json.loads(done.stdout)["error"] == name
        assert len(done.stderr.splitlines()) == 1
