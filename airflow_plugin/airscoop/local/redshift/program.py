"""The command in a foreign table: a few lines of the system's Python that fetch rows as text.

PostgreSQL's own user runs it. It knows a socket and a token, and neither keys nor objects.
"""

from __future__ import annotations

import shlex

PYTHON = "/usr/bin/python3"
CHUNK_HEADER = "!I"

# SIGPIPE and SIGINT end it quietly: the reader has enough, or the statement was cancelled.
SCRIPT = """
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


def command(socket_path: str, token: str) -> str:
    """`exec` keeps the shell out, so that the parent process is PostgreSQL's session."""
    words = [PYTHON, "-I", "-S", "-c", SCRIPT.strip(), socket_path, token]
    return "exec " + shlex.join(words)
