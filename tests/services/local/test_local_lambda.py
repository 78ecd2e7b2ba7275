"""The local Lambda: what boto3 and Airflow's operator are answered, for handlers of a folder."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk.exceptions import AirflowException
from botocore.config import Config
from botocore.exceptions import ClientError

from airscoop.local.processes import accepts, free_ports
from support.paths import PACKAGE_ROOT
from support.waiting import eventually

HANDLERS = {
    "echo": "def handler(event, context):\n    print('seen')\n    return {'event': event}\n",
    "told": (
        "import os\n"
        "def handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [context.function_name, context.function_version, 0 < left <= 60000,\n"
        "            context.invoked_function_arn, len(context.aws_request_id),\n"
        "            os.environ['AWS_LAMBDA_FUNCTION_NAME'], os.environ['OF_THE_STACK'],\n"
        "            os.environ['OWN']]\n"
    ),
    "raising": "def handler(event, context):\n    raise KeyError('asin')\n",
    "slow": (
        "import subprocess, time\n"
        "def handler(event, context):\n"
        "    child = subprocess.Popen(['sleep', '60'])\n"
        "    print(child.pid, flush=True)\n"
        "    time.sleep(60)\n"
    ),
    "leaving": "import os\ndef handler(event, context):\n    os._exit(3)\n",
    "unfinished": "import nothing_like_it\n",
    "without": "x = 1\n",
    "a_set": "def handler(event, context):\n    return {1}\n",
    "large": "def handler(event, context):\n    return 'x' * event\n",
    "writing": "def handler(event, context):\n    open(event, 'w').write('ran')\n",
    "_shared": "x = 1\n",
}
SETTINGS: dict[str, Any] = {
    "slow": {"Timeout": 1},
    "told": {"Environment": {"Variables": {"OWN": "mine"}}},
}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("lambda")
    for name, text in HANDLERS.items():
        (folder / f"{name}.py").write_text(text)
    for name, settings in SETTINGS.items():
        (folder / f"{name}.json").write_text(json.dumps(settings))
    (port,) = free_ports(1)
    words = ["--port", str(port), "--folder", str(folder)]
    server = subprocess.Popen(
        [sys.executable, "-m", "airscoop.local.lambdas", *words],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT), "OF_THE_STACK": "yes"},
    )
    try:
        assert eventually(lambda: accepts(port), seconds=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 1}),
    )


def invoke(client: Any, name: str, event: object = None, **options: Any) -> tuple[Any, Any]:
    """The answer, and its payload."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event), **options)
    return answer, json.loads(answer["Payload"].read() or "null")


def test_a_handler_gets_the_event_and_its_answer_comes_back(client: Any) -> None:
    answer, payload = invoke(client, "echo", {"a": ["ü", 1, None]})
    assert payload == {"event": {"a": ["ü", 1, None]}}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer


def test_an_invocation_without_a_payload_is_one_with_an_empty_event(client: Any) -> None:
    assert json.loads(client.invoke(FunctionName="echo")["Payload"].read()) == {"event": {}}


@pytest.mark.parametrize(
    "name", ["echo", f"{ARN}echo", f"{ARN}echo:$LATEST", "123456789012:function:echo"]
)
def test_a_function_is_found_by_its_name_and_by_its_arn(client: Any, name: str) -> None:
    assert invoke(client, name, 5)[1] == {"event": 5}


def test_a_handler_is_told_who_it_is_and_has_the_stacks_environment(client: Any) -> None:
    told = ["told", "$LATEST", True, f"{ARN}told", 36, "told", "yes", "mine"]
    assert invoke(client, "told")[1] == told


def test_a_handler_that_raises_is_a_function_error(client: Any) -> None:
    answer, payload = invoke(client, "raising")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorType"], payload["errorMessage"]) == ("KeyError", "'asin'")
    (frame,) = payload["stackTrace"]
    assert "raising.py" in frame and "raise KeyError('asin')" in frame


