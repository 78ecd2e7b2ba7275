"""TLS in front of a server that has none, with a certificate that no system trusts."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from support.certificates import server_context
from support.wire_proxy import pump


@contextlib.contextmanager
def tls_relay(endpoint: str, certificate: Path) -> Iterator[str]:
    """Yields the https:// address; the key lies beside the certificate, which is for 127.0.0.1."""
    context = server_context(certificate)
    host, port = urlsplit(endpoint).hostname, urlsplit(endpoint).port
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                client = context.wrap_socket(client, server_side=True)
            except OSError:  # who does not trust us leaves
                client.close()
                continue
            server = socket.create_connection((host, port))
            ends.extend([client, server])
            for pair in ((client, server), (server, client)):
                threads.append(threading.Thread(target=pump, args=pair))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept, args=(listener,))
        accepting.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for end in ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for end in ends:
                end.close()
