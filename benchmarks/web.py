"""web.py FOLDER PORT: the local stack's web server, whose bodies the kernel sends (sendfile)."""

from __future__ import annotations

import sys
from functools import partial
from http.server import ThreadingHTTPServer
from typing import BinaryIO

from airscoop.local import http


class Handler(http.Handler):
    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
        self.connection.sendfile(source, source.tell(), self._remaining)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a log line a request would be work of the machine that is measured."""


def main() -> None:
    folder, port = sys.argv[1:]
    handler = partial(Handler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", int(port)), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