@pytest.mark.parametrize(
    ("name", "event", "kind", "said"),
    [
        ("leaving", None, "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("unfinished", None, "Runtime.ImportModuleError", "No module named 'nothing_like_it'"),
        ("without", None, "Runtime.HandlerNotFound", "Handler 'handler' missing"),
        ("a_set", None, "Runtime.MarshalError", "set is not JSON serializable"),
        ("large", 6 * 2**20, "Function.ResponseSizeTooLarge", "maximum allowed payload size"),
    ],
)
def test_what_keeps_a_handler_from_answering_is_a_function_error(
    client: Any, name: str, event: object, kind: str, said: str
) -> None:
    answer, payload = invoke(client, name, event)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == kind
    assert said in payload["errorMessage"]


def test_a_handler_out_of_time_is_ended_with_what_it_started(client: Any) -> None:
    answer, payload = invoke(client, "slow", LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    started = int(base64.b64decode(answer["LogResult"]).splitlines()[1])
    assert eventually(lambda: not Path(f"/proc/{started}").exists() or zombie(started))


def zombie(pid: int) -> bool:
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


def test_the_end_of_the_log_comes_when_it_is_asked_for(client: Any) -> None:
    answer, _ = invoke(client, "echo", LogType="Tail")
    start, seen, end, report = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert start.startswith("START RequestId: ") and start.endswith("Version: $LATEST")
    assert seen == "seen"
    assert end.startswith("END RequestId: ") and report.startswith("REPORT RequestId: ")
    assert "LogResult" not in invoke(client, "echo")[0]


def test_an_event_is_answered_at_once_and_run(client: Any, tmp_path: Path) -> None:
    answer, _ = invoke(client, "writing", str(tmp_path / "mark"), InvocationType="Event")
    assert answer["StatusCode"] == 202
    assert eventually((tmp_path / "mark").exists, seconds=60)


def test_a_dry_run_runs_nothing(client: Any, tmp_path: Path) -> None:
    answer, _ = invoke(client, "writing", str(tmp_path / "mark"), InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"FunctionName": "none"}, "ResourceNotFoundException", f"Function not found: {ARN}none"),
        ({"FunctionName": "_shared"}, "ResourceNotFoundException", "_shared"),
        ({"FunctionName": "echo", "Qualifier": "prod"}, "ResourceNotFoundException", "echo:prod"),
        ({"FunctionName": "echo", "Payload": b"{"}, "InvalidRequestContentException", "json"),
        (
            {"FunctionName": "echo", "Payload": b'"' + b"x" * 6 * 2**20 + b'"'},
            "RequestTooLargeException",
            "6291456 bytes",
        ),
        (
            {
                "FunctionName": "echo",
                "Payload": b'"' + b"x" * 2**20 + b'"',
                "InvocationType": "Event",
            },
            "RequestTooLargeException",
            "1048576 bytes",
        ),
    ],
)
def test_what_lambda_refuses_is_refused_in_its_words(
    client: Any, options: dict[str, Any], error: str, said: str
) -> None:
    with pytest.raises(ClientError) as caught:
        client.invoke(**options)
    found = caught.value.response["Error"]
    assert found["Code"] == error
    assert said in found.get("Message", caught.value.response.get("Message", ""))


def test_functions_are_listed_and_shown(client: Any) -> None:
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 4})
    names = [each["FunctionName"] for page in pages for each in page["Functions"]]
    assert names == sorted(name for name in HANDLERS if name != "_shared")
    shown = client.get_function(FunctionName="slow")["Configuration"]
    assert (shown["FunctionArn"], shown["Timeout"]) == (f"{ARN}slow", 1)
    assert client.get_function_configuration(FunctionName="told")["State"] == "Active"
    client.get_waiter("function_active_v2").wait(FunctionName="echo")


def test_airflows_operator_invokes_a_function(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"region_name": "us-east-1", "service_config": {"lambda": {"endpoint_url": endpoint}}}
    connection = {"conn_type": "aws", "login": "id", "password": "secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL_LAMBDA", json.dumps(connection))
    options: dict[str, Any] = {"task_id": "call", "aws_conn_id": "local_lambda"}
    no_context: Any = {}
    good = LambdaInvokeFunctionOperator(function_name="echo", payload='{"a": 1}', **options)
    assert json.loads(good.execute(no_context)) == {"event": {"a": 1}}
    bad = LambdaInvokeFunctionOperator(function_name="raising", payload="{}", **options)
    with pytest.raises((AirflowException, ValueError)):
        bad.execute(no_context)


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"},
                {"Sec-Fetch-Site": "cross-site"}],
)  # fmt: skip
def test_a_web_page_invokes_nothing(endpoint: str, headers: dict[str, str]) -> None:
    url = f"{endpoint}/2015-03-31/functions/echo/invocations"
    request = urllib.request.Request(url, data=b"{}", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 403
