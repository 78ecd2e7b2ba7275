"""Random histories of a table: exports, runs of the pipeline that are killed, stopped and failed at
random moments, a consumer that is killed, too; at the end what everyone has is the newest export.

A seed tells everything; `--history-seeds N` runs the first N, `--history-seed N` one again."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airscoop.exports.registry import Registry
from support.fault_run import tidy
from support.history_plan import history
from support.history_run import Play
from support.history_scene import scene
from support.history_worker import Pipeline
from support.kinesis import Stream
from support.moto import MotoServer
from support.postgres import let_load, new_database
from support.s3 import BUCKET, Store
from support.seeds import Seeds, seeds_of
from support.warehouse import Settings, conninfo

THREADS = 4
DEADLINE_SECONDS = 600


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    one = metafunc.config.getoption("--history-seed")
    count = metafunc.config.getoption("--history-seeds")
    metafunc.parametrize("seed", [one] if one is not None else range(count))


@dataclass(frozen=True)
class Servers:
    """What all histories share, and clients for it."""

    store: Store
    moto: MotoServer
    database: Settings
    dynamodb: Any
    kinesis: Any

    @contextlib.contextmanager
    def places(self, prefix: str) -> Iterator[tuple[Registry, str]]:
        """A history's own registry and stream; what is in S3 under its names is gone after it."""
        table, stream = self.moto.make_registry(), f"changes-{prefix}"
        self.kinesis.create_stream(StreamName=stream, ShardCount=2)
        try:
            yield Registry(table, client=self.dynamodb), stream
        finally:
            self.kinesis.delete_stream(StreamName=stream)
            self.dynamodb.delete_table(TableName=table)
            for each in (prefix, stream):
                tidy(Store(self.store.endpoint, each, self.store.client))


def run(seed: int, servers: Servers, folder: Path) -> list[str]:
    """What is wrong with how a seed ended."""
    folder.mkdir()
    plan, database = history(seed), servers.database
    store = Store(
        servers.store.endpoint, f"seed{seed}-{uuid.uuid4().hex[:8]}", servers.store.client
    )
    with (
        servers.places(store.prefix) as (registry, stream),
        scene(store.endpoint, servers.moto.endpoint, int(database["port"])) as (made, port),
    ):
        pipeline = Pipeline(
            prefix=f"s3://{BUCKET}/{store.prefix}/",
            changes=f"s3://{BUCKET}/{stream}",
            registry=registry.table.name,
            stream=stream,
            s3_endpoint=made.s3.url,
            aws_endpoint=made.aws.url,
            conninfo=conninfo(database, port=str(port), sslmode="disable"),
            table=f"seed{seed}.orders",
            marker=plan.kind.marker,
        )
        reader = Stream(stream, made.aws, servers.kinesis)
        play = Play(plan, store, registry, reader, made, pipeline, database, folder)
        play.play()
        return [*play.problems, *play.notes] if play.problems else []


@pytest.fixture(scope="module")
def seeds(
    request: pytest.FixtureRequest,
    s3_server: Store,
    moto_server: MotoServer,
    postgres: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Seeds]:
    folder = tmp_path_factory.mktemp("histories")
    clients = [
        moto_server.client(name, max_pool_connections=50) for name in ("dynamodb", "kinesis")
    ]
    with new_database(postgres) as database:
        let_load(database)
        servers = Servers(s3_server, moto_server, database, *clients)
        running = Seeds(
            seeds_of(request),
            lambda seed: run(seed, servers, folder / str(seed)),
            threads=THREADS,
            deadline_seconds=DEADLINE_SECONDS,
        )
        yield running
        running.stop()


def test_everyone_has_the_newest_export_and_no_change_is_lost_undone_or_invented(
    seed: int, seeds: Seeds
) -> None:
    problems = seeds.problems(seed)
    if problems:
        again = f"./run test tests/services/histories --history-seed {seed}"
        pytest.fail("\n".join(["", str(history(seed)), *problems, again]), pytrace=False)
