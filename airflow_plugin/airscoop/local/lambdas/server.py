"""Lambda's HTTP: Invoke, GetFunction, GetFunctionConfiguration and ListFunctions."""

from __future__ import annotations

import base64
import json
import logging
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from airscoop.local.lambdas.functions import LATEST, Function, Functions, NotThere, WrongSettings
from airscoop.local.lambdas.invocation import invoke

log = logging.getLogger(__name__)

ROOT = "/2015-03-31/functions"
KINDS = ("RequestResponse", "Event", "DryRun")
MOST_BYTES = {"RequestResponse": 6 * 2**20, "Event": 2**20, "DryRun": 6 * 2**20}
MOST_LOG_BYTES = 4096  # of LogType=Tail
MOST_ITEMS = 50


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: HTTPStatus
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """An error in AWS's words: the status, the name of the exception, and what it says."""

    def __init__(self, status: HTTPStatus, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name = status, name

    def answer(self) -> Answer:
        body = json.dumps({"Type": "User", "Message": str(self)}).encode()
        return Answer(status=self.status, body=body, headers={"x-amzn-ErrorType": self.name})


class Application:
    """WSGI over the functions of a folder."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except Refused as refused:
            answer = refused.answer()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            "x-amzn-RequestId": str(uuid.uuid4()),
            **answer.headers,
        }
        start_response(f"{answer.status.value} {answer.status.phrase}", list(headers.items()))
        return [answer.body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path = environ.get("PATH_INFO", "")
        query = {name: texts[0] for name, texts in parse_qs(environ["QUERY_STRING"]).items()}
        rest = path.removeprefix(ROOT).strip("/") if path.startswith(ROOT) else None
        match (environ["REQUEST_METHOD"], [] if not rest else rest.split("/")):
            case ("GET", []) if rest is not None:
                return self._list(query)
            case ("GET", [name]):
                found = self._function(name, query)
                code = {"RepositoryType": "S3", "Location": found.file.absolute().as_uri()}
                return _json({"Configuration": found.configuration(), "Code": code})
            case ("GET", [name, "configuration"]):
                return _json(self._function(name, query).configuration())
            case ("POST", [name, "invocations"]):
                return self._invoke(self._function(name, query), environ)
        raise Refused(
            HTTPStatus.NOT_IMPLEMENTED,
            "NotImplementedException",
            f"airscoop's local Lambda does not know {environ['REQUEST_METHOD']} {path}",
        )

    def _function(self, name: str, query: Mapping[str, str]) -> Function:
        try:
            return self._functions.get(unquote(name), query.get("Qualifier"))
        except NotThere as error:
            raise Refused(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", str(error)) from error
        except WrongSettings as error:
            raise Refused(
                HTTPStatus.BAD_REQUEST, "InvalidParameterValueException", str(error)
            ) from error

    def _list(self, query: Mapping[str, str]) -> Answer:
        names = [name for name in self._functions.names() if name > query.get("Marker", "")]
        most = min(int(query.get("MaxItems", MOST_ITEMS)), MOST_ITEMS)
        shown = [self._function(name, {}).configuration() for name in names[:most]]
        more = {"NextMarker": names[most - 1]} if len(names) > most else {}
        return _json({"Functions": shown, **more})

    def _invoke(self, function: Function, environ: dict[str, Any]) -> Answer:
        kind = environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse")
        if kind not in KINDS:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                "InvalidParameterValueException",
                f"InvocationType {kind} is none of {', '.join(KINDS)}",
            )
        event = _event(environ, MOST_BYTES[kind])
        version = {"X-Amz-Executed-Version": LATEST}
        if kind == "DryRun":
            return Answer(status=HTTPStatus.NO_CONTENT)
        if kind == "Event":
            threading.Thread(target=_run_later, args=(function, event), daemon=True).start()
            return Answer(status=HTTPStatus.ACCEPTED)
        outcome = invoke(function, event)
        _note(function, outcome.log)
        headers = version | ({"X-Amz-Function-Error": "Unhandled"} if outcome.failed else {})
        if environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail":
            tail = base64.b64encode(outcome.log[-MOST_LOG_BYTES:]).decode()
            headers["X-Amz-Log-Result"] = tail
        return Answer(status=HTTPStatus.OK, body=outcome.payload, headers=headers)


def _run_later(function: Function, event: bytes) -> None:
    """Lambda would try an event again that failed; here its log says so, and that is all."""
    _note(function, invoke(function, event).log)


def _note(function: Function, text: bytes) -> None:
    log.info("%s\n%s", function.name, text.decode(errors="replace").rstrip())


def _event(environ: dict[str, Any], most: int) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > most:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "RequestTooLargeException",
            f"Request must be smaller than {most} bytes for the InvokeFunction operation",
        )
    event: bytes = environ["wsgi.input"].read(length) if length else b"{}"
    try:
        json.loads(event)
    except ValueError as error:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
        ) from error
    return event


def _json(values: Mapping[str, Any]) -> Answer:
    return Answer(status=HTTPStatus.OK, body=json.dumps(values).encode())
