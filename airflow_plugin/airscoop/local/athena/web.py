"""Athena's protocol: JSON 1.1 over HTTP, each operation named in X-Amz-Target."""

from __future__ import annotations

import datetime
import json
import logging
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from airscoop.local.athena import requests
from airscoop.local.athena.api_errors import ApiError
from airscoop.local.athena.operations import OPERATIONS, Service

TARGET = "AmazonAthena"
# The longest statement, each character of it escaped, and the rest.
MOST_BYTES = 4 * 1024 * 1024
log = logging.getLogger(__name__)


class Application:
    """A WSGI application that answers the operations that are known here."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            status, body = "200 OK", self._answer(environ)
        except ApiError as error:
            status, body = "400 Bad Request", error.body()
        except Exception:
            log.exception("a request failed")
            failed = "an internal error; the log of airscoop's local Athena has it"
            status = "500 Internal Server Error"
            body = {"__type": "InternalServerException", "Message": failed}
        data = json.dumps(body, default=_seconds).encode()
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "Content-Length": str(len(data)),
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        start_response(status, list(headers.items()))
        return [data]

    def _answer(self, environ: Mapping[str, Any]) -> Mapping[str, Any]:
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        body = _read(environ)
        if service != TARGET or operation not in requests.service_model().operation_names:
            raise ApiError(
                f"Athena has no operation {operation or service!r}",
                code="UnknownOperationException",
            )
        known = OPERATIONS.get(operation)
        if known is None:
            raise ApiError(
                f"airscoop's local Athena does not know the operation {operation}",
                code="UnknownOperationException",
            )
        return known(self._service, requests.checked(operation, body)) or {}


def _read(environ: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if size > MOST_BYTES:
            raise ApiError(
                f"the request has more than {MOST_BYTES} bytes",
                code="RequestEntityTooLargeException",
            )
        body = json.loads(environ["wsgi.input"].read(size) or b"{}")
    except ValueError as error:
        raise ApiError("the request is no JSON", code="SerializationException") from error
    if not isinstance(body, dict):
        raise ApiError("the request is no JSON object", code="SerializationException")
    return body


def _seconds(value: object) -> float:
    if isinstance(value, datetime.datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} has no place in an answer")
