"""The local stack: brings its parts up, takes them down, and says what runs where.

State is kept in $AIRSCOOP_LOCAL_DIR, else /var/tmp/airscoop-UID: data, logs, and stack.json with
ports, keys and the processes that were started.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from airscoop.aws.settings import S3Settings
from airscoop.cli.warehouse import DSN_VARIABLE
from airscoop.errors import AirscoopError
from airscoop.local import aws, clients, processes, s3, systems
from airscoop.local.postgres import Postgres
from airscoop.local.processes import LocalStackError, Process, Recorder
from airscoop.local.resources import Resource
from airscoop.transfer.places import displayed

BUCKET = "airscoop"
WAREHOUSE_USER, WAREHOUSE_DATABASE = "awsuser", "dev"
# Not named like the schema that airscoop keeps: what has no schema would be looked for there first.
POSTGRES_USER, POSTGRES_DATABASE = "loader", "airscoop"
POSTGRES_USER_BEFORE = "airscoop"
READY_SECONDS = 60
# Of a server that was named, before the stack is changed for it.
CHECK_TRIES = 2
# What the extra `local` installs.
PACKAGES = ("boto3", "duckdb", "moto", "pyarrow", "sqlglot")
# Variables that would lead elsewhere than the stack.
UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
# In the order they are started; they are stopped in the opposite one.
PARTS = ("s3", "aws", "postgres", "warehouse", "athena", "lambdas", "http")
# All that the stack and its Airflow make in their folder, where others may keep something, too.
MADE = (
    "s3", "s3-identities.json", "postgres", "postgres.new-*", "http", "run", "log", "airflow",
    "stack.json", "stack.new",
)  # fmt: skip


def _damaged(path: Path) -> str:
    """What to do about a stack.json that says nothing: the rest of the folder is still good."""
    folder = path.parent
    # Each part's server has one of these among its words.
    places = ("postgres", "http", "run")
    marks = {f"-dir={folder}/s3", str(folder), *(f"{folder}/{place}" for place in places)}
    found = processes.with_words(marks)
    running = ", ".join(f"{pid} ({program})" for pid, program in sorted(found.items()))
    first = f"end the stack's processes {running}, then" if found else "none of its servers runs;"
    return (
        f"{path} is damaged: {first} remove this file and bring the stack up; "
        "ports and keys change, the data stay"
    )


@dataclass
class State:
    """What stack.json holds. `s3_endpoint` is one that was given; then no S3 is started."""

    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    bucket: str = BUCKET
    s3_endpoint: str | None = None
    lambdas: str = ""  # the folder of the handlers

    @classmethod
    def load(cls, path: Path) -> State:
        """LocalStackError names a file that cannot be read, and what may run without it."""
        try:
            fields: dict[str, Any] = json.loads(path.read_text())
            found = {name: Process(**item) for name, item in fields.pop("processes").items()}
            return cls(processes=found, **fields)
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise LocalStackError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LocalStackError(_damaged(path)) from error

    def save(self, path: Path) -> None:
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(asdict(self), stream, indent=2)
        beside.replace(path)

    def secret(self, name: str) -> str:
        return self.secrets.setdefault(name, secrets.token_hex(20))

    def runs(self, part: str) -> bool:
        process = self.processes.get(part)
        return process is not None and processes.alive(process)


@dataclass(frozen=True, kw_only=True)
class Status:
    """Where each part is; a part that was never up has only `running`."""

    state: str
    s3: dict[str, Any]
    aws: dict[str, Any]
    athena: dict[str, Any]
    lambdas: dict[str, Any]
    warehouse: dict[str, Any]
    postgres: dict[str, Any]
    http: dict[str, Any]

    def runs(self, part: str) -> bool:
        """Whether one of PARTS does."""
        return bool(getattr(self, part)["running"])

    @property
    def running(self) -> bool:
        return all(self.runs(part) for part in PARTS)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "running": self.running}


def state_folder() -> Path:
    given = os.environ.get("AIRSCOOP_LOCAL_DIR")
    return Path(given).absolute() if given else Path(f"/var/tmp/airscoop-{os.getuid()}")  # noqa: S108


def _own_folder(folder: Path) -> None:
    """Makes it, or checks that it is the caller's alone to write."""
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalStackError(
            f"{folder} cannot be made ({error.strerror}): set AIRSCOOP_LOCAL_DIR to another folder"
        ) from error
    found = folder.lstat()
    if found.st_uid != os.getuid() or folder.is_symlink() or found.st_mode & 0o022:
        raise LocalStackError(f"{folder} must be a folder that only you can write to")
    folder.chmod(0o711)
    for above in folder.parents:
        if os.getuid() == 0 and not above.stat().st_mode & 0o001:
            raise LocalStackError(
                f"the user postgres cannot reach {folder}, because {above} is closed: "
                "set AIRSCOOP_LOCAL_DIR to another folder"
            )


