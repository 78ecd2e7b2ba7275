"""One invocation: a function's handler in a process of its own, which ends in time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airscoop.local.lambdas.functions import LATEST, Function

MOST_ANSWER_BYTES = 6 * 2**20
# Lambda's own words name this number, 100 bytes more.
MOST_ANSWER_TOLD = MOST_ANSWER_BYTES + 100


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """payload: JSON. failed: it tells of an error. log: what Lambda writes of an invocation."""

    request_id: str
    payload: bytes
    failed: bool
    log: bytes


def invoke(function: Function, event: bytes) -> Outcome:
    """Calls the handler with the event, which is JSON, in this process's environment."""
    request_id = str(uuid.uuid4())
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="airscoop-lambda-") as folder:
        result = Path(folder) / "result"
        with (Path(folder) / "log").open("w+b") as output:
            ended = _run(function, event, request_id, result, output)
            output.seek(0)
            said = output.read()
        payload, failed = _answer(function, request_id, result, ended)
    milliseconds = (time.monotonic() - started) * 1000
    begin = f"START RequestId: {request_id} Version: {LATEST}\n".encode()
    end = f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\t" + (
        f"Duration: {milliseconds:.2f} ms\tMemory Size: {function.memory} MB\n"
    )
    body = said if not said or said.endswith(b"\n") else said + b"\n"
    return Outcome(
        request_id=request_id, payload=payload, failed=failed, log=begin + body + end.encode()
    )


def _run(
    function: Function, event: bytes, request_id: str, result: Path, output: Any
) -> int | None:
    """The exit code; None: it was out of time, and is ended with all that it started."""
    words = [str(function.file.absolute()), str(result), str(function.timeout)]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "airscoop.local.lambdas.child", *words],
        env={**os.environ, **_variables(function, request_id), **function.variables},
        cwd=function.file.parent,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        process.communicate(event, timeout=function.timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """What the handler has started ends with it, as in Lambda's sandbox."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _variables(function: Function, request_id: str) -> Mapping[str, str]:
    return {
        "AIRSCOOP_REQUEST_ID": request_id,
        "AIRSCOOP_FUNCTION_ARN": function.arn,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[{LATEST}]{request_id}",
        "LAMBDA_TASK_ROOT": str(function.file.parent.absolute()),
        "_HANDLER": f"{function.name}.handler",
        "PYTHONUNBUFFERED": "1",
    }


def _answer(
    function: Function, request_id: str, result: Path, ended: int | None
) -> tuple[bytes, bool]:
    if ended is None:
        told = f"Task timed out after {function.timeout:.2f} seconds"
        return _fault("Sandbox.Timedout", f"RequestId: {request_id} Error: {told}"), True
    if not result.exists():
        how = f"exit status {ended}" if ended >= 0 else f"signal: {signal.Signals(-ended).name}"
        told = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
        return _fault("Runtime.ExitError", told), True
    found = json.loads(result.read_text())
    payload = found["payload"].encode()
    if len(payload) > MOST_ANSWER_BYTES:
        most = f"maximum allowed payload size ({MOST_ANSWER_TOLD} bytes)"
        told = f"Response payload size exceeded {most}."
        return _fault("Function.ResponseSizeTooLarge", told), True
    return payload, found["error"]


def _fault(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
