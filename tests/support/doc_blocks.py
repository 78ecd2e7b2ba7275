"""The blocks of code in README and docs: found, and run as they are printed."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.paths import ROOT

# What a block's first line may say behind its ```. What is no code is text.
RUN = ("console", "python", "sql")
NO_CODE = ("text", "text output", "mermaid")
# Blocks that are not run: `aws` needs an account, `elsewhere` is run by another test.
MARKS = ("aws", "elsewhere")
_FENCE = re.compile(r"^( *)```(.*)$")
_LIST = re.compile(r"\s*(?:[-*]|\d+\.)\s")
# What another run prints otherwise: both sides are read with these in place of it.
_VARYING = (
    (re.compile(r"\b\d+\.\d+ s\b"), "N s"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \d+/\d+"), "TIME PROCESS/THREAD"),
    (re.compile(r"\b\d+ ms\b"), "N ms"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"[\d.,]+ [KMG]?i?B not sent again"), "N not sent again"),
    (re.compile(r"^bash: .* Killed .*\n?", re.MULTILINE), ""),
)
_DONE = "the command of the block has ended with"
COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Block:
    """A page's path, its line, what stands behind the fence, and the text."""

    page: str
    line: int
    info: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def first(self) -> str:
        return next(iter(self.text.splitlines()), "").removeprefix("$ ")


def pages() -> list[Path]:
    """All pages but those that ./run docs makes: their blocks are signatures and --help."""
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    found += [ROOT / "terraform/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if "Made from the code" not in path.read_text(encoding="utf-8")]


def blocks(page: Path, root: Path = ROOT) -> list[Block]:
    """A page's blocks in their order; one that is made by indenting has the info "indented"."""
    name = page.relative_to(root).as_posix()
    lines = page.read_text(encoding="utf-8").splitlines()
    found, at = [], 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is not None:
            end = next(each for each in range(at + 1, len(lines)) if lines[each].strip() == "```")
            text = "\n".join(line.removeprefix(fence[1]) for line in lines[at + 1 : end])
            found.append(Block(name, at + 1, fence[2].strip(), text))
            at = end
        elif _is_indented(lines, at):
            found.append(Block(name, at + 1, "indented", lines[at].strip()))
        at += 1
    return found


def _is_indented(lines: Sequence[str], at: int) -> bool:
    """Whether a block by indenting begins here; within a list it has four columns more."""
    line = lines[at]
    if not line.startswith("    ") or (at > 0 and lines[at - 1].strip()):
        return False
    above = next((each for each in reversed(lines[:at]) if each and each[0] != " "), "")
    return not _LIST.match(above) or line.startswith("       ")


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what it prints below it; `> ` goes on with one."""
    command = ""
    printed: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(printed)
            command, printed = line[2:], []
        elif (line == ">" or line.startswith("> ")) and not printed:
            command += "\n" + line[2:]
        elif command.endswith("\\") and not printed:
            command += "\n" + line
        else:
            assert command, f"this is printed by no command: {line}"
            printed.append(line)
    if command:
        yield command, "\n".join(printed)


def same(printed: str, shown: str) -> bool:
    """Whether a page shows what is printed; `…` stands for anything."""
    texts = []
    for text in (printed, shown):
        text = "\n".join(line.rstrip() for line in text.splitlines())
        for pattern, name in _VARYING:
            text = pattern.sub(name, text)
        texts.append(text.strip())
    anything = ".*?".join(re.escape(piece) for piece in texts[1].split("…"))
    return re.fullmatch(anything, texts[0], re.DOTALL) is not None


class Shell:
    """One bash for all commands of a page, in a folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, command: str) -> tuple[str, int]:
        """What a command prints, on either stream, and its exit code."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\nprintf '\\n{_DONE} %d\\n' $?\n".encode())
        self._bash.stdin.flush()
        output, ends = b"", time.monotonic() + COMMAND_SECONDS
        while not (done := re.search(rf"\n?\n{_DONE} (\d+)\n$", output.decode(errors="replace"))):
            left = ends - time.monotonic()
            ready = select.select([self._bash.stdout], [], [], max(0.0, left))[0]
            assert ready, f"{command} does not end; it printed {output.decode()}"
            piece = os.read(self._bash.stdout.fileno(), 1 << 16)
            assert piece, f"{command} has ended the shell"
            output += piece
        return output.decode()[: done.start()], int(done[1])

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()


def run_console(block: Block, shell: Shell, places: Mapping[str, str]) -> None:
    """Runs the commands of a block. Where one's output is shown, that is what it prints; where
    nothing is shown, it must succeed."""
    for command, shown in commands(block.text):
        printed, code = shell.run(put(command, places))
        if shown:
            about = f"{block.place}: {command}\nprinted:\n{printed}"
            assert same(printed, put(shown, places)), about
        else:
            assert code == 0, f"{block.place}: {command} ended with {code}\n{printed}"


def run_python(block: Block, names: dict[str, Any], places: Mapping[str, str]) -> str:
    """Runs a block with a page's names; what it printed."""
    code = compile("\n" * block.line + put(block.text, places), block.place, "exec")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, names)
    return output.getvalue()


def put(text: str, places: Mapping[str, str]) -> str:
    """The text with the places that stand for those in it."""
    for shown, real in places.items():
        text = text.replace(shown, real)
    return text
