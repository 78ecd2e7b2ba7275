"""The local stack as a whole: up, down, status, and its file server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop.local import aws
from airscoop.local import stack as local_stack
from airscoop.local.airflow_home import aws_connection
from airscoop.local.processes import LocalStackError
from airscoop.local.s3 import _client
from support.athena_server import finished
from support.paths import PACKAGE_ROOT
from support.standin import state_folder
from support.waiting import eventually


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own; what it left running is stopped."""
    found = state_folder()
    monkeypatch.setenv("AIRSCOOP_LOCAL_DIR", str(found))
    yield found
    local_stack.down()
    shutil.rmtree(found)


def processes(folder: Path) -> dict[str, int]:
    recorded = json.loads((folder / "stack.json").read_text())["processes"]
    return {part: item["pid"] for part, item in recorded.items()}


def commands_naming(folder: Path) -> list[str]:
    """Command lines of all processes that have to do with this state folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def query(dsn: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as session:
        cursor = session.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def test_every_part_answers(stack: dict[str, Any]) -> None:
    assert stack["running"] is True
    assert query(stack["warehouse"]["dsn"], "SHOW default_transaction_isolation") == [
        ("repeatable read",)
    ]
    assert query(stack["postgres"]["dsn"], "SHOW default_transaction_isolation") == [
        ("read committed",)
    ]
    s3 = _client(stack["s3"]["endpoint"], stack["s3"])
    s3.put_object(Bucket=stack["s3"]["bucket"], Key="a b/ü.txt", Body=b"x" * 10)
    assert s3.get_object(Bucket=stack["s3"]["bucket"], Key="a b/ü.txt")["Body"].read() == b"x" * 10
    Path(stack["http"]["root"], "hello.txt").write_text("hello")
    with urllib.request.urlopen(f"{stack['http']['url']}/hello.txt") as answer:
        assert answer.read() == b"hello"


def test_athena_runs_a_query_and_keeps_its_result_in_the_stacks_bucket(
    stack: dict[str, Any],
) -> None:
    athena = aws.client("athena", stack["athena"]["endpoint"], stack["s3"])
    query = athena.start_query_execution(QueryString="SELECT 1 AS one")["QueryExecutionId"]
    assert finished(athena, query)["Status"]["State"] == "SUCCEEDED"
    s3, bucket = _client(stack["s3"]["endpoint"], stack["s3"]), stack["s3"]["bucket"]
    result = s3.get_object(Bucket=bucket, Key=f"athena/{query}.csv")["Body"].read()
    assert result == b'"one"\n"1"\n'


def test_a_handler_beside_the_caller_uses_the_stack(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = tmp_path / "deploy" / "lambda"
    handlers.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    status = local_stack.up().to_dict()
    assert status["lambdas"]["folder"] == str(handlers)
    (handlers / "write.py").write_text(
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket=event, Key='written', Body=b'by a handler')\n"
    )
    client = aws.client("lambda", status["lambdas"]["endpoint"], status["s3"])
    answer = client.invoke(FunctionName="write", Payload=json.dumps(status["s3"]["bucket"]))
    assert "FunctionError" not in answer, answer["Payload"].read()
    s3 = _client(status["s3"]["endpoint"], status["s3"])
    found = s3.get_object(Bucket=status["s3"]["bucket"], Key="written")
    assert found["Body"].read() == b"by a handler"


def test_the_table_the_stream_and_the_queue_are_there_again_after_a_restart(folder: Path) -> None:
    first = local_stack.up().to_dict()
    endpoint = first["aws"]["endpoint"]
    names = ("kinesis", "dynamodb", "sqs")
    kinesis, dynamodb, sqs = (aws.client(name, endpoint, first["s3"]) for name in names)
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    dynamodb.put_item(TableName=first["aws"]["table"], Item=item)
    sqs.send_message(QueueUrl=first["aws"]["queue"], MessageBody="hint")
    assert local_stack.up().to_dict() == first
    found = dynamodb.get_item(TableName=first["aws"]["table"], Key=item)
    assert found["Item"] == item
    messages = sqs.receive_message(QueueUrl=first["aws"]["queue"])["Messages"]
    assert [message["Body"] for message in messages] == ["hint"]

    os.kill(processes(folder)["aws"], signal.SIGKILL)
    assert eventually(lambda: not local_stack.status().aws["running"])
    assert local_stack.up().to_dict() == first
    assert "Item" not in dynamodb.get_item(TableName=first["aws"]["table"], Key=item)
    described = kinesis.describe_stream_summary(StreamName=first["aws"]["stream"])
    assert described["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
    assert "Messages" not in sqs.receive_message(QueueUrl=first["aws"]["queue"])


def test_down_with_purge_removes_what_the_stack_made_and_nothing_else(folder: Path) -> None:
    first = local_stack.up().to_dict()
    kept = folder / "fuzz" / "corpus"
    kept.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "airscoop", "local", "down", "--purge"], capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert {path.name for path in folder.iterdir()} == {"fuzz", "lock"}
    assert commands_naming(folder) == []
    assert local_stack.status().running is False
    again = local_stack.up().to_dict()
    assert again["running"] and again["s3"]["bucket"] == first["s3"]["bucket"]


def local(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "airscoop", "local", *words],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def test_a_shell_uses_the_stack_by_what_env_prints(stack: dict[str, Any], tmp_path: Path) -> None:
    in_the_way = {
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "stale",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AIRSCOOP_LOCAL_DIR": stack["state"],
    }
    state = {"AIRSCOOP_LOCAL_DIR": stack["state"]}
    assert 'eval "$(airscoop local env)"' in local("up", **state).stdout
    (tmp_path / "some").write_text("some")
    (tmp_path / "script.sql").write_text("SELECT 1")
    python = f"{sys.executable} -m airscoop"
    place = f"s3://{stack['s3']['bucket']}/by a shell"
    commands = f"""set -e
        eval "$({python} local env)"
        {python} copy {tmp_path}/some '{place}'
        {python} cat '{place}'
        {python} script {tmp_path}/script.sql
    """
    done = subprocess.run(
        ["sh", "-c", commands], env={**os.environ, **in_the_way}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "1 statements" in done.stdout
    as_json = json.loads(local("env", "--json", **in_the_way).stdout)
    assert as_json["AIRSCOOP_WAREHOUSE_DSN"] == stack["warehouse"]["dsn"]
    assert as_json["AWS_ENDPOINT_URL_S3"] == stack["s3"]["endpoint"]
    assert as_json["AWS_ENDPOINT_URL_ATHENA"] == stack["athena"]["endpoint"]
    assert as_json["AWS_ENDPOINT_URL_LAMBDA"] == stack["lambdas"]["endpoint"]
    assert as_json["AWS_ENDPOINT_URL_EVENTBRIDGE"] == stack["aws"]["endpoint"]
    assert as_json["AWS_ENDPOINT_URL_GLUE"] == stack["aws"]["endpoint"]


BROKEN = {
    "profile": {"AWS_PROFILE": "no-such-profile"},
    "default profile": {"AWS_DEFAULT_PROFILE": "no-such-profile"},
    "retries": {"AWS_MAX_ATTEMPTS": "many", "AWS_RETRY_MODE": "sometimes"},
    "authorities": {"AWS_CA_BUNDLE": "/nowhere/ca.pem"},
    "flags": {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    "timeouts": {"AWS_METADATA_SERVICE_TIMEOUT": "soon"},
    "data": {"AWS_DATA_PATH": "/nowhere", "AWS_DEFAULTS_MODE": "fast"},
    "config": {"AWS_CONFIG_FILE": "config"},
    "credentials": {"AWS_SHARED_CREDENTIALS_FILE": "config"},
}


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Variables by which botocore makes no client."""
    (tmp_path / "config").write_bytes(b"[default\n\xff = = \n")
    named = BROKEN[request.param].items()
    return {name: str(tmp_path / "config") if text == "config" else text for name, text in named}


