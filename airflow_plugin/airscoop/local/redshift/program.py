"""What file_fdw runs for a foreign table: a few lines for the system's Python that fetch rows.

PostgreSQL's own user runs it. It knows a socket and a token, and neither keys nor objects.
"""

from __future__ import annotations

import shlex
from pathlib import Path

PYTHON = "/usr/bin/python3"
CHUNK_HEADER = "!I"

# SIGPIPE and SIGINT end it quietly: the reader has enough, or the statement was cancelled.
SCRIPT = """\
import os, signal, socket, struct, sys
for number in (signal.SIGINT, signal.SIGPIPE):
    signal.signal(number, signal.SIG_DFL)
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(("%s %d\\n" % (sys.argv[2], os.getppid())).encode())
stream = peer.makefile("rb")
while True:
    header = stream.read(4)
    if len(header) < 4:
        sys.exit("the stand-in ended the rows early")
    (size,) = struct.unpack("!I", header)
    if size == 0:
        sys.exit(0)
    sys.stdout.buffer.write(stream.read(size))
    sys.stdout.buffer.flush()
"""


def install(socket: Path) -> Path:
    """Writes the script beside the socket, where PostgreSQL's user reads it."""
    path = socket.with_suffix(".py")
    path.write_text(SCRIPT)
    path.chmod(0o644)
    return path


def command(socket: Path, token: str) -> str:
    """`exec` keeps the shell out, so that the parent process is PostgreSQL's session."""
    words = [PYTHON, "-I", "-S", str(socket.with_suffix(".py")), str(socket), token]
    return "exec " + shlex.join(words)
