"""The process of one invocation: loads a handler, calls it, writes what became of it.

python -m airscoop.local.lambdas.child FILE RESULT SECONDS, the event on standard input. RESULT gets
a JSON object: `payload`, the text of the answer, and `error`, whether it tells of one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any


class Context:
    """What Lambda hands to a Python handler beside the event."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self.aws_request_id = os.environ["AIRSCOOP_REQUEST_ID"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = os.environ["AIRSCOOP_FUNCTION_ARN"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """Until the invocation is ended."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


def fault(kind: str, message: str, trace: list[str] | None = None) -> tuple[str, bool]:
    """An error as Lambda's runtime writes it."""
    told = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": os.environ["AIRSCOOP_REQUEST_ID"],
        "stackTrace": trace or [],
    }
    return json.dumps(told), True


def call(file: Path, event: Any, seconds: float) -> tuple[str, bool]:
    """The payload of the answer, and whether it is an error."""
    context = Context(seconds)
    sys.path.insert(0, str(file.parent))
    try:
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[file.stem] = module
        spec.loader.exec_module(module)
    except ImportError as error:
        return fault("Runtime.ImportModuleError", f"Unable to import module '{file.stem}': {error}")
    except Exception as error:
        return fault(type(error).__name__, str(error), _trace(error))
    handler = getattr(module, "handler", None)
    if not callable(handler):
        missing = f"Handler 'handler' missing on module '{file.stem}'"
        return fault("Runtime.HandlerNotFound", missing)
    try:
        answer = handler(event, context)
    except Exception as error:
        return fault(type(error).__name__, str(error), _trace(error))
    try:
        return json.dumps(answer), False
    except (TypeError, ValueError) as error:
        return fault("Runtime.MarshalError", f"Unable to marshal response: {error}")


def _trace(error: Exception) -> list[str]:
    """Of the handler's own frames."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    return traceback.format_list(own)


def main() -> None:
    file, result, seconds = sys.argv[1:]
    payload, is_error = call(Path(file), json.load(sys.stdin), float(seconds))
    sys.stdout.flush()
    whole = Path(f"{result}.new")
    whole.write_text(json.dumps({"payload": payload, "error": is_error}))
    whole.replace(result)


if __name__ == "__main__":
    main()