@pytest.mark.parametrize("verb", ["up", "status", "env"])
def test_the_stack_does_not_care_for_the_callers_aws_settings(
    stack: dict[str, Any], verb: str, broken: dict[str, str]
) -> None:
    done = local(verb, "--json", AIRSCOOP_LOCAL_DIR=stack["state"], **broken)
    assert (done.returncode, done.stderr) == (0, "")
    assert stack["s3"]["endpoint"] in done.stdout


def test_what_the_stack_starts_does_not_know_the_callers_aws_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    local_stack.up()
    started = processes(folder)
    for part in ("s3", "aws", "warehouse", "athena", "lambdas", "http"):
        pid = started[part]
        assert b"no-such-profile" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert local("down", AIRSCOOP_LOCAL_DIR=str(folder)).returncode == 0


def test_where_the_callers_keys_are_needed_it_says_what_to_do(
    stack: dict[str, Any], broken: dict[str, str]
) -> None:
    done = local(
        "up", "--s3-endpoint", "http://127.0.0.1:9", AIRSCOOP_LOCAL_DIR=stack["state"], **broken
    )
    assert done.returncode in (1, 2)
    assert "a defect" not in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_there_is_no_environment_of_a_stack_that_does_not_run(tmp_path: Path) -> None:
    done = local("env", AIRSCOOP_LOCAL_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "do not run: airscoop local up" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--s3-endpoint", "garbage"], "garbage is no S3 endpoint, such as http://127.0.0.1:9000"),
        (["--s3-endpoint", "http://"], "is no S3 endpoint"),
        (["--s3-endpoint", "http://127.0.0.1:9/"], "bucket airscoop at http://127.0.0.1:9"),
        (["--bucket", "Not_A_Bucket"], "'Not_A_Bucket' is no bucket's name"),
    ],
)
def test_what_cannot_come_up_stops_nothing(
    stack: dict[str, Any], words: list[str], said: str
) -> None:
    before = processes(Path(stack["state"]))
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    done = local("up", *words, AIRSCOOP_LOCAL_DIR=stack["state"], **keys)
    assert done.returncode == 1
    assert said in done.stderr
    after = json.loads(local("status", "--json", AIRSCOOP_LOCAL_DIR=stack["state"]).stdout)
    assert processes(Path(stack["state"])) == before
    assert after == stack