class Stack:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "stack.json"
        self._run = folder / "run"
        self._http_root = folder / "http"
        self._state = State.load(self._file)
        self._postgres = Postgres(folder, self._run)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One caller at a time changes the stack; others wait."""
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._state = State.load(self._file)
            yield

    def _save(self) -> None:
        self._state.save(self._file)

    def _log(self, part: str) -> Path:
        return self._folder / "log" / f"{part}.log"

    def _port(self, name: str) -> int:
        """The port used before, so that addresses stay; another one when that is taken."""
        port = self._state.ports.get(name)
        if port is None or not processes.becomes_free(port):
            taken = set(self._state.ports.values())
            port = next(port for port in processes.free_ports(20) if port not in taken)
            self._state.ports[name] = port
            self._save()
        return port

    def _launch(
        self, part: str, start: Callable[[Recorder], Process], ready: Callable[[], bool]
    ) -> None:
        """Starts one part and waits until it is ready; what does not get ready is stopped."""

        def record(process: Process) -> None:
            self._state.processes[part] = process
            self._save()

        try:
            process = start(record)
            processes.wait_until(ready, process, log=self._log(part), seconds=READY_SECONDS)
        except BaseException:
            self._stop(part)
            raise

    def _stop(self, part: str) -> None:
        process = self._state.processes.get(part)
        if process is not None:
            processes.stop(process)
            del self._state.processes[part]
            self._save()

    def check(self, s3_endpoint: str | None, bucket: str) -> None:
        """What would fail, before anything is stopped or started for it."""
        missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
        if missing:
            raise LocalStackError(
                f"the Python packages {', '.join(missing)} are missing: "
                "pip install 'airscoop[local]'"
            )
        self._postgres.check()
        s3.check_bucket(bucket)
        if s3_endpoint is None:
            s3.binary()
            return
        s3.check_endpoint(s3_endpoint)
        keys = _callers_credentials(s3_endpoint)
        s3.ensure_bucket(s3_endpoint, keys, bucket, tries=CHECK_TRIES)

    def up(self, s3_endpoint: str | None, bucket: str) -> None:
        for private in (self._folder / "log", self._http_root):
            private.mkdir(mode=0o700, exist_ok=True)
        # PostgreSQL's user makes its socket here, and finds the stand-in's.
        self._run.mkdir(mode=0o711, exist_ok=True)
        if os.getuid() == 0:
            os.chown(self._run, self._postgres.uid, -1)
        if (self._state.s3_endpoint, self._state.bucket) != (s3_endpoint, bucket):
            self._stop("warehouse")
            self._stop("athena")
            self._stop("lambdas")
            self._stop("s3")
            self._state.s3_endpoint, self._state.bucket = s3_endpoint, bucket
        if s3_endpoint is None and not self._state.runs("s3"):
            self._start_s3()
        s3.ensure_bucket(self._endpoint(), self._credentials(), bucket)
        if not self._state.runs("aws"):
            self._start_aws()
        aws.ensure(self._aws_endpoint(), self._credentials(), _resources().values())
        if not self._state.runs("postgres"):
            self._start_postgres()
        if not self._state.runs("warehouse"):
            self._start_warehouse()
        if not self._state.runs("athena"):
            self._start_athena()
        if not self._state.runs("lambdas") or self._state.lambdas != str(_lambdas()):
            self._start_lambdas()
        if not self._state.runs("http"):
            self._start_http()
        self._save()

    def down(self) -> None:
        for part in reversed(PARTS):
            self._stop(part)

    def purge(self) -> None:
        for made in MADE:
            for path in self._folder.glob(made):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def _start_s3(self) -> None:
        self._stop("warehouse")
        self._stop("athena")
        self._stop("lambdas")
        ports = {}
        for name in s3.PORTS:
            ports[name] = self._port(name)
            ports[f"{name}.grpc"] = self._port(f"{name}.grpc")
        keys = self._credentials()
        server = s3.SeaweedFS(self._folder, keys["access_key_id"], keys["secret_access_key"])
        self._launch(
            "s3",
            lambda record: server.start(ports, self._log("s3"), record),
            lambda: server.is_ready(ports["s3"]),
        )

    def _start_aws(self) -> None:
        self._stop("athena")
        port = self._port("aws")
        self._launch(
            "aws",
            lambda record: aws.start(
                self._folder, port, self._log("aws"), record, _python_environment()
            ),
            lambda: processes.accepts(port),
        )

    def _start_postgres(self) -> None:
        self._stop("warehouse")
        self._postgres.create()
        port = self._port("postgres")
        self._launch(
            "postgres",
            lambda record: self._postgres.start(port, self._log("postgres"), record),
            lambda: self._postgres.is_ready(port),
        )
        self._postgres.rename_role(port, POSTGRES_USER_BEFORE, POSTGRES_USER)
        self._postgres.ensure(
            port,
            {
                WAREHOUSE_USER: self._state.secret("warehouse"),
                POSTGRES_USER: self._state.secret("postgres"),
            },
            {WAREHOUSE_DATABASE: WAREHOUSE_USER, POSTGRES_DATABASE: POSTGRES_USER},
        )

    def _start_warehouse(self) -> None:
        port = self._port("warehouse")
        arguments = {
            "--port": port,
            "--postgres-port": self._state.ports["postgres"],
            "--postgres-sockets": self._run,
            "--postgres-uid": self._postgres.uid,
            "--database": WAREHOUSE_DATABASE,
            "--socket": self._run / "rows",
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        self._launch(
            "warehouse",
            lambda record: processes.start(
                "the Redshift stand-in",
                [sys.executable, "-m", "airscoop.local.redshift", *words],
                log=self._log("warehouse"),
                record=record,
                env={**_python_environment(), **self._aws_environment()},
            ),
            lambda: processes.accepts(port),
        )

    def _start_athena(self) -> None:
        port = self._port("athena")
        arguments = {
            "--port": port,
            "--s3": self._endpoint(),
            "--glue": self._aws_endpoint(),
            "--results": self._athena_results(),
            "--stack": self._folder,
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        self._launch(
            "athena",
            lambda record: processes.start(
                "the Athena stand-in",
                [sys.executable, "-m", "airscoop.local.athena", *words],
                log=self._log("athena"),
                record=record,
                env={**_python_environment(), **self._aws_environment()},
            ),
            lambda: processes.accepts(port),
        )

    def _start_lambdas(self) -> None:
        self._stop("lambdas")
        port, folder = self._port("lambdas"), str(_lambdas())
        self._state.lambdas = folder
        words = ["--port", str(port), "--folder", folder, "--stack", str(self._folder)]
        dsn = self._dsn("warehouse", WAREHOUSE_USER, WAREHOUSE_DATABASE)
        self._launch(
            "lambdas",
            lambda record: processes.start(
                "the Lambda stand-in",
                [sys.executable, "-m", "airscoop.local.lambdas", *words],
                log=self._log("lambdas"),
                record=record,
                env={**_python_environment(), **self._aws_environment(), DSN_VARIABLE: dsn},
            ),
            lambda: processes.accepts(port),
        )

    def _start_http(self) -> None:
        port = self._port("http")
        words = ["--folder", str(self._http_root), "--port", str(port)]
        self._launch(
            "http",
            lambda record: processes.start(
                "the file server",
                [sys.executable, "-m", "airscoop.local.http", *words],
                log=self._log("http"),
                record=record,
                env=_python_environment(),
            ),
            lambda: processes.accepts(port),
        )

    def _endpoint(self) -> str:
        return self._state.s3_endpoint or f"http://127.0.0.1:{self._state.ports['s3']}"

    def _aws_endpoint(self) -> str:
        return f"http://{aws.HOST}:{self._state.ports['aws']}"

    def _athena_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._state.ports['athena']}"

    def _lambdas_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._state.ports['lambdas']}"

    def _athena_results(self) -> str:
        """Where results go that nobody gives a place."""
        return f"s3://{self._state.bucket}/athena/"

    def _credentials(self) -> dict[str, str]:
        """The stack's own keys, or the caller's where the endpoint is not the stack's."""
        if self._state.s3_endpoint is None:
            return {
                "access_key_id": self._state.secret("s3_access_key_id"),
                "secret_access_key": self._state.secret("s3_secret_access_key"),
            }
        return _callers_credentials(self._state.s3_endpoint)

    def _known_credentials(self) -> dict[str, str]:
        """The same; none where the caller's cannot be found, as where the stack runs is known."""
        try:
            return self._credentials()
        except (AirscoopError, LocalStackError):
            return {}

    def environment(self) -> dict[str, str]:
        """AWS's variables for the stack; LocalStackError when it does not run."""
        stopped = [part for part in PARTS if not self.status().runs(part)]
        if stopped:
            raise LocalStackError(f"{', '.join(stopped)} do not run: airscoop local up")
        return self._aws_environment()

    def _aws_environment(self) -> dict[str, str]:
        keys, known = self._credentials(), self._state.ports
        names = {
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_SESSION_TOKEN": keys.get("session_token", ""),
            "AWS_ENDPOINT_URL_S3": self._endpoint(),
            **{aws.endpoint_variable(name): self._aws_endpoint() for name in aws.SERVICES},
            "AWS_ENDPOINT_URL_ATHENA": self._athena_endpoint() if "athena" in known else "",
            "AWS_ENDPOINT_URL_LAMBDA": self._lambdas_endpoint() if "lambdas" in known else "",
            "AWS_REGION": clients.REGION,
            "AWS_DEFAULT_REGION": clients.REGION,
        }
        return {name: value for name, value in names.items() if value}

    def _dsn(self, part: str, user: str, database: str) -> str:
        password, port = self._state.secrets[part], self._state.ports[part]
        return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}?sslmode=disable"

    def status(self) -> Status:
        known = self._state.ports
        sections: dict[str, dict[str, Any]] = {
            part: {"running": self._state.runs(part)} for part in PARTS
        }
        if self._state.s3_endpoint is not None:
            sections["s3"]["running"] = True
        if self._state.s3_endpoint is not None or "s3" in known:
            sections["s3"] |= {
                "endpoint": self._endpoint(),
                "region": clients.REGION,
                **self._known_credentials(),
                "bucket": self._state.bucket,
            }
        if "aws" in known:
            endpoint = self._aws_endpoint()
            made = {word: aws.address(each, endpoint) for word, each in _resources().items()}
            sections["aws"] |= {"endpoint": endpoint, "region": clients.REGION, **made}
        if "athena" in known:
            sections["athena"] |= {
                "endpoint": self._athena_endpoint(),
                "region": clients.REGION,
                "results": self._athena_results(),
            }
        if "warehouse" in known:
            dsn = self._dsn("warehouse", WAREHOUSE_USER, WAREHOUSE_DATABASE)
            sections["warehouse"]["dsn"] = dsn
        if "postgres" in known:
            dsn = self._dsn("postgres", POSTGRES_USER, POSTGRES_DATABASE)
            sections["postgres"]["dsn"] = dsn
        if "lambdas" in known:
            endpoint, folder = self._lambdas_endpoint(), self._state.lambdas
            sections["lambdas"] |= {"endpoint": endpoint, "folder": folder}
        if "http" in known:
            url = f"http://127.0.0.1:{known['http']}"
            sections["http"] |= {"url": url, "root": str(self._http_root)}
        return Status(state=str(self._folder), **sections)


