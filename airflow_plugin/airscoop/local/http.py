"""Serves a folder over HTTP, with Content-Length and ranges: python -m airscoop.local.http …"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def _span(header: str, size: int) -> tuple[int, int] | None:
    """First and last place of a Range header's only range; None when there is no such part."""
    match = _RANGE.match(header)
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        first, last = max(size - int(match[2]), 0), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
    return (first, last) if first <= last else None


class Handler(SimpleHTTPRequestHandler):
    """GET and HEAD of files; a single range gives 206, one outside the file 416."""

    protocol_version = "HTTP/1.1"
    _remaining: int | None = None

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        self._remaining = None
        path = Path(self.translate_path(self.path))
        wanted = self.headers.get("Range")
        if wanted is None or not path.is_file():
            return super().send_head()
        size = path.stat().st_size
        span = _span(wanted, size)
        if span is None:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        first, last = span
        stream = path.open("rb")
        stream.seek(first)
        self._remaining = last - first + 1
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(self._remaining))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Last-Modified", self.date_time_string(path.stat().st_mtime))
        self.end_headers()
        return stream

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
        if self._remaining is None:
            shutil.copyfileobj(source, outputfile)
            return
        while self._remaining:
            data = source.read(min(self._remaining, 1 << 16))
            if not data:
                self.close_connection = True
                return
            outputfile.write(data)
            self._remaining -= len(data)


def serve(folder: Path, port: int) -> None:
    """Serves until the process ends."""
    handler = partial(Handler, directory=os.fspath(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="airscoop.local.http", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    serve(given.folder, given.port)


if __name__ == "__main__":
    main()