@pytest.mark.parametrize("call", ["put_object", "get_object", "head_bucket", "list_objects_v2"])
def test_a_bucket_that_is_not_there_is_404(stack: dict[str, Any], call: str) -> None:
    from botocore.exceptions import ClientError

    place = {"Bucket": "not-there"} | ({"Key": "x"} if call.endswith("t_object") else {})
    client = _client(stack["s3"]["endpoint"], stack["s3"])
    with pytest.raises(ClientError) as caught:
        getattr(client, call)(**place)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "not-there" not in [item["Name"] for item in client.list_buckets()["Buckets"]]


def test_without_what_the_extra_installs_it_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_stack, "PACKAGES", ("boto3", "no_such_package"))
    with pytest.raises(LocalStackError, match=r"no_such_package are missing: .*airscoop\[local\]"):
        local_stack.up()
    assert not (folder / "stack.json").exists()


def test_an_airflow_connection_finds_each_service_at_its_place(
    stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    connection = aws_connection(stack["s3"], stack["aws"], stack["athena"], stack["lambdas"])
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL_AWS", json.dumps(connection))
    endpoints = {
        name: AwsBaseHook("local_aws", client_type=name).get_conn().meta.endpoint_url
        for name in ("s3", "athena", "lambda", *aws.SERVICES)
    }
    elsewhere = dict.fromkeys(aws.SERVICES, stack["aws"]["endpoint"])
    own = {name: stack[name]["endpoint"] for name in ("s3", "athena")}
    own["lambda"] = stack["lambdas"]["endpoint"]
    assert endpoints == {**own, **elsewhere}


def test_s3_checks_signatures(stack: dict[str, Any]) -> None:
    from botocore.exceptions import ClientError

    wrong = {**stack["s3"], "secret_access_key": "wrong"}
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        _client(stack["s3"]["endpoint"], wrong).list_objects_v2(Bucket=stack["s3"]["bucket"])


def test_secrets_are_the_callers_alone(stack: dict[str, Any]) -> None:
    folder = Path(stack["state"])
    for name in ("stack.json", "s3-identities.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    for command in commands_naming(folder):
        assert stack["s3"]["secret_access_key"] not in command


def test_up_starts_only_what_is_missing_and_data_survive_down(folder: Path) -> None:
    first = local_stack.up().to_dict()
    running = processes(folder)
    assert set(running) == set(local_stack.PARTS)
    assert local_stack.up().to_dict() == first
    assert processes(folder) == running

    for dsn in (first["warehouse"]["dsn"], first["postgres"]["dsn"]):
        query(dsn, "CREATE TABLE public.kept AS SELECT 1 AS a")
    s3 = _client(first["s3"]["endpoint"], first["s3"])
    s3.put_object(Bucket=first["s3"]["bucket"], Key="kept", Body=b"kept")

    os.kill(running["warehouse"], signal.SIGKILL)
    local_stack.up()
    changed = {part for part, pid in processes(folder).items() if pid != running[part]}
    assert changed == {"warehouse"}
    assert query(first["warehouse"]["dsn"], "SELECT a FROM kept") == [(1,)]

    os.kill(processes(folder)["postgres"], signal.SIGKILL)
    local_stack.up()
    assert query(first["warehouse"]["dsn"], "SELECT a FROM kept") == [(1,)]

    local_stack.down()
    assert commands_naming(folder) == []
    assert local_stack.status().running is False
    assert local_stack.up().to_dict() == first
    assert query(first["postgres"]["dsn"], "SELECT a FROM kept") == [(1,)]
    assert s3.get_object(Bucket=first["s3"]["bucket"], Key="kept")["Body"].read() == b"kept"


def test_two_ups_at_once_start_one_stack(folder: Path) -> None:
    command = [sys.executable, "-m", "airscoop.local", "up", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    outputs: list[str] = []

    def up() -> None:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        outputs.append(done.stdout or done.stderr)

    threads = [threading.Thread(target=up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(outputs[0]) == json.loads(outputs[1])
    assert sum(" server " in command for command in commands_naming(folder)) == 1


def test_an_endpoint_that_is_given_is_used(
    folder: Path, stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", stack["s3"]["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", stack["s3"]["secret_access_key"])
    status = local_stack.up(s3_endpoint=stack["s3"]["endpoint"], bucket="given").to_dict()
    assert "s3" not in processes(folder)
    assert (status["s3"]["endpoint"], status["s3"]["bucket"]) == (stack["s3"]["endpoint"], "given")
    _client(stack["s3"]["endpoint"], stack["s3"]).head_bucket(Bucket="given")


def test_a_part_that_does_not_come_up_is_named_with_its_logs_end(folder: Path) -> None:
    local_stack.up()
    local_stack.down()
    with (folder / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = on\n")
    with pytest.raises(LocalStackError, match=r"(?s)PostgreSQL ended.*no_such_setting"):
        local_stack.up()
    assert set(processes(folder)) == {"s3", "aws"}


def test_status_before_the_first_up_says_that_nothing_runs(folder: Path) -> None:
    status = local_stack.status().to_dict()
    assert status["running"] is False
    assert status["warehouse"] == {"running": False}


def test_a_folder_others_can_write_to_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    with pytest.raises(LocalStackError, match="only you can write"):
        local_stack.up()
    folder.chmod(0o711)


@pytest.mark.parametrize(
    ("wanted", "code", "body"),
    [
        (None, 200, b"0123456789"),
        ("bytes=0-3", 206, b"0123"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-99", 206, b"56789"),
        ("bytes=10-", 416, b""),
        ("bytes=4-2", 416, b""),
    ],
)
def test_the_file_server_gives_lengths_and_ranges(
    stack: dict[str, Any], wanted: str | None, code: int, body: bytes
) -> None:
    Path(stack["http"]["root"], "digits").write_bytes(b"0123456789")
    headers = {"Range": wanted} if wanted else {}
    request = urllib.request.Request(f"{stack['http']['url']}/digits", headers=headers)
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        assert (answer.status, answer.read()) == (code, body)
        assert answer.headers["Content-Length"] == str(len(body))


def test_the_file_server_serves_nothing_outside_its_folder(stack: dict[str, Any]) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{stack['http']['url']}/../stack.json")
    assert caught.value.code == 404
