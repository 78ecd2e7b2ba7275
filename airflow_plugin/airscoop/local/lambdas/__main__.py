"""python -m airscoop.local.lambdas --port N --folder DIR: serves until the process ends."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from airscoop.local.clients import REGION
from airscoop.local.lambdas.functions import Functions
from airscoop.local.lambdas.server import Application
from airscoop.local.web_guard import guarded

HOST = "127.0.0.1"


def main() -> None:
    from werkzeug.serving import run_simple

    parser = argparse.ArgumentParser(prog="airscoop.local.lambdas", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--stack", help="the folder of the stack that this server belongs to")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # It would log every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    application = Application(Functions(folder=given.folder, region=REGION))
    hosts = (f"{HOST}:{given.port}", f"localhost:{given.port}")
    run_simple(HOST, given.port, guarded(application, hosts), threaded=True)


if __name__ == "__main__":
    main()
