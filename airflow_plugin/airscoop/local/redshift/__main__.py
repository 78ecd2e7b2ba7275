"""Runs the stand-in: python -m airscoop.local.redshift --port … --postgres-port … …"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from pathlib import Path

from airscoop.local.redshift.admin import Backend
from airscoop.local.redshift.catalog import ISOLATION
from airscoop.local.redshift.server import Options, StandIn


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="airscoop.local.redshift", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--postgres-port", type=int, required=True)
    parser.add_argument("--postgres-sockets", type=Path, required=True)
    parser.add_argument("--postgres-uid", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--isolation", choices=sorted(ISOLATION), default="snapshot")
    given = parser.parse_args()
    backend = Backend(given.postgres_sockets, given.postgres_port, given.database)
    return Options(given.port, backend, given.socket, given.postgres_uid, given.isolation)


async def _serve(options: Options) -> None:
    serving = asyncio.ensure_future(StandIn(options).serve())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    asyncio.run(_serve(_options()))


if __name__ == "__main__":
    main()
