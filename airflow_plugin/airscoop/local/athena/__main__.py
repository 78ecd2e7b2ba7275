"""Runs the stand-in: python -m airscoop.local.athena --port … --s3 … --glue …

The keys are those of the environment, in AWS's variables.
"""

from __future__ import annotations

import argparse
import logging
import os

from botocore.config import Config

from airscoop.local import clients
from airscoop.local.athena.catalogs import Catalogs
from airscoop.local.athena.engine import Engine
from airscoop.local.athena.executions import MOST_QUERIES, Executions
from airscoop.local.athena.operations import Service
from airscoop.local.athena.result_files import ResultStore
from airscoop.local.athena.web import Application
from airscoop.local.athena.workgroups import WorkGroups
from airscoop.local.web_guard import guarded

HOST = "127.0.0.1"


def application(*, s3: str, glue: str, results: str | None, most: int) -> Application:
    """The API over an S3 and a Glue catalog, both by their addresses."""
    names = ("access_key_id", "secret_access_key", "session_token")
    found = {name: os.environ.get(f"AWS_{name.upper()}") for name in names}
    keys = {name: value for name, value in found.items() if value}
    # Servers other than AWS know no trailing checksums, and no bucket in the host's name.
    plain = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    s3_client = clients.client("s3", s3, keys, plain)
    glue_client = clients.client("glue", glue, keys)
    files, groups = ResultStore(s3_client), WorkGroups(results)
    engine = Engine(s3=s3_client, glue=glue_client)
    executions = Executions(engine, files, groups, most=most)
    service = Service(
        executions=executions, files=files, groups=groups, catalogs=Catalogs(glue_client)
    )
    return Application(service)


def serve(port: int, answer: Application) -> None:
    """Serves until the process ends."""
    from werkzeug.serving import run_simple

    hosts = (f"{HOST}:{port}", f"localhost:{port}")
    # It would log every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    run_simple(HOST, port, guarded(answer, hosts), threaded=True)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(prog="airscoop.local.athena", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--s3", required=True, metavar="URL", help="the S3 server")
    parser.add_argument("--glue", required=True, metavar="URL", help="the Glue catalog's server")
    parser.add_argument(
        "--results", metavar="URI", help="where results of the workgroup primary go, if not given"
    )
    parser.add_argument("--queries", type=int, default=MOST_QUERIES, help="that run at once")
    parser.add_argument("--stack", help="the folder of the stack that this server belongs to")
    given = parser.parse_args()
    serve(
        given.port,
        application(s3=given.s3, glue=given.glue, results=given.results, most=given.queries),
    )


if __name__ == "__main__":
    main()