def _lambdas() -> Path:
    """Where the handlers are looked for: of the folder in which `up` is called."""
    return Path("deploy/lambda").absolute()


def _callers_credentials(endpoint: str) -> dict[str, str]:
    found = S3Settings().resolved().credentials
    if found is None:
        raise LocalStackError(f"there are no AWS credentials for {displayed(endpoint)}")
    keys = {
        "access_key_id": found.access_key_id,
        "secret_access_key": found.secret_access_key,
        "session_token": found.session_token,
    }
    return {name: value for name, value in keys.items() if value}


def _resources() -> dict[str, Resource]:
    """What the systems need in moto's server, by its word in the status."""
    named = [module.RESOURCES for module in systems.modules("resources").values()]
    return {word: resource for resources in named for word, resource in resources.items()}


def _python_environment() -> dict[str, str]:
    """The caller's environment but AWS's, with this package importable from any folder."""
    root = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    paths = [root, *([inherited] if inherited else [])]
    return {**clients.environment(), "PYTHONPATH": os.pathsep.join(paths)}


def up(*, s3_endpoint: str | None = None, bucket: str = BUCKET) -> Status:
    """Starts what does not run yet; LocalStackError says which part failed, with its log's end.

    With `s3_endpoint` no S3 server is started; the credentials are then botocore's.
    """
    folder = state_folder()
    _own_folder(folder)
    stack = Stack(folder)
    with stack.locked():
        stack.check(s3_endpoint, bucket)
        stack.up(s3_endpoint, bucket)
        return stack.status()


def down(*, purge: bool = False) -> None:
    """Stops what `up` started, and waits until it has ended; the data stay, unless purged."""
    folder = state_folder()
    if not folder.exists():
        return
    stack = Stack(folder)
    with stack.locked():
        stack.down()
        if purge:
            stack.purge()


def status() -> Status:
    """What runs, and where."""
    return Stack(state_folder()).status()


def environment() -> dict[str, str]:
    """The variables by which AWS's clients use the running stack; those of UNSET are in the way."""
    return Stack(state_folder()).environment()
